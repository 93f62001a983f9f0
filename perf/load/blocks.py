"""How sure a percentile is where requests are not independent: by what differs from time to time.

A server that stalls for a second is one event, however many requests it delays. So response times
are kept by the second they were due in, and an interval comes from a dozen blocks of the run: by
how much the share of answers below the percentile varies between blocks, so many independent
requests the run is worth, and an exact interval is made from these (Korn and Graubard, Survey
Methodology 24, 1998, where blocks are called clusters; blocks that are long against what they hold
are as good as independent, Kuensch, Annals of Statistics 17, 1989). Where blocks differ no more
than chance makes them, requests are taken for independent; they are never worth more than they are.
What did not happen while a run went on is in no interval of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from perf.load.histogram import Histogram, Reading, bounding_ranks

FEWEST = 6  # below it too little is seen of what differs between blocks
MOST = 12  # then each is seconds long in all but the shortest runs
_HELD = 60  # enough to make a dozen of; a result holds all of them
_CHANCE = 2.0  # blocks of independent requests vary twice as much as they should, now and then
_NORMAL = 1.96
# The 0.975 quantile of Student's t by degrees of freedom, which are one less than the blocks.
_STUDENT = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201)


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
    parts = blocks.grouped()
    estimate = whole.quantile(q)
    if estimate is None or not parts:
        return whole.reading(q)
    below, sizes = [part.below(estimate) for part in parts], [part.n for part in parts]
    return whole.between(q, enclosing_ranks(q, [*zip(*below, strict=True)], sizes))


def enclosing_ranks(
    q: float, below: Sequence[Sequence[int]], sizes: Sequence[int]
) -> tuple[int, int]:
    """Return the ranks, of all requests, whose values enclose the `q` quantile.

    `below` says of each block how many of its `sizes` requests are under the estimate, then how
    many are not above it: where many take equally long, these differ. A rank of 0 or one above all
    says that this side is not bounded, and both are where there are too few blocks.
    """
    n = sum(sizes)
    if len(sizes) < FEWEST:
        return 0, n + 1
    least = min(worth_of(q, counts, sizes) for counts in below)
    lower, upper = bounding_ranks(least, q)
    stretch = (n + 1) / (least + 1)  # the k-th of a few is where the stretched rank of all is
    return int(lower * stretch), min(n + 1, math.ceil(upper * stretch))


def worth_of(q: float, below: Sequence[int], sizes: Sequence[int]) -> int:
    """Return how many independent requests tell as much about the `q` quantile."""
    n, k = sum(sizes), len(sizes)
    share = sum(below) / n
    squares = sum((part - share * size) ** 2 for part, size in zip(below, sizes, strict=True))
    effect = k / (k - 1) * squares / (n * q * (1 - q))  # of what independence would make it
    student = _STUDENT[min(k - 1, len(_STUDENT)) - 1]
    return n if effect < _CHANCE else max(1, int(n / effect * (_NORMAL / student) ** 2))
