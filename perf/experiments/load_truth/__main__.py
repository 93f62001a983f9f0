"""`python -m perf.experiments.load_truth`: hold the load generator against what is known.

Writes `results.json` and `results.md` into `--out` after each part: those that were not run again
stay as they were measured. With the usual 20 repeats it takes about 15 minutes of an
otherwise idle machine.
"""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from perf.experiments.load_truth.parts import PARTS, REPEATS, Part
from perf.experiments.load_truth.report import markdown
from perf.files import write_atomically
from perf.lab import Unavailable
from perf.lab.guard import Guard
from perf.saying import say

_NAME = "results"


@click.command()
@click.option("-k", "names", multiple=True, type=click.Choice(list(PARTS)), help="Only this part.")
@click.option("--repeats", default=REPEATS, help="Runs of the parts that count verdicts.")
@click.option("--out", default="reports/load_truth", type=click.Path(path_type=Path))
def main(names: tuple[str, ...], repeats: int, out: Path) -> None:
    """Run the parts, and say whether all hold by the exit code."""
    out.mkdir(parents=True, exist_ok=True)
    document = _earlier(out / f"{_NAME}.json")
    for name in names or PARTS:
        document["parts"][name] = _part(name, repeats)
        write_atomically(out / f"{_NAME}.json", json.dumps(document, indent=1) + "\n")
        write_atomically(out / f"{_NAME}.md", markdown(document))
    click.echo(markdown(document), nl=False)
    raise SystemExit(0 if all(part.get("holds") for part in document["parts"].values()) else 1)


def _earlier(path: Path) -> dict[str, Any]:
    """Return what was measured earlier on such a machine, or nothing."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    nothing: dict[str, Any] = {"schema": 2, "machine": machine, "parts": {}}
    if not path.exists():
        return nothing
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    same = (found.get("schema"), found.get("machine")) == (2, machine)
    return found if same else nothing


def _part(name: str, repeats: int) -> dict[str, Any]:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        with Guard() as guard:
            part: Part = PARTS[name](guard, repeats, say)
    except Unavailable as error:
        return {"started": started, "error": str(error)}
    return {"started": started, **part.to_json()}


if __name__ == "__main__":
    main()
