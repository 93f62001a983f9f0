"""How sure a percentile is where requests are not independent: by what differs from time to time.

A server that stalls for a second is one event, however many requests it delays. So response times
are kept by the second they were due in, and an interval comes from a dozen blocks of the run: by
how much the share of answers below a value varies between blocks, so many independent requests the
run is worth there, and an exact test is made with these (Korn and Graubard, Survey Methodology 24,
1998, where blocks are called clusters; blocks that are long against what they hold are as good as
independent, Kuensch, Annals of Statistics 17, 1989). The values that pass are the interval. Where
blocks differ no more than chance makes them, requests are taken for independent; they are never
worth more than they are.
What did not happen while a run went on is in no interval of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perf.load.histogram import Histogram, Reading, bounding_ranks

FEWEST = 6  # below it too little is seen of what differs between blocks
MOST = 12  # then each is seconds long in all but the shortest runs
_HELD = 60  # enough to make a dozen of; a result holds all of them
_CHANCE = 2.0  # blocks of independent requests vary twice as much as they should, now and then
_NORMAL = 1.96
# The 0.975 quantile of Student's t by degrees of freedom, which are one less than the blocks.
_STUDENT = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201)
_ranks = lru_cache(maxsize=4096)(bounding_ranks)

Ints = NDArray[np.int64]


@dataclass(slots=True)
class Blocks:
    """Response times by when they were due: `parts` by the number of a stretch of `width_s`.

    Where there would be too many stretches, each becomes twice as long.
    """

    width_s: int = 1
    parts: dict[int, Histogram] = field(default_factory=dict)

    def record(self, due_s: float, us: float) -> None:
        """Count the response time of a request."""
        self._part(int(due_s) // self.width_s).record(us)
        self._bound()

    def add(self, other: Blocks) -> None:
        """Add the other's counts."""
        while self.width_s < other.width_s:
            self._coarsen()
        for number, part in other.parts.items():
            self._part(number * other.width_s // self.width_s).add(part)
        self._bound()

    def grouped(self) -> list[Histogram]:
        """Return at most `MOST` blocks, equally long, in order; those without a request are out."""
        if not self.parts:
            return []
        first, span = min(self.parts), max(self.parts) - min(self.parts) + 1
        groups: dict[int, Histogram] = {}
        for number in sorted(self.parts):
            group = (number - first) * min(MOST, span) // span
            groups.setdefault(group, Histogram()).add(self.parts[number])
        return list(groups.values())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        parts = [[number, *part.flat()] for number, part in sorted(self.parts.items())]
        return {"width_s": self.width_s, "parts": parts}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any] | None) -> Self:
        """Read what `to_json` returned; nothing where a result is of before there were blocks."""
        if raw is None:
            return cls()
        parts = {number: Histogram.from_flat(flat) for number, *flat in raw["parts"]}
        return cls(raw["width_s"], parts)

    def _part(self, number: int) -> Histogram:
        found = self.parts.get(number)
        if found is None:
            found = self.parts[number] = Histogram()
        return found

    def _bound(self) -> None:
        while len(self.parts) > _HELD:
            self._coarsen()

    def _coarsen(self) -> None:
        self.width_s *= 2
        parts, self.parts = self.parts, {}
        for number, part in parts.items():
            self._part(number // 2).add(part)


def reading(whole: Histogram, blocks: Blocks, q: float) -> Reading | None:
    """Return a quantile of `whole` with its interval; None where nothing was counted.

    Without blocks, as results had none once, the interval is that of independent requests.
    """
    parts, values = blocks.grouped(), sorted(whole.counts)
    if not values or not parts:
        return whole.reading(q)
    counts = np.array([[part.counts.get(value, 0) for value in values] for part in parts])
    return whole.between(q, enclosing_ranks(q, counts))


def enclosing_ranks(q: float, counts: Ints) -> tuple[int, int]:
    """Return the ranks, of all requests, whose values enclose the `q` quantile.

    `counts` has a row for each block and a column for each value, ascending. A value is above the
    quantile when too many answers are not above it for chance, given what as many requests are
    worth at that value; the interval ends where that holds for it and all beyond. A rank of 0 or
    one above all says that this side is not bounded, and both are where there are too few blocks.
    """
    n = int(counts.sum())
    if len(counts) < FEWEST:
        return 0, n + 1
    up_to = np.cumsum(counts, axis=1)
    under, ranks, sizes = up_to - counts, up_to.sum(axis=0), counts.sum(axis=1)
    lower, upper = 0, n + 1
    for place, worth in enumerate(worth_of(under, sizes)):
        if int(under[:, place].sum()) + 1 > _stretched(worth, n, q)[0]:
            break
        lower = int(ranks[place])
    for place, worth in reversed([*enumerate(worth_of(up_to, sizes))]):
        if int(ranks[place]) < _stretched(worth, n, q)[1]:
            break
        upper = int(ranks[place])
    return lower, upper


def _stretched(worth: int, n: int, q: float) -> tuple[int, int]:
    """Return the ranks that enclose a quantile of so many, as ranks of all `n`."""
    lower, upper = _ranks(worth, q)
    stretch = (n + 1) / (worth + 1)  # the k-th of a few is where the stretched rank of all is
    return int(lower * stretch), min(n + 1, math.ceil(upper * stretch))


def worth_of(below: Ints, sizes: Ints) -> list[int]:
    """Return how many independent requests tell as much about the share below each value.

    `below` has a row for each block and a column for each value; `sizes` are the blocks' requests.
    """
    n, k = int(sizes.sum()), len(sizes)
    share = below.sum(axis=0) / n
    squares = ((below - np.outer(sizes, share)) ** 2).sum(axis=0)
    chance = n * share * (1 - share)  # of what independence would make it
    effect = np.divide(squares * k / (k - 1), chance, out=np.zeros_like(chance), where=chance > 0)
    student = _STUDENT[min(k - 1, len(_STUDENT)) - 1]
    fewer = np.maximum(1.0, n / np.maximum(effect, 1.0) * (_NORMAL / student) ** 2)
    worth: list[int] = np.where(effect < _CHANCE, n, fewer).astype(int).tolist()
    return worth
