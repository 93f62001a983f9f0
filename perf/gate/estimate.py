"""How much one benchmark changed, and how surely: the statistics of the gate, and nothing else.

The change is the ratio of a low quantile of all head slices to that of all base slices. Whatever
disturbs a process makes it slower and never faster, so the quick tenth of the slices, taken over
many processes, is the part that was measured in quiet; means and medians carry the noise along.

Its error comes from the pairs themselves. Where nothing changed, base and head of a pair could as
well have been named the other way round (they have one hash seed, one minute and one machine), so
the spread of the estimate over such renamings is the spread that chance gives it (Fisher's
randomisation test; Ernst, Permutation Methods, Statistical Science 2004). The head is first divided
by what the pairs on average differ by, so that a true change does not count as noise. Not by the
estimate: that would lay the two quick tenths upon each other, and halve the spread. A few pairs
tell their own spread badly; `moderate` therefore draws it towards that of the whole run, control
included (Smyth, Linear models and empirical Bayes methods, 2004).

Nothing here reads a clock or a global random state, and nothing assumes how long a slice takes.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from perf.gate.sample import PairSample

RENAMINGS = 256  # enough for a standard deviation to 5 %; eight pairs have no more
PRIOR_PAIRS = 4.0  # how many pairs' worth of trust the run as a whole gets beside one's own pairs
_NORMAL = NormalDist()

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A logarithm of head / base, its standard error, and the degrees of freedom of that."""

    log_ratio: float
    error: float
    freedom: float
    base: float
    pairs: int

    @property
    def change(self) -> float:
        """Return the relative change: 0.05 is 5 % more than base."""
        return math.expm1(self.log_ratio)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided interval of the relative change."""
        reach = t_quantile(0.5 + confidence / 2, self.freedom) * self.error
        return math.expm1(self.log_ratio - reach), math.expm1(self.log_ratio + reach)

    def chance_above(self, direction: float) -> float:
        """Return the one-sided p-value of "nothing changed" against a change in a direction."""
        toward = math.copysign(1.0, direction) * self.log_ratio
        if self.error == 0.0:
            return 0.0 if toward > 0 else 1.0
        return t_tail(toward / self.error, self.freedom)


@lru_cache(maxsize=2048)  # the plan asks again each round, and most evidence has not grown
def estimate(pairs: tuple[PairSample, ...], quantile: float, seed: str) -> Estimate:
    """Return the change that pairs show by themselves; ValueError where there is nothing to show.

    With one pair the error is not known, and infinite.
    """
    _check(pairs)
    base = float(np.quantile([x for pair in pairs for x in pair.base], quantile))
    head = float(np.quantile([x for pair in pairs for x in pair.head], quantile))
    log_ratio = math.log(head / base)
    n = len(pairs)
    error = _error(pairs, quantile, seed) if n > 1 else math.inf
    return Estimate(log_ratio, error, max(1.0, n - 1.0), base, n)


def _check(pairs: Sequence[PairSample]) -> None:
    if not pairs or any(not pair.base or not pair.head for pair in pairs):
        raise ValueError("an estimate needs slices of both sides of at least one pair")
    if min(min(*pair.base, *pair.head) for pair in pairs) <= 0:
        raise ValueError("slices must be positive")


def _error(pairs: Sequence[PairSample], quantile: float, seed: str) -> float:
    """Return the standard deviation of the estimate over renamings of the pairs.

    All slices are sorted once; a renaming then only says which of them are in the first arm, and
    a quantile is found by counting along.
    """
    n = len(pairs)
    shift = math.exp(_mean_difference(pairs, quantile))
    slices = np.array([x for p in pairs for x in (*p.base, *(y / shift for y in p.head))])
    owner = np.array([i for i, p in enumerate(pairs) for _ in (*p.base, *p.head)])
    is_head = np.array(
        [side for p in pairs for side in (*(0 for _ in p.base), *(1 for _ in p.head))]
    )
    order = np.argsort(slices, kind="stable")
    swapped = _renamings(n, seed)[:, owner[order]] ^ is_head[order].astype(bool)
    logs = np.log(slices[order])
    ratios = _quantiles(logs, swapped, quantile) - _quantiles(logs, ~swapped, quantile)
    # Around zero, which is their mean over all renamings; n - 1 since the shift was estimated.
    return float(np.sqrt(np.mean(ratios**2) * n / (n - 1)))


def _mean_difference(pairs: Sequence[PairSample], quantile: float) -> float:
    """Return what the pairs on average differ by, each taken alone, as a logarithm."""
    base = np.array([np.quantile(pair.base, quantile) for pair in pairs])
    head = np.array([np.quantile(pair.head, quantile) for pair in pairs])
    return float(np.mean(np.log(head / base)))


def _quantiles(ordered: Floats, members: NDArray[np.bool_], quantile: float) -> Floats:
    """Return the quantile of the chosen members in each row, interpolated as usual."""
    counts = np.cumsum(members, axis=1)
    place = (counts[:, -1] - 1) * quantile
    below = np.floor(place).astype(int)
    low = ordered[np.argmax(counts > below[:, None], axis=1)]
    above = np.minimum(below + 1, counts[:, -1] - 1)
    high = ordered[np.argmax(counts > above[:, None], axis=1)]
    return np.asarray(low + (high - low) * (place - below))


def _renamings(n: int, seed: str) -> NDArray[np.bool_]:
    """Return which pairs change their names: every way there is, or `RENAMINGS` of them."""
    if 2**n <= RENAMINGS:
        return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)
    random = np.random.Generator(np.random.PCG64(zlib.crc32(seed.encode())))
    return random.integers(0, 2, size=(RENAMINGS, n)).astype(bool)


def moderate(own: Estimate, variance_of_a_pair: float) -> Estimate:
    """Return the estimate with its error drawn towards that of the run's typical pair."""
    typical = variance_of_a_pair / own.pairs
    if not math.isfinite(own.error):
        return Estimate(own.log_ratio, math.sqrt(typical), PRIOR_PAIRS, own.base, own.pairs)
    freedom = PRIOR_PAIRS + own.freedom
    variance = (PRIOR_PAIRS * typical + own.freedom * own.error**2) / freedom
    return Estimate(own.log_ratio, math.sqrt(variance), freedom, own.base, own.pairs)


def t_tail(t: float, freedom: float) -> float:
    """Return P(T > t) of Student's distribution, by Wallace's approximation (1959)."""
    z = math.sqrt(freedom * math.log1p(t * t / freedom)) * _wallace(freedom)
    return 1 - _NORMAL.cdf(math.copysign(z, t))


def t_quantile(p: float, freedom: float) -> float:
    """Return the t whose tail is 1 - p, by the same approximation as `t_tail`."""
    z = _NORMAL.inv_cdf(p)
    t = math.sqrt(freedom * math.expm1((z / _wallace(freedom)) ** 2 / freedom))
    return math.copysign(t, z)


def _wallace(freedom: float) -> float:
    return (8 * freedom + 1) / (8 * freedom + 3)
