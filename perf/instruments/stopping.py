"""When enough rounds were run: the interval is narrow, the answer is plain, or the time is over.

Looking at the answer while it is being measured is a chance to stop on a lucky streak, so it is
done at few rounds that are fixed beforehand, at a confidence corrected for their number, and only
where the figure is far from every bound that it will be held against. Each look errs once in a
thousand on a side: six of them add 0.6 % to the 2.5 % of the judgement itself, and only where the
truth lies on a bound. It has nothing to say of a figure near to one: that takes all its rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perf.instruments.bench import Bench
from perf.sample import Scale
from perf.stats import Summary, in_unit, noise_scale, quantile, saving

MIN_ROUNDS = 8  # below this a percentile bootstrap of medians excludes the truth too often
FIRST_LOOK = 16  # an interval that looks narrow after fewer rounds is often just lucky
MAX_ROUNDS = 400
LOOKS = (
    10,
    20,
    40,
    80,
    160,
    320,
)  # ten rounds are the fewest that can all agree by chance so rarely
LOOK_CONFIDENCE = 0.998
FAR = 0.1  # of the bound: more than the noise of a machine that is fit to measure


class Stop:
    """Decides after each round; `early` says that the answer was plain before anything else."""

    def __init__(
        self, bench: Bench, budget_s: float | None, min_rounds: int, max_rounds: int
    ) -> None:
        budget = bench.budget_s if budget_s is None else budget_s
        self._clock = bench.clock
        self._deadline = bench.clock.wall() + round(budget * 1e9)
        self._precision = bench.precision
        self._min, self._max = min_rounds, max_rounds
        self._next_look = max(min_rounds, FIRST_LOOK)
        self.early = False

    def reached(self, rounds: int, width: Callable[[], float], plain: Callable[[], bool]) -> bool:
        """Say whether `rounds` are enough; what is looked at is computed when it is needed."""
        if rounds >= self._max:
            return True
        if rounds < self._min:
            return False
        if self._clock.wall() >= self._deadline:
            return True
        if rounds in LOOKS and plain():
            self.early = True
            return True
        if rounds < self._next_look:
            return False
        self._next_look = rounds * 2  # few looks: each is a chance to stop on a lucky streak
        return width() <= self._precision


def plain_ratio(
    before: Sequence[float],
    after: Sequence[float],
    bounds: Sequence[float],
    judged: Callable[[], Summary],
    scale: Scale = Scale.RATIO,
) -> bool:
    """Say whether the rounds agree on a ratio far from all bounds.

    What agrees is the median of the rounds' own ratios, whose interval from order statistics is
    exact however few rounds there are. `judged` is what the verdict will rest on, and must be as
    far: the ratio of medians, whose bootstrap is not exact.
    """
    if not bounds:
        return False
    ratios = [one / other for one, other in zip(before, after, strict=True)]
    seen = quantile(ratios, 0.5, confidence=LOOK_CONFIDENCE)
    low, high = seen.low, seen.high
    if scale is Scale.SAVING:
        low, high = saving(low), saving(high)
    if not all(_is_far(low, high, bound, scale) for bound in bounds):
        return False
    summary = judged()
    return all(_is_far(summary.low, summary.high, bound, scale) for bound in bounds)


def plain_quantile(seconds: Sequence[float], p: float, unit: str, bounds: Sequence[float]) -> bool:
    """Say whether a quantile is far from all bounds, at the confidence of a look."""
    if not bounds:
        return False
    seen = quantile(in_unit(seconds, unit), p, confidence=LOOK_CONFIDENCE)
    return all(_is_far(seen.low, seen.high, bound, None) for bound in bounds)


def _is_far(low: float, high: float, bound: float, scale: Scale | None) -> bool:
    margin = FAR * noise_scale(bound, scale)
    return low > bound + margin or high < bound - margin
