"""The gate's estimate: a ratio of low quantiles, and what chance does to it."""

import math
from dataclasses import replace
from statistics import NormalDist, fmean

import pytest
from gate_world import World
from hypothesis import given
from hypothesis import strategies as st

from perf.gate.estimate import estimate, moderate, t_quantile, t_tail
from perf.gate.sample import PairSample


def pairs(seed, count=6, factor=1.0, **world):
    machine = World(seed, **world)
    return tuple(machine.pair(factor) for _ in range(count))


def test_the_change_is_the_ratio_of_low_quantiles():
    """Slices 1..11 have their tenth part at 2, doubled ones at 4."""
    slices = tuple(float(i) for i in range(1, 12))
    found = estimate((PairSample(slices, tuple(2 * x for x in slices)),), 0.1, "a")
    assert found.change == pytest.approx(1.0)
    assert found.base == pytest.approx(2.0)


@given(seed=st.integers(0, 10_000), factor=st.floats(0.5, 3.0))
def test_a_true_change_moves_the_estimate_and_not_its_error(seed, factor):
    """The head is divided by what pairs differ by before names are changed."""
    plain, moved = pairs(seed), pairs(seed, factor=factor)
    before, after = (estimate(these, 0.1, "a") for these in (plain, moved))
    assert after.log_ratio == pytest.approx(before.log_ratio + math.log(factor), abs=1e-9)
    assert after.error == pytest.approx(before.error, abs=1e-9)


@given(seed=st.integers(0, 10_000))
def test_base_and_head_in_each_other_s_place_turn_the_sign(seed):
    """Neither side is favoured."""
    one = pairs(seed)
    other = tuple(PairSample(pair.head, pair.base) for pair in one)
    assert estimate(one, 0.1, "a").log_ratio == pytest.approx(-estimate(other, 0.1, "a").log_ratio)


@pytest.mark.parametrize("count", [3, 5, 8])
def test_the_error_is_what_repetition_shows(count):
    """Over 200 machines the spread of the estimate is within a fifth of the error it states."""
    found = [estimate(pairs(seed, count=count), 0.1, "a") for seed in range(200)]
    spread = math.sqrt(fmean(e.log_ratio**2 for e in found))
    stated = math.sqrt(fmean(e.error**2 for e in found))
    assert stated == pytest.approx(spread, rel=0.2)


def test_one_pair_has_no_error_of_its_own():
    """It is infinite until the run as a whole lends one."""
    alone = estimate(pairs(1, count=1), 0.1, "a")
    assert math.isinf(alone.error)
    assert moderate(alone, 1e-4).error == pytest.approx(0.01)


def test_a_calm_benchmark_in_a_restless_run_is_not_trusted_alone():
    """Its error is drawn towards that of the run, and has more degrees of freedom."""
    own = estimate(pairs(1), 0.1, "a")
    drawn = moderate(own, 100 * own.error**2 * own.pairs)
    assert own.error < drawn.error < 10 * own.error
    assert drawn.freedom > own.freedom


def test_ragged_pairs_are_as_good():
    """A process that gave fewer slices counts for those it gave."""
    full = pairs(3)
    short = (*full[:-1], replace(full[-1], head=full[-1].head[:4]))
    assert estimate(short, 0.1, "a").error == pytest.approx(estimate(full, 0.1, "a").error, rel=0.5)


@pytest.mark.parametrize(
    "broken",
    [(), (PairSample((), (1.0,)),), (PairSample((1.0,), (0.0,)),)],
    ids=["no pair", "no slice", "no time"],
)
def test_nothing_to_estimate_is_an_error(broken):
    """There is no way from missing slices to a figure."""
    with pytest.raises(ValueError, match="slices"):
        estimate(broken, 0.1, "a")


@pytest.mark.parametrize(
    ("freedom", "t", "tail"),
    [(5, 2.015, 0.05), (10, 2.764, 0.01), (20, 2.086, 0.025), (30, 2.750, 0.005)],
)
def test_student_s_tail_is_that_of_the_tables(freedom, t, tail):
    """Numbers from the printed table of the distribution."""
    assert t_tail(t, freedom) == pytest.approx(tail, rel=0.03)
    assert t_quantile(1 - tail, freedom) == pytest.approx(t, rel=0.01)


@given(p=st.floats(0.001, 0.999), freedom=st.floats(2, 50))
def test_intervals_and_chances_agree(p, freedom):
    """The quantile is the inverse of the tail."""
    assert t_tail(t_quantile(p, freedom), freedom) == pytest.approx(1 - p, abs=1e-6)


def test_many_degrees_of_freedom_are_the_normal_distribution():
    """Student's distribution ends there."""
    assert t_quantile(0.975, 1e6) == pytest.approx(NormalDist().inv_cdf(0.975), rel=1e-4)
