"""Locust's tables of a whole run: `_stats.csv`, `_failures.csv` and `_exceptions.csv`.

None of them has a date: the time the file was written stands for it. Locust's percentiles are
rounded by itself (two digits above 100 ms), so small steps cannot be seen in them.
"""

from __future__ import annotations

from collections.abc import Mapping

from perf.history.document import Document
from perf.history.figures import DATED, Better, Figure, Imported, Sheet, number, undated
from perf.redact import redact

NAME = "Locust tables"
_STATS = {"Name", "Request Count", "Failure Count", "Median Response Time"}
_FAILURES = {"Name", "Error", "Occurrences"}
_EXCEPTIONS = {"Count", "Message", "Traceback"}
_PERCENTILES = ("50%", "95%", "99%")
_LONGEST_ERROR = 120


def reads(document: Document) -> bool:
    """Say whether its columns are those of one of the three tables."""
    columns = set(document.columns)
    if "User Count" in columns:
        return False
    return any(known <= columns for known in (_STATS, _FAILURES, _EXCEPTIONS))


def read(document: Document) -> Imported:
    """Return the table as one run."""
    columns, sheet = set(document.columns), Sheet()
    for row in document.rows:
        if columns >= _STATS:
            sheet.row(_request(row), _stats(row), "no request of it ended")
        elif columns >= _FAILURES:
            sheet.row(_request(row), _counted(_request(row), row["Error"], row["Occurrences"]))
        else:
            sheet.row(row["Message"], _counted("exceptions", row["Message"], row["Count"]))
    notes = [DATED]
    if not document.rows:
        notes.append("it has a head and no row: nothing happened that it counts")
    return sheet.imported(undated(NAME, document.modified), *notes)


def _request(row: Mapping[str, str]) -> str:
    return " ".join(filter(None, [row.get("Type") or row.get("Method"), row["Name"]]))


def _stats(row: Mapping[str, str]) -> list[Figure]:
    """Return times, rate and share of failures; nothing for a request that never ended."""
    name, requests = _request(row), number(row["Request Count"])
    if not requests:
        return []
    found = [(p, number(row.get(p)), "ms", Better.LESS) for p in _PERCENTILES]
    found += [
        ("requests", number(row.get("Requests/s")), "/s", Better.MORE),
        ("failed", _share(number(row["Failure Count"]), requests), "%", Better.LESS),
    ]
    return [
        Figure(name, metric, value, unit, better)
        for metric, value, unit, better in found
        if value is not None
    ]


def _share(part: float | None, whole: float) -> float | None:
    return None if part is None else 100 * part / whole


def _counted(name: str, error: str, times: str) -> list[Figure]:
    value = number(times)
    if value is None:
        return []
    return [Figure(name, redact(error)[:_LONGEST_ERROR], value, "times", Better.LESS)]
