"""Locust's `_stats_history.csv`: a row a second, for the whole and for each request.

The seconds of one run are no history of runs, so each name becomes one figure of each sort: the
median over its seconds with traffic, quartiles beside it. Seconds without an ended request have no
percentiles ("N/A") and are skipped by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median, quantiles

from perf.history.document import Document
from perf.history.figures import Better, Figure, Imported, Run, Sheet, moment, number

NAME = "Locust history"
_COLUMNS = {"Timestamp", "User Count", "Name", "Requests/s", "95%"}
_SORTS = (
    ("50%", "ms", Better.LESS),
    ("95%", "ms", Better.LESS),
    ("99%", "ms", Better.LESS),
    ("Requests/s", "/s", Better.MORE),
    ("Failures/s", "/s", Better.LESS),
    ("User Count", "users", Better.UNKNOWN),
)
_TWO = 2


def reads(document: Document) -> bool:
    """Say whether its columns are a history's."""
    return set(document.columns) >= _COLUMNS


def read(document: Document) -> Imported:
    """Return the run, dated by its first second."""
    sheet, seconds = Sheet(), defaultdict(list)
    for row in document.rows:
        name = " ".join(filter(None, [row.get("Type"), row["Name"]]))
        seen = _seen(name, row)
        sheet.row(f"{name} at {row['Timestamp']}", seen, "no request had ended")
        if seen:
            seconds[name].append(row)
    sheet.figures = [figure for name, rows in seconds.items() for figure in _figures(name, rows)]
    stamps = [stamp for row in document.rows if (stamp := number(row["Timestamp"])) is not None]
    started = moment(min(stamps)) if stamps else document.modified
    return sheet.imported(Run(NAME, (), started), "each figure is the median over seconds")


def _seen(name: str, row: Mapping[str, str]) -> list[Figure]:
    return [
        Figure(name, metric, value, unit, better)
        for metric, unit, better in _SORTS
        if number(row["95%"]) is not None and (value := number(row.get(metric))) is not None
    ]


def _figures(name: str, rows: Iterable[Mapping[str, str]]) -> list[Figure]:
    values: dict[str, list[Figure]] = defaultdict(list)
    for row in rows:
        for figure in _seen(name, row):
            values[figure.metric].append(figure)
    return [_middle(figures) for figures in values.values()]


def _middle(figures: list[Figure]) -> Figure:
    values, one = [figure.value for figure in figures], figures[0]
    low, _, high = quantiles(values, n=4) if len(values) >= _TWO else (None, None, None)
    return Figure(one.name, one.metric, median(values), one.unit, one.better, low, high)
