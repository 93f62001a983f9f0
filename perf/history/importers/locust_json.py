"""Locust's `--json`: an entry a request, with every response time it counted.

The times are rounded by Locust and kept as counts, from which the percentiles are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from perf.history.document import Document
from perf.history.figures import Better, Figure, Imported, Run, Sheet, moment, number

NAME = "Locust JSON"
_PERCENTILES = (("50%", 0.5), ("95%", 0.95), ("99%", 0.99))


def reads(document: Document) -> bool:
    """Say whether it is a list of entries that count requests."""
    raw = document.json
    return (
        isinstance(raw, list)
        and bool(raw)
        and all(isinstance(one, dict) and "num_requests" in one for one in raw)
    )


def read(document: Document) -> Imported:
    """Return the entries as one run."""
    sheet = Sheet()
    for entry in document.json:
        name = " ".join(filter(None, [entry.get("method"), str(entry.get("name"))]))
        sheet.row(name, _figures(name, entry), "no request of it ended")
    starts = [start for one in document.json if (start := number(one.get("start_time")))]
    return sheet.imported(Run(NAME, (), moment(min(starts)) if starts else document.modified))


def _figures(name: str, entry: Mapping[str, Any]) -> list[Figure]:
    requests = number(entry["num_requests"])
    if not requests:
        return []
    failed = 100 * (number(entry.get("num_failures")) or 0.0) / requests
    times = {float(ms): int(count) for ms, count in (entry.get("response_times") or {}).items()}
    found = [Figure(name, p, _at(times, q), "ms", Better.LESS) for p, q in _PERCENTILES if times]
    return [*found, Figure(name, "failed", failed, "%", Better.LESS)]


def _at(times: Mapping[float, int], q: float) -> float:
    ordered = sorted(times)
    total = sum(times.values())
    counted = accumulate(times[ms] for ms in ordered)
    return next(ms for ms, seen in zip(ordered, counted, strict=True) if seen >= q * total)
