"""When rounds end early: only where the answer is plain, and hardly ever by luck."""

import random

import numpy as np
import pytest

from perf.instruments import Arm, Bench, Compare, Latency
from perf.instruments.bench import ManualClock
from perf.instruments.stopping import LOOKS, plain_quantile, plain_ratio
from perf.sample import Scale
from perf.stats import Summary

FAR_AWAY = Summary(9.0, 9.0, 9.0, 10, "x", "of no interest here", Scale.RATIO)


@pytest.fixture
def clock():
    """Return a clock at zero."""
    return ManualClock()


def compared(clock, bounds, **changed):
    """Measure 0.4 s against 0.1 s, with a spread that leaves the interval wide, for such bounds."""
    spread = random.Random(7)

    def taking(seconds):
        return lambda: clock.advance(seconds * spread.lognormvariate(0, 0.1))

    bench = Bench(clock=clock, rng=random.Random(1), budget_s=1e6, precision=0, bounds=bounds)
    return Compare(Arm(taking(0.4)), Arm(taking(0.1)), **changed).measure(bench)


@pytest.mark.parametrize(
    ("bounds", "rounds"),
    [((2.0,), 10), ((2.0, 10.0), 10), ((2.0, 4.1), 400), ((3.9,), 400), ((), 400)],
)
def test_rounds_end_early_where_every_bound_is_far(clock, bounds, rounds):
    """Four times is plainly more than two; near to one of several bounds all rounds are taken."""
    measured = compared(clock, bounds)
    assert len(measured.samples["before"]) == rounds
    assert ("ended" in measured.facts) is (rounds == 10)


def test_a_saving_is_held_against_its_own_bound(clock):
    """A quarter of the time is 75 % less, plainly more than 30 % and not than 74 %."""
    assert len(compared(clock, (30.0,), scale=Scale.SAVING).samples["before"]) == 10
    assert len(compared(clock, (74.0,), scale=Scale.SAVING).samples["before"]) == 400


def test_a_latency_far_below_its_bound_takes_the_least_rounds(clock):
    """A hundred milliseconds need no four hundred calls to be less than a second."""
    bench = Bench(clock=clock, budget_s=1e6, precision=-1, bounds=(1000.0,))
    measured = Latency(Arm(lambda: clock.advance(0.1))).measure(bench)
    assert len(measured.samples["time"]) == 20


def test_a_high_quantile_is_not_plain_after_few_calls():
    """Of 20 calls nobody can tell the nineteenth of twenty."""
    assert plain_quantile([0.1] * 20, 0.5, "ms", (1000.0,))
    assert not plain_quantile([0.1] * 20, 0.95, "ms", (1000.0,))


def test_a_figure_on_its_bound_rarely_looks_plain():
    """Of 1,000 measurements of a ratio that is its bound, at all looks, at most 12 end early.

    Twelve thousandths are six looks of two sides with one in a thousand each. The noise is so wild
    that a tenth beyond the bound is no protection: rounds differ by a factor of two.
    """
    rng, ended = np.random.default_rng(20261127), 0
    for _ in range(1000):
        before, after = rng.lognormal(0, 0.7, (2, LOOKS[-1])).tolist()
        ended += any(plain_ratio(before[:n], after[:n], (1.0,), lambda: FAR_AWAY) for n in LOOKS)
    assert ended <= 12


def test_both_figures_must_be_far():
    """Rounds that agree do not end a measurement whose verdict would rest on another figure."""
    near = Summary(1.0, 0.9, 1.2, 10, "x", "ratio of medians", Scale.RATIO)
    assert plain_ratio([4.0] * 10, [1.0] * 10, (1.0,), lambda: FAR_AWAY)
    assert not plain_ratio([4.0] * 10, [1.0] * 10, (1.0,), lambda: near)


def test_nine_rounds_cannot_agree_enough():
    """By chance alone they do so too often."""
    assert not plain_ratio([4.0] * 9, [1.0] * 9, (1.0,), lambda: FAR_AWAY)
