"""A run of `ava-perf bench`: what `--json` writes, and what the command keeps by itself.

The median stands with its interval within the run. The class of machine includes the interpreter,
as another one makes other figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perf.history.document import Document
from perf.history.figures import Better, Figure, Imported, Run, Sheet, moment, number

NAME = "bench"


def reads(document: Document) -> bool:
    """Say whether it holds benchmarks beside the run of ours that they are of."""
    raw = document.json
    return (
        isinstance(raw, dict)
        and isinstance(raw.get("benchmarks"), list)
        and isinstance(raw.get("run"), dict)
        and {"run", "machine"} <= raw["run"].keys()
    )


def read(document: Document) -> Imported:
    """Return the run; what it was compared with is a run of its own."""
    sheet, run = Sheet(), document.json["run"]
    for one in document.json["benchmarks"]:
        sheet.row(str(one["id"]), _figures(one), "it has no median")
    return sheet.imported(
        Run(
            NAME,
            (),
            moment(run["started"]),
            run["commit"] or "",
            run["dirty"],
            run["machine"],
            known=run["run"],
        )
    )


def _figures(one: Mapping[str, Any]) -> list[Figure]:
    seconds = number(one["seconds"])
    if seconds is None:
        return []
    low, high = (number(end) for end in one["interval"])
    return [Figure(str(one["id"]), "median", seconds, "s", Better.LESS, low, high)]
