"""How much one benchmark changed, and how surely: the statistics of the gate, and nothing else.

Slices alternate between base and head on one core, so each slice of base has one of head beside
it, taken in the same milliseconds. Whatever slows the machine down, for seconds or for minutes,
slows both: their ratio keeps still where each alone wanders by half (duet benchmarking: Bulej et
al., ICPE 2020). The change is the interquartile mean of the logarithms of all these ratios: the
quarter on either side, where something hit one slice and not its neighbour, is left out.

Ratios of one pair of processes have the layout of its memory in common, so they are not as many
observations as they look: pairs are. The error is that of a trimmed mean (Tukey and McLaughlin,
Sankhya 1963) with the pairs as clusters (Liang and Zeger, Biometrika 1986). A few pairs tell their
own spread badly; `moderate` therefore draws it towards that of the whole run, control included
(Smyth, Linear models and empirical Bayes methods, 2004).

Nothing here reads a clock or a random state, and nothing assumes how long a slice takes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from perf.gate.sample import PairSample

TRIM = 0.25  # on either side
PRIOR_PAIRS = 4.0  # how many pairs' worth of trust the run as a whole gets beside one's own pairs
_QUIET = 0.1  # the quantile of base's slices that is shown as what a call costs
_NORMAL = NormalDist()

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A logarithm of head / base, its standard error, and the degrees of freedom of that.

    `by_slices` is the standard error that it would have if slices of a pair had nothing in common
    but their benchmark's change.
    """

    log_ratio: float
    error: float
    freedom: float
    base: float
    pairs: int
    by_slices: float = 0.0

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
def estimate(pairs: tuple[PairSample, ...]) -> Estimate:
    """Return the change that pairs show by themselves; ValueError where there is nothing to show.

    With one pair the error is not known, and infinite.
    """
    _check(pairs)
    ratios = [_ratios(pair) for pair in pairs]
    ordered = np.sort(np.concatenate(ratios))
    n, cut = len(pairs), int(TRIM * len(ordered))
    middle = ordered[cut : len(ordered) - cut]
    drawn_in = [np.clip(each, middle[0], middle[-1]) for each in ratios]
    error = _error(drawn_in) / len(middle) if n > 1 else math.inf
    by_slices = math.sqrt(sum(_scatter(each) for each in drawn_in)) / len(middle)
    base = float(np.quantile([x for pair in pairs for x in pair.base], _QUIET))
    return Estimate(float(middle.mean()), error, max(1.0, n - 1.0), base, n, by_slices)


def _check(pairs: Sequence[PairSample]) -> None:
    if not pairs or any(not pair.base or not pair.head for pair in pairs):
        raise ValueError("an estimate needs slices of both sides of at least one pair")
    if min(min(*pair.base, *pair.head) for pair in pairs) <= 0:
        raise ValueError("slices must be positive")


def _ratios(pair: PairSample) -> Floats:
    """Return the logarithm of head / base for each two slices that were neighbours."""
    both = min(len(pair.base), len(pair.head))
    ratios: Floats = np.log(np.array(pair.head[:both])) - np.log(np.array(pair.base[:both]))
    return ratios


def _error(drawn_in: Sequence[Floats]) -> float:
    """Return the standard error of the sum of all ratios, with their pairs as clusters."""
    n, centre = len(drawn_in), np.concatenate(drawn_in).mean()
    sums = np.array([np.sum(each - centre) for each in drawn_in])
    return float(np.sqrt(np.sum(sums**2) * n / (n - 1)))


def _scatter(pair: Floats) -> float:
    """Return the variance of the sum of one pair's ratios, as its ratios by themselves show it."""
    n = len(pair)
    return float(np.sum((pair - pair.mean()) ** 2) * n / (n - 1)) if n > 1 else 0.0


def moderate(own: Estimate, typical: float) -> Estimate:
    """Return the estimate with its variance drawn towards the one that is typical of the run."""
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
