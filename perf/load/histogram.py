"""Histograms of microseconds with HdrHistogram's buckets: three significant digits, 1 us to 10 min.

Values fall into the buckets of HdrHistogram and travel in its format, so any of its tools reads
them. They are counted in a dictionary, because the generator counts three for every request and
the pure-Python original takes longer for one than this for all. Merging adds counts and is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped] # it ships no types

DIGITS = 3
HIGHEST_US = 600_000_000
RESOLUTION = 1 / 1024  # the widest bucket, relative to its values
CONFIDENCE = 0.95

_SUB_BITS = 11  # values below 2**11 have a bucket each
_FAR = 12  # standard deviations beyond which a binomial has no mass worth adding


@dataclass(frozen=True, slots=True)
class Reading:
    """A quantile in microseconds and its interval; a side that n cannot bound is infinite."""

    estimate: float
    low: float
    high: float
    n: int


@dataclass(slots=True)
class Histogram:
    """Counts by bucket; a bucket is named by its lowest value."""

    counts: dict[int, int] = field(default_factory=dict)

    def record(self, value_us: float, times: int = 1) -> None:
        """Count a value; what lies outside the range counts as the nearest end."""
        bucket = _bucket(max(0, min(HIGHEST_US, round(value_us))))
        self.counts[bucket] = self.counts.get(bucket, 0) + times

    def add(self, other: Histogram) -> None:
        """Add the other's counts."""
        for bucket, times in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + times

    @property
    def n(self) -> int:
        """How many values were counted."""
        return sum(self.counts.values())

    def at(self, rank: int) -> float:
        """Return the value of that rank, from 1, as the middle of its bucket."""
        return self.at_ranks([rank])[0]

    def at_ranks(self, ranks: Sequence[int]) -> list[float]:
        """Return the values of ascending `ranks` in one pass."""
        found: list[float] = []
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            while len(found) < len(ranks) and ranks[len(found)] <= seen:
                found.append(bucket + (_width(bucket) - 1) / 2)
        if len(found) < len(ranks):
            raise ValueError(f"rank {ranks[len(found)]} of {seen} values")
        return found

    def quantile(self, q: float) -> float | None:
        """Return the value that a share `q` does not exceed; None where nothing was counted."""
        n = self.n
        return self.at(_rank(n, q)) if n else None

    def below(self, value_us: float) -> tuple[int, int]:
        """Return how many values lie in buckets below the value's, and how many in it or below."""
        own = _bucket(int(value_us))
        under = sum(times for bucket, times in self.counts.items() if bucket < own)
        return under, under + self.counts.get(own, 0)

    def reading(self, q: float) -> Reading | None:
        """Return the quantile with a distribution-free interval from order statistics.

        The samples below the true quantile are binomial (Hahn and Meeker, Statistical Intervals,
        1991, section 5.2), which takes them for independent. Requests that wait in one queue are
        not: of those `perf.load.blocks` makes the interval.
        """
        n = self.n
        return self.between(q, bounding_ranks(n, q)) if n else None

    def between(self, q: float, ranks: tuple[int, int]) -> Reading:
        """Return the quantile with the interval between two ranks; 0 and n + 1 are no bounds."""
        n, (lower, upper) = self.n, ranks
        inside = sorted({max(1, lower), _rank(n, q), min(n, upper)})
        value = dict(zip(inside, self.at_ranks(inside), strict=True))
        return Reading(
            estimate=value[_rank(n, q)],
            low=value[lower] if lower >= 1 else -math.inf,
            high=value[upper] if upper <= n else math.inf,
            n=n,
        )

    def flat(self) -> list[int]:
        """Return bucket, count, bucket, count..., which is cheap to send."""
        return [number for pair in self.counts.items() for number in pair]

    @classmethod
    def from_flat(cls, numbers: Sequence[int]) -> Histogram:
        """Read what `flat` returned."""
        return cls(dict(zip(numbers[::2], numbers[1::2], strict=True)))

    def encode(self) -> str:
        """Return HdrHistogram's compressed format, in base64."""
        whole = HdrHistogram(1, HIGHEST_US, DIGITS)
        for bucket, times in self.counts.items():
            whole.counts[_index(bucket)] = times
        if self.counts:
            ends = _index(min(self.counts)), _index(max(self.counts))
            whole.set_internal_tacking_values(*ends, self.n)
        encoded: bytes = whole.encode()
        return encoded.decode("ascii")

    @classmethod
    def decode(cls, text: str) -> Histogram:
        """Read what `encode`, or another writer with this range, wrote."""
        whole = HdrHistogram.decode(text.encode("ascii"))
        counts = np.asarray(whole.counts)  # its own iterator visits every empty bucket
        return cls(
            {
                int(whole.get_value_from_index(int(index))): int(counts[index])
                for index in np.flatnonzero(counts)
            }
        )


def bounding_ranks(n: int, q: float) -> tuple[int, int]:
    """Return the ranks, from 1, whose values enclose the `q` quantile at `CONFIDENCE`.

    A rank of 0 or n + 1 says that n samples cannot bound that side.
    """
    tail = (1 - CONFIDENCE) / 2
    lower = upper = 0
    for k, (before, total) in _binomial(n, q):
        if before <= tail < total:
            lower = k
        if total >= 1 - tail:
            upper = k + 1
            break
    return lower, upper


def _binomial(n: int, q: float) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield k with P(B < k) and P(B <= k), over all k where a binomial(n, q) has mass."""
    reach = math.ceil(_FAR * math.sqrt(n * q * (1 - q))) + _FAR
    first, last = max(0, math.floor(n * q) - reach), min(n, math.ceil(n * q) + reach)
    choose = math.lgamma(n + 1) - math.lgamma(first + 1) - math.lgamma(n - first + 1)
    mass = math.exp(choose + first * math.log(q) + (n - first) * math.log1p(-q))
    sums = [0.0]
    for k in range(first, last + 1):
        sums.append(sums[-1] + mass)
        mass *= (n - k) / (k + 1) * q / (1 - q)
    sums[-1] = 1.0
    return zip(range(first, last + 1), pairwise(sums), strict=True)


def _rank(n: int, q: float) -> int:
    return max(1, min(n, math.ceil(q * n - 1e-9)))


def _bucket(value: int) -> int:
    shift = max(0, value.bit_length() - _SUB_BITS)
    return value >> shift << shift


def _index(bucket: int) -> int:
    """Return where HdrHistogram keeps a bucket's count: half as many buckets an octave."""
    shift = max(0, bucket.bit_length() - _SUB_BITS)
    return (shift << (_SUB_BITS - 1)) + (bucket >> shift)


def _width(bucket: int) -> int:
    return 1 << max(0, bucket.bit_length() - _SUB_BITS)
