"""How long statements take: a histogram for each name, and a log of the slow ones.

The document's decorator logged `args[0]`, which is `self`, and would have logged values. Here a
named statement is known by its name; SQL written in place is counted under `ad_hoc`, so that
names stay few, and is logged with its literals blanked. Parameters are never seen at all.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType

from ava.db.query import Query
from ava.db.redact import redact

AD_HOC = "ad_hoc"
# Upper bounds in seconds: from an index look-up on a socket to the statement timeout.
BUCKETS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
)

slow_log = logging.getLogger("ava.db.slow")


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations of one name: `buckets` maps an upper bound in seconds to how many fit under it.

    Counts are cumulative and the last bound is infinity, as Prometheus wants them.
    """

    buckets: Mapping[float, int]
    count: int
    total_s: float
    failures: int


class _Tally:
    __slots__ = ("counts", "failures", "total_s")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.failures = 0
        self.total_s = 0.0


# Told of each statement as it ends: its name, the seconds it took, and whether it failed.
Listener = Callable[[str, float, bool], None]


class QueryTimer:
    """Receives the duration of every statement; statements slower than `slow_s` are logged.

    `listener` is told of each as well, in the task that ran it.
    """

    def __init__(self, slow_s: float = 1.0, buckets: tuple[float, ...] = BUCKETS) -> None:
        self._slow_s = slow_s
        self.listener: Listener | None = None
        self._bounds = buckets
        self._tallies: dict[str, _Tally] = {}
        # Statements are recorded on the home loop, snapshots are taken from any thread.
        self._lock = threading.Lock()

    def record(self, query: object, seconds: float, rows: int | None) -> None:
        """Count one statement; `rows` is None for one that failed."""
        name = query.name if isinstance(query, Query) else AD_HOC
        slot = bisect_left(self._bounds, seconds)
        with self._lock:
            tally = self._tallies.get(name)
            if tally is None:
                tally = self._tallies[name] = _Tally(len(self._bounds) + 1)
            tally.counts[slot] += 1
            tally.total_s += seconds
            tally.failures += rows is None
        if seconds > self._slow_s:
            self._log(query, name, seconds, rows)
        if self.listener is not None:
            self.listener(name, seconds, rows is None)

    def snapshot(self) -> Mapping[str, Histogram]:
        """Return the histograms as they stand."""
        bounds = (*self._bounds, float("inf"))
        with self._lock:
            return {
                name: Histogram(
                    MappingProxyType(dict(zip(bounds, accumulate(tally.counts), strict=True))),
                    sum(tally.counts),
                    tally.total_s,
                    tally.failures,
                )
                for name, tally in self._tallies.items()
            }

    @staticmethod
    def _log(query: object, name: str, seconds: float, rows: int | None) -> None:
        shown = name if name != AD_HOC else f"{name}: {redact(_text(query))}"
        outcome = "failed" if rows is None else f"{rows} rows"
        slow_log.warning(
            "slow statement: %.3f s, %s, %s",
            seconds,
            outcome,
            shown,
            extra={"statement": name, "seconds": round(seconds, 6), "rows": rows},
        )


def _text(query: object) -> str:
    if isinstance(query, bytes):
        return query.decode("utf-8", "replace")
    as_string = getattr(query, "as_string", None)
    return str(query if as_string is None else as_string(None))
