"""Two load runs compared: by how much each percentile differs, with intervals.

The interval is the bootstrap's, without resampling: the rank of a quantile in a resample follows a
beta distribution, so its value is read from the histogram at a beta variate (Hutson and Ernst, JRSS
B 62, 2000). It covers chance within the two runs. What changed on the machine between them is not
in it, so a difference is shown, and its cause is not.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from perf.load.histogram import Histogram
from perf.load.result import Result

QUANTILES = (0.5, 0.95, 0.99)
CONFIDENCE = 0.95
_RESAMPLES = 4000
_FEWEST_BEYOND = 5  # requests slower than the quantile, for its bootstrap to mean anything


class Way(StrEnum):
    """What the interval of a difference says."""

    SLOWER = "slower"
    FASTER = "faster"
    NO_DIFFERENCE = "no difference shown"
    TOO_FEW = "too few requests"


@dataclass(frozen=True, slots=True)
class Difference:
    """One percentile of one request in one phase: 0.05 is five percent slower than before."""

    phase: str
    request: str
    quantile: float
    before_ms: float
    after_ms: float
    change: float
    interval: tuple[float, float] | None
    way: Way

    def __str__(self) -> str:
        low, high = self.interval or (None, None)
        span = "" if low is None or high is None else f" [{low:+.1%}, {high:+.1%}]"
        return (
            f"{self.request}, {self.phase}, p{100 * self.quantile:g}: {self.before_ms:.3g} ms to "
            f"{self.after_ms:.3g} ms, {self.change:+.1%}{span}: {self.way}"
        )


def compare(before: Result, after: Result) -> list[Difference]:
    """Return the differences of what both runs asked, in the later run's order."""
    found = []
    for phase in after.scenario["phases"]:
        for request in after.recording.requests():
            then = before.recording.select(phase["name"], request).response
            now = after.recording.select(phase["name"], request).response
            if then.n and now.n:
                found += [_difference(phase["name"], request, q, then, now) for q in QUANTILES]
    return found


def caveats(before: Result, after: Result) -> list[str]:
    """Say what keeps two runs from being compared as they stand."""
    found = [
        f"the {which} run is invalid: {'; '.join(result.reasons())}"
        for which, result in (("earlier", before), ("later", after))
        if result.reasons()
    ]
    if before.scenario["phases"] != after.scenario["phases"]:
        found.append("the two runs have other phases or rates")
    return found


def _difference(phase: str, request: str, q: float, then: Histogram, now: Histogram) -> Difference:
    before, after = then.quantile(q) or 0.0, now.quantile(q) or 0.0
    interval = None
    if min(then.n, now.n) * (1 - q) >= _FEWEST_BEYOND and before > 0:
        interval = _interval(q, then, now, f"{phase} {request} {q}")
    return Difference(
        phase=phase,
        request=request,
        quantile=q,
        before_ms=before / 1000,
        after_ms=after / 1000,
        change=after / before - 1 if before else 0.0,
        interval=interval,
        way=_way(interval),
    )


def _way(interval: tuple[float, float] | None) -> Way:
    if interval is None:
        return Way.TOO_FEW
    if interval[0] > 0:
        return Way.SLOWER
    return Way.FASTER if interval[1] < 0 else Way.NO_DIFFERENCE


def _interval(q: float, then: Histogram, now: Histogram, seed: str) -> tuple[float, float]:
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(seed.encode())))
    ratios = _drawn(now, q, rng) / np.maximum(_drawn(then, q, rng), 0.5)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(low) - 1, float(high) - 1


def _drawn(histogram: Histogram, q: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the quantile of as many resamples, in microseconds."""
    ends = [*accumulate(histogram.counts[bucket] for bucket in sorted(histogram.counts))]
    values = np.asarray(histogram.at_ranks(ends))
    n = histogram.n
    rank = min(n, max(1, round(q * n)))
    shares = rng.beta(rank, n - rank + 1, _RESAMPLES)
    return values[np.searchsorted(np.asarray(ends), np.minimum(np.ceil(shares * n), n))]


def rows(differences: Sequence[Difference]) -> list[dict[str, object]]:
    """Return the differences as JSON values."""
    return [
        {
            "request": one.request,
            "phase": one.phase,
            "percentile": f"p{100 * one.quantile:g}",
            "before_ms": round(one.before_ms, 4),
            "after_ms": round(one.after_ms, 4),
            "change": round(one.change, 4),
            "interval": None if one.interval is None else [round(end, 4) for end in one.interval],
            "verdict": str(one.way),
        }
        for one in differences
    ]
