"""Estimates with intervals: what the samples of a measurement say, and how surely.

Three models, chosen by what the samples are (benchstat's idea, golang/perf `benchmath`): a ratio
of medians with a bootstrap interval for interleaved comparisons, an order-statistic interval for
quantiles of one series, and no test at all for exact counts. None assumes a normal distribution.
Nothing here reads a clock or a global random state: equal input gives equal output.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perf.sample import Kind, Measurement, Scale

CONFIDENCE = 0.95
RESAMPLES = 4000
_Z = 1.959963984540054  # of a normal distribution, 95 % lie nearer to the mean
GRAIN_MB = 1.0  # allocators take memory by the arena of up to this size, early or late by chance
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Summary:
    """An estimate, its interval at `CONFIDENCE`, and how it was obtained.

    An unbounded side of the interval is infinite: the samples could not tell.
    """

    estimate: float
    low: float
    high: float
    n: int
    unit: str
    estimator: str
    scale: Scale | None = None

    def noise_scale(self, bound: float) -> float:
        """Return by how much one unit of relative timing noise moves a figure at `bound`."""
        return noise_scale(bound, self.scale)


def summarise(measurement: Measurement, *, seed: str) -> Summary:
    """Return the estimate the measurement supports; ValueError for a kind that has none."""
    samples, unit = measurement.samples, measurement.unit
    match measurement.kind:
        case Kind.COMPARISON:
            found = compare(
                samples["before"], samples["after"], seed=seed, scale=measurement.scale, unit=unit
            )
        case Kind.TIMING:
            factor = _PER_SECOND[unit]
            times = [x * factor for x in samples["time"]]
            found = quantile(times, measurement.quantile).in_unit(unit)
        case Kind.DISTRIBUTION:
            us = weighted_quantile(
                samples["us"], samples["times"], measurement.quantile, samples.get("block", ())
            )
            found = us.scaled(_PER_SECOND[unit] / _PER_SECOND["us"]).in_unit(unit)
        case Kind.COUNT:
            found = exact(samples["count"], unit)
        case Kind.LEVEL:
            found = highest(samples["level"], unit)
        case Kind.SHARE:
            found = share(samples["part"][0], samples["whole"][0])
        case Kind.RATE:
            found = rate(samples["count"][0], samples["seconds"][0], unit)
        case Kind.WITNESS:
            found = exact(samples["occurred"], unit)
        case Kind.FAILURE:
            raise ValueError("a failed measurement has nothing to summarise")
    return found


def compare(
    before: Sequence[float],
    after: Sequence[float],
    *,
    seed: str,
    scale: Scale = Scale.RATIO,
    unit: str = "x",
) -> Summary:
    """Return median(before) / median(after) with a percentile bootstrap interval.

    The two series are rounds of one run, value by value: rounds are resampled whole, so what
    slowed both arms of a round down cancels out (paired bootstrap; Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapters 8 and 13). Assumes rounds exchangeable.
    """
    if len(before) != len(after):
        raise ValueError(f"rounds must be pairs: {len(before)} before, {len(after)} after")
    pairs = np.asarray([before, after], dtype=np.float64)
    if not np.all(pairs > 0):
        raise ValueError("times must be positive")
    picks = _generator(seed).integers(0, pairs.shape[1], size=(RESAMPLES, pairs.shape[1]))
    medians = np.median(pairs[:, picks], axis=2)
    ratios = medians[0] / medians[1]
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(x) for x in np.quantile(ratios, [tail, 1 - tail]))
    estimate = float(np.median(pairs[0]) / np.median(pairs[1]))
    n = pairs.shape[1]
    if scale is Scale.SAVING:
        estimate, low, high = (saving(x) for x in (estimate, low, high))
        return Summary(estimate, low, high, n, unit, "time saved, by medians", scale)
    return Summary(estimate, low, high, n, unit, "ratio of medians", scale)


def saving(ratio: float) -> float:
    """Return the percentage of time that is saved where a thing is `ratio` times as fast."""
    return 100.0 * (1.0 - 1.0 / ratio)


def in_unit(seconds: Sequence[float], unit: str) -> list[float]:
    """Return times in a unit of time; KeyError for a unit that is none."""
    factor = _PER_SECOND[unit]
    return [value * factor for value in seconds]


def noise_scale(bound: float, scale: Scale | None) -> float:
    """Return by how much one unit of relative timing noise moves a figure at `bound`."""
    return max(0.0, 100.0 - bound) if scale is Scale.SAVING else abs(bound)


@dataclass(frozen=True, slots=True)
class Quantile:
    """An estimated quantile; `in_unit` makes it a summary."""

    estimate: float
    low: float
    high: float
    n: int
    p: float

    def scaled(self, factor: float) -> Quantile:
        """Return it in a unit of which there are `factor` in one."""
        return replace(
            self, estimate=self.estimate * factor, low=self.low * factor, high=self.high * factor
        )

    def in_unit(self, unit: str) -> Summary:
        """Return the summary, in the unit the samples are in."""
        name = "median" if self.p == 0.5 else f"p{100 * self.p:g}"  # noqa: PLR2004 - the median
        return Summary(self.estimate, self.low, self.high, self.n, unit, name)


def quantile(values: Sequence[float], p: float, *, confidence: float = CONFIDENCE) -> Quantile:
    """Return the `p` quantile with a distribution-free interval from order statistics.

    The number of samples below the true quantile is binomial(n, p), which bounds it by two of the
    sorted samples (Hahn and Meeker, Statistical Intervals, 1991, section 5.2). Where n is too
    small for the confidence asked, that side is infinite. Assumes independent samples.
    """
    ordered = sorted(values)
    n = len(ordered)
    if n == 0:
        raise ValueError("a quantile needs at least one sample")
    below = _binomial_cdf(n, p)
    tail = (1 - confidence) / 2
    lower = next((k for k in range(n + 1) if below[k] > tail), 0)  # P(B < lower) <= tail
    upper = next(k for k in range(n + 1) if below[k] >= 1 - tail) + 1  # P(B >= upper) <= tail
    return Quantile(
        estimate=float(np.quantile(ordered, p)),
        low=ordered[lower - 1] if lower >= 1 else -math.inf,
        high=ordered[upper - 1] if upper <= n else math.inf,
        n=n,
        p=p,
    )


def weighted_quantile(
    values: Sequence[float], times: Sequence[float], p: float, block: Sequence[float] = ()
) -> Quantile:
    """Return the `p` quantile of `values`, each of which occurred `times` times in its `block`.

    Requests that wait in one queue are not independent: a stall is one event however many requests
    it hits. The interval is as wide as the blocks of time differ (`perf.load.blocks`); without
    blocks it is that of `quantile`, by ranks.
    """
    # HdrHistogram's codec takes 30 ms to import, and most processes never see a distribution.
    from perf.load.blocks import enclosing_ranks  # noqa: PLC0415
    from perf.load.histogram import bounding_ranks  # noqa: PLC0415

    order = np.argsort(values, kind="stable")
    ascending = np.asarray(values, dtype=np.float64)[order]
    counts = np.asarray(times, dtype=np.int64)[order]
    n = int(counts.sum())
    if n == 0:
        raise ValueError("a quantile needs at least one sample")
    last_ranks = np.cumsum(counts)

    def at(rank: int) -> float:
        return float(ascending[int(np.searchsorted(last_ranks, rank))])

    estimate = at(max(1, math.ceil(p * n - 1e-9)))
    lower, upper = bounding_ranks(n, p)
    if len(block):
        distinct, place = np.unique(ascending, return_inverse=True)
        blocks, row = np.unique(np.asarray(block)[order], return_inverse=True)
        table = np.zeros((len(blocks), len(distinct)), dtype=np.int64)
        np.add.at(table, (row, place), counts)
        lower, upper = enclosing_ranks(p, table)
    return Quantile(
        estimate=estimate,
        low=at(lower) if lower >= 1 else -math.inf,
        high=at(upper) if upper <= n else math.inf,
        n=n,
        p=p,
    )


def share(part: float, whole: float) -> Summary:
    """Return a share in percent with Wilson's score interval (Wilson, JASA 22, 1927).

    It stays within 0 and 100 and is sound for shares near either, where errors and hits are.
    """
    if not 0 <= part <= whole or not whole:
        raise ValueError(f"{part:g} of {whole:g} is no share")
    p, z2 = part / whole, _Z**2
    middle = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z / (1 + z2 / whole) * math.sqrt(p * (1 - p) / whole + z2 / (4 * whole**2))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    name = f"{part:.10g} of {whole:.10g}"
    return Summary(100 * p, 100 * min(low, p), 100 * max(high, p), int(whole), "%", name)


def rate(count: float, seconds: float, unit: str) -> Summary:
    """Return a rate, its count taken for Poisson's with the normal interval of its root.

    The root has a standard deviation of one half whatever the rate (Anscombe, Biometrika 35, 1948).
    """
    root = math.sqrt(count)
    low, high = max(0.0, root - _Z / 2) ** 2, (root + _Z / 2) ** 2
    return Summary(count / seconds, low / seconds, high / seconds, int(count), unit, "completed")


def _binomial_cdf(n: int, p: float) -> list[float]:
    """Return P(B <= k) for k = 0..n, B binomial(n, p), summed from logarithms."""
    log_p, log_q = math.log(p), math.log1p(-p)
    total, cumulated = 0.0, []
    for k in range(n + 1):
        choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(choose + k * log_p + (n - k) * log_q)
        cumulated.append(min(total, 1.0))
    return cumulated


def exact(values: Sequence[float], unit: str) -> Summary:
    """Return a counted number; the interval spans what was counted, without a test."""
    return Summary(
        estimate=float(np.median(values)),
        low=min(values),
        high=max(values),
        n=len(values),
        unit=unit,
        estimator="exact count",
    )


def highest(values: Sequence[float], unit: str) -> Summary:
    """Return the highest level that was read, in MB.

    Readings of one process are no independent samples, so there is no test; the interval is what
    the reading cannot tell apart.
    """
    peak = max(values)
    return Summary(
        estimate=peak,
        low=peak - GRAIN_MB,
        high=peak + GRAIN_MB,
        n=len(values),
        unit=unit,
        estimator="highest level",
    )


def rounds_needed(summary: Summary, bound: float) -> int | None:
    """Return how many rounds would free the interval of `bound`, or None where none would.

    The half-width of both intervals shrinks with the square root of the rounds.
    """
    distance = abs(summary.estimate - bound)
    half = max(summary.high - summary.estimate, summary.estimate - summary.low)
    if not math.isfinite(half) or distance <= half / 100:
        return None
    return max(summary.n + 1, math.ceil(summary.n * (half / distance) ** 2))


def half_width(summary: Summary) -> float:
    """Return the interval's half-width relative to the estimate; infinite where it is open."""
    width = summary.high - summary.low
    return width / 2 / abs(summary.estimate) if summary.estimate else math.inf


def _generator(seed: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(zlib.crc32(seed.encode())))
