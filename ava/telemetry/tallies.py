"""Durations by label, for metrics: few histograms, each a list of counts.

prometheus_client's own histogram takes a lock for each of its fields and looks its child up anew
with each observation; that is as long as the rest of what a request costs here. A `Tallies` is for
one thread, and holds at most `most` sets of labels: what comes after is counted under `other`, so
that no caller can make the process grow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

OTHER: Final = "other"

Labels = tuple[str, ...]


class Tally:
    """The durations of one set of labels: counts by bucket, their sum, and bytes."""

    __slots__ = ("bytes", "counts", "total_s")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total_s = 0.0
        self.bytes = 0

    @property
    def count(self) -> int:
        """How many durations there were."""
        return sum(self.counts)


class Tallies:
    """Tallies by labels; `bounds` are upper bounds of the buckets in seconds."""

    def __init__(self, bounds: tuple[float, ...], most: int = 300) -> None:
        self.bounds = bounds
        self._most = most
        self._held: dict[Labels, Tally] = {}

    def __len__(self) -> int:
        return len(self._held)

    def of(self, labels: Labels) -> Tally:
        """Return the tally of these labels, or that of all others where there are too many."""
        tally = self._held.get(labels)
        if tally is None:
            if len(self._held) >= self._most:
                labels = (OTHER,) * len(labels)
            tally = self._held.setdefault(labels, Tally(len(self.bounds) + 1))
        return tally

    def add(self, labels: Labels, seconds: float) -> None:
        """Count one duration."""
        tally = self.of(labels)
        tally.counts[bisect_left(self.bounds, seconds)] += 1
        tally.total_s += seconds

    def items(self) -> Iterator[tuple[Labels, Tally]]:
        """Yield the tallies by labels."""
        yield from self._held.items()

    def cumulative(self, tally: Tally) -> list[tuple[float, int]]:
        """Return (upper bound, how many fit under it), the last bound infinity."""
        bounds = (*self.bounds, float("inf"))
        return list(zip(bounds, accumulate(tally.counts), strict=True))
