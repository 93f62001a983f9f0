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
from itertools import chain
from statistics import NormalDist, fmean, quantiles

from perf.gate.sample import PairSample

TRIM = 0.25  # on either side
PRIOR_PAIRS = 4.0  # how many pairs' worth of trust the run as a whole gets beside one's own pairs
_TENTHS = 10  # the first of base's is shown as what a call costs
_NORMAL = NormalDist()


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
    ordered = sorted(chain.from_iterable(ratios))
    n, cut = len(pairs), int(TRIM * len(ordered))
    middle = ordered[cut : len(ordered) - cut]
    drawn_in = [[min(max(x, middle[0]), middle[-1]) for x in each] for each in ratios]
    error = _error(drawn_in) / len(middle) if n > 1 else math.inf
    by_slices = math.sqrt(math.fsum(map(_scatter, drawn_in))) / len(middle)
    return Estimate(fmean(middle), error, max(1.0, n - 1.0), _quiet(pairs), n, by_slices)


def _check(pairs: Sequence[PairSample]) -> None:
    if not pairs or any(not pair.base or not pair.head for pair in pairs):
        raise ValueError("an estimate needs slices of both sides of at least one pair")
    if min(min(*pair.base, *pair.head) for pair in pairs) <= 0:
        raise ValueError("slices must be positive")


def _ratios(pair: PairSample) -> list[float]:
    """Return the logarithm of head / base for each two slices that were neighbours."""
    return [math.log(head / base) for base, head in zip(pair.base, pair.head, strict=False)]


def _quiet(pairs: Sequence[PairSample]) -> float:
    """Return a low quantile of base's slices: what a call costs where little else happens."""
    slices = [x for pair in pairs for x in pair.base]
    if len(slices) == 1:
        return slices[0]
    return quantiles(slices, n=_TENTHS, method="inclusive")[0]


def _error(drawn_in: Sequence[Sequence[float]]) -> float:
    """Return the standard error of the sum of all ratios, with their pairs as clusters."""
    n, centre = len(drawn_in), fmean(chain.from_iterable(drawn_in))
    sums = (math.fsum(each) - len(each) * centre for each in drawn_in)
    return math.sqrt(math.fsum(x * x for x in sums) * n / (n - 1))


def _scatter(pair: Sequence[float]) -> float:
    """Return the variance of the sum of one pair's ratios, as its ratios by themselves show it."""
    n = len(pair)
    if n == 1:
        return 0.0
    mean = fmean(pair)
    return math.fsum((x - mean) ** 2 for x in pair) * n / (n - 1)


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
