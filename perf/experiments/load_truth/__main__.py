"""`python -m perf.experiments.load_truth`: hold the load generator against what is known.

Writes `load_truth.json` and `load_truth.md` into `--out`, anew after each part, so that what was
measured stays when a later part is ended. With the usual 20 repeats it takes about 15 minutes of an
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

_NAME = "load_truth"


@click.command()
@click.option("-k", "names", multiple=True, type=click.Choice(list(PARTS)), help="Only this part.")
@click.option("--repeats", default=REPEATS, help="Runs of the parts that count verdicts.")
@click.option("--out", default="reports/load_truth", type=click.Path(path_type=Path))
def main(names: tuple[str, ...], repeats: int, out: Path) -> None:
    """Run the parts, and say whether all hold by the exit code."""
    out.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "schema": 1,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "parts": {},
    }
    for name in names or PARTS:
        document["parts"][name] = _part(name, repeats)
        write_atomically(out / f"{_NAME}.json", json.dumps(document, indent=1) + "\n")
        write_atomically(out / f"{_NAME}.md", markdown(document))
    click.echo(markdown(document), nl=False)
    raise SystemExit(0 if all(part.get("holds") for part in document["parts"].values()) else 1)


def _part(name: str, repeats: int) -> dict[str, Any]:
    try:
        with Guard() as guard:
            part: Part = PARTS[name](guard, repeats, say)
    except Unavailable as error:
        return {"error": str(error)}
    return part.to_json()


if __name__ == "__main__":
    main()
