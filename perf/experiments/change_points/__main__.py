"""Run the experiment and write `results.json` and `results.md` beside this file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from perf.errors import UserError
from perf.experiments.change_points import finders, judge
from perf.experiments.change_points.words import markdown
from perf.files import write_atomically
from perf.lab import Unavailable
from perf.saying import say

_COMMAND = "python -m perf.experiments.change_points --data DIR --otava PYTHON"


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Labelled series.")
@click.option("--otava", type=click.Path(path_type=Path), help="An interpreter that has Otava.")
@click.option("--out", type=click.Path(path_type=Path), default=Path(__file__).parent)
def main(data: Path, otava: Path | None, out: Path) -> None:
    """Judge the finders of change points side by side."""
    try:
        results = run(data, otava)
    except (UserError, Unavailable) as error:
        say(f"error: {error}")
        sys.exit(3 if isinstance(error, Unavailable) else 2)
    write_atomically(out / "results.json", json.dumps(results, indent=1) + "\n")
    write_atomically(out / "results.md", markdown(results))
    say(f"results: {out / 'results.md'}")


def run(data: Path, otava: Path | None) -> dict[str, object]:
    """Return the results of all parts."""
    compared: dict[str, finders.Finder] = {"ours": finders.ours}
    named = {"ours": "ours: `perf.changepoints`"}
    if otava is not None:
        compared["otava"] = finders.otava(otava)
        named["otava"] = f"otava: apache-otava {finders.otava_version(otava)}, its defaults"
    compared["nothing"] = finders.nothing
    named["nothing"] = "nothing: no change point, ever"
    say("series labelled by people")
    people, tiger = judge.people(data, compared), judge.tiger(data, compared)
    say("made series")
    known = judge.known(compared)
    say("real noise, and delay")
    return {
        "schema": 1,
        "command": _COMMAND,
        "finders": named,
        "people": people,
        "tiger": tiger,
        "made": known,
        "real_noise": judge.real_noise(data, compared),
        "delay": judge.delay(compared),
    }


if __name__ == "__main__":
    main()
