"""A plain table of figures over time: a row a figure, in the order they were measured.

`benchmark,value` and, where there are, `suite`, `unit`, `range`, `commit`, `tool` and a time
(`time`, `run_time_utc` or `date`); or only `index,value`, which is one thing's figures without
dates, named after the file. Rows of one suite, commit and time are one run.
"""

from __future__ import annotations

from collections.abc import Mapping

from perf.history.document import Document
from perf.history.figures import Better, Figure, Imported, Run, Skipped, around, moment, number
from perf.history.importers.github_action import better

NAME = "table of figures"
_TIMES = ("run_time_utc", "time", "date")


def reads(document: Document) -> bool:
    """Say whether it names values, or numbers them."""
    columns = set(document.columns)
    return {"benchmark", "value"} <= columns or columns == {"index", "value"}


def read(document: Document) -> Imported:
    """Return the runs in the order of the file."""
    runs: dict[tuple[str, ...], list[Figure]] = {}
    skipped: list[Skipped] = []
    for turn, row in enumerate(document.rows, 1):
        figure = _figure(document.stem, row)
        if figure is None:
            skipped.append(Skipped(f"row {turn}", f"its value is {row['value']!r}"))
            continue
        runs.setdefault(_run(row), []).append(figure)
    return Imported(
        NAME,
        tuple(
            Run(NAME, tuple(figures), started, commit, turn=turn)
            for turn, ((started, commit, *_), figures) in enumerate(runs.items())
        ),
        len(document.rows),
        tuple(skipped),
    )


def _run(row: Mapping[str, str]) -> tuple[str, ...]:
    """Return what rows of one run have in common; a numbered row is a run of its own."""
    started = next((found for name in _TIMES if (found := moment(row.get(name)))), "")
    return started, row.get("commit", ""), row.get("suite", ""), row.get("index", "")


def _figure(stem: str, row: Mapping[str, str]) -> Figure | None:
    value = number(row["value"])
    if value is None:
        return None
    name = "/".join(filter(None, [row.get("suite"), row.get("benchmark")])) or stem
    unit = row.get("unit", "")
    way = better(row.get("tool", ""), unit) if unit or row.get("tool") else Better.UNKNOWN
    return Figure(name, "value", value, unit, way, *around(value, row.get("range")))
