"""What is compared: our finder, Otava's defaults in an interpreter of its own, and nothing.

A finder takes all series at once, since starting an interpreter for each would take the time.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from perf.changepoints import find
from perf.lab import Unavailable

Series = Sequence[Sequence[float]]
Finder = Callable[[Series], list[list[int]]]

_OTAVA = """
import json, sys
from importlib.metadata import version
from otava.analysis import compute_change_points
found = [
    [int(point.index) for point in compute_change_points(list(series))[0]]
    for series in json.load(sys.stdin)
]
json.dump({"version": version("apache-otava"), "found": found}, sys.stdout)
"""


def ours(series: Series) -> list[list[int]]:
    """Return the change points of `perf.changepoints`."""
    return [[point.index for point in find(values).points] for values in series]


def nothing(series: Series) -> list[list[int]]:
    """Return no change points: what a score is worth beyond silence."""
    return [[] for _ in series]


def otava(python: Path) -> Finder:
    """Return Otava's `compute_change_points` with its defaults, as `python` has it."""

    def run(series: Series) -> list[list[int]]:
        answer = _asked(python, series)["found"]
        return [[int(index) for index in points] for points in answer]

    return run


def otava_version(python: Path) -> str:
    """Return Otava's version; raise Unavailable where it is not installed."""
    return str(_asked(python, [])["version"])


def _asked(python: Path, series: Series) -> dict[str, list[list[int]]]:
    try:
        done = subprocess.run(
            [str(python), "-c", _OTAVA],
            input=json.dumps([list(values) for values in series]),
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unavailable(
            f"{python} cannot run Otava ({type(error).__name__})",
            "python3 -m venv DIR && DIR/bin/pip install apache-otava==0.8.0",
        ) from error
    answer: dict[str, list[list[int]]] = json.loads(done.stdout)
    return answer
