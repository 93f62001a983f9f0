"""The gate's estimate: what neighbours differ by, and what chance does to it."""

import math
from dataclasses import replace
from statistics import NormalDist, fmean

import numpy as np
import pytest
from gate_world import World
from hypothesis import given
from hypothesis import strategies as st

from perf.gate.estimate import estimate, moderate, t_quantile, t_tail
from perf.gate.sample import PairSample


def pairs(seed, count=6, factor=1.0, **world):
    machine = World(seed, **world)
    return tuple(machine.pair(factor) for _ in range(count))


def test_the_change_is_the_middle_of_what_neighbours_differ_by():
    """Each slice of head is held against the one beside it; what hit one of them is left out."""
    base = (1.0, 1.0, 3.0, 3.0, 1.0, 1.0, 2.0, 2.0)
    head = (2.0, 2.0, 6.0, 6.0, 9.0, 2.0, 4.0, 0.5)
    found = estimate((PairSample(base, head),))
    assert found.change == pytest.approx(1.0)
    assert found.base == pytest.approx(1.0)


def test_a_machine_that_is_slower_for_a_while_moves_nothing():
    """Its speed changes by half between neighbours and never within them."""
    random = np.random.default_rng(1)
    calm = pairs(1)
    levels = [np.where(random.random(10) < 0.5, 1.0, 1.6) for _ in calm]
    shaken = tuple(
        PairSample(tuple(level * pair.base), tuple(level * pair.head))
        for level, pair in zip(levels, calm, strict=True)
    )
    assert estimate(shaken).log_ratio == pytest.approx(estimate(calm).log_ratio)
    assert estimate(shaken).error == pytest.approx(estimate(calm).error)


@given(seed=st.integers(0, 10_000), factor=st.floats(0.5, 3.0))
def test_a_true_change_moves_the_estimate_and_not_its_error(seed, factor):
    """The error is that of the ratios around their own middle."""
    plain, moved = pairs(seed), pairs(seed, factor=factor)
    before, after = (estimate(these) for these in (plain, moved))
    assert after.log_ratio == pytest.approx(before.log_ratio + math.log(factor), abs=1e-9)
    assert after.error == pytest.approx(before.error, abs=1e-9)


@given(seed=st.integers(0, 10_000))
def test_base_and_head_in_each_other_s_place_turn_the_sign(seed):
    """Neither side is favoured."""
    one = pairs(seed)
    other = tuple(PairSample(pair.head, pair.base) for pair in one)
    assert estimate(one).log_ratio == pytest.approx(-estimate(other).log_ratio)


@pytest.mark.parametrize("count", [3, 5, 8])
def test_the_error_is_what_repetition_shows(count):
    """Over 200 machines the spread of the estimate is within a fifth of the error it states."""
    found = [estimate(pairs(seed, count=count)) for seed in range(200)]
    spread = math.sqrt(fmean(e.log_ratio**2 for e in found))
    stated = math.sqrt(fmean(e.error**2 for e in found))
    assert stated == pytest.approx(spread, rel=0.2)


def test_one_pair_has_no_error_of_its_own():
    """It is infinite until the run as a whole lends one."""
    alone = estimate(pairs(1, count=1))
    assert math.isinf(alone.error)
    assert moderate(alone, 1e-4).error == pytest.approx(0.01)


def test_a_calm_benchmark_in_a_restless_run_is_not_trusted_alone():
    """Its error is drawn towards that of the run, and has more degrees of freedom."""
    own = estimate(pairs(1))
    drawn = moderate(own, 100 * own.error**2)
    assert own.error < drawn.error < 10 * own.error
    assert drawn.freedom > own.freedom


def test_ragged_pairs_are_as_good():
    """A process that gave fewer slices counts for those it gave."""
    full = pairs(3)
    short = (*full[:-1], replace(full[-1], head=full[-1].head[:4]))
    assert estimate(short).error == pytest.approx(estimate(full).error, rel=0.5)


@pytest.mark.parametrize(
    "broken",
    [(), (PairSample((), (1.0,)),), (PairSample((1.0,), (0.0,)),)],
    ids=["no pair", "no slice", "no time"],
)
def test_nothing_to_estimate_is_an_error(broken):
    """There is no way from missing slices to a figure."""
    with pytest.raises(ValueError, match="slices"):
        estimate(broken)


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
