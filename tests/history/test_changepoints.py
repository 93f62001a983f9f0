"""Change points: steps are found, and nothing else is taken for one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf import changepoints
from perf.changepoints import find

FIGURES = st.lists(st.floats(min_value=-1e9, max_value=1e9), max_size=40)


def noise(seed, length=60, level=100.0):
    return np.random.default_rng(seed).normal(level, 1.0, length)


def places(values):
    return [point.index for point in find(values).points]


def test_a_step_is_found_where_it_is():
    """Eight deviations between the 30th and the 31st figure leave no doubt about the place."""
    series = noise(1)
    series[30:] += 8
    (point,) = find(series).points
    assert point.index == 30
    assert point.relative == pytest.approx(0.08, abs=0.01)
    assert point.confidence > 0.999


def test_levels_are_medians_of_the_figures_around_the_step():
    """Eight figures of 10 and eight of 15 are a step of half."""
    (point,) = find([10.0] * 8 + [15.0] * 8).points
    assert (point.before, point.after, point.relative) == (10, 15, 0.5)


def test_two_steps_are_two():
    """Up and down again, far enough apart, is not one wild stretch."""
    series = noise(2, 90)
    series[30:60] -= 7
    assert places(series) == [30, 60]


def test_series_without_a_step_have_none():
    """Of 100 series of noise, three or more alarms would have a chance of 8 % at the stated 1 %."""
    alarms = sum(bool(places(noise(seed, 20 + seed))) for seed in range(100))
    assert alarms <= 2


@pytest.mark.parametrize("at", [0, 1, 25, 58, 59])
def test_a_wild_value_is_no_step(at):
    """One figure of fifty deviations moves no level, wherever it stands."""
    series = noise(3)
    series[at] += 50
    assert places(series) == []


def test_a_slow_leak_is_drift_and_no_row_of_steps():
    """Twelve deviations over 200 figures are told as wandering."""
    series = noise(4, 200) + np.linspace(0, 12, 200)
    found = find(series)
    assert found.points == ()
    assert found.wandering > 0


def test_a_step_is_found_beside_a_drift():
    """A level that wanders can still jump."""
    rng = np.random.default_rng(5)
    series = noise(5, 120) + np.cumsum(rng.normal(0, 0.2, 120))
    series[70:] += 15
    assert places(series) == [70]


def test_a_change_in_a_series_that_repeats_itself_is_a_step():
    """Exact counts have no noise to hide in: one more in a thousand is news."""
    assert places([1000.0] * 20 + [1001.0] * 20) == [20]


def test_a_series_that_repeats_itself_has_no_step():
    """Equal figures are no reason to divide by their spread of none."""
    assert places([0.0] * 30) == []


def test_a_step_from_zero_has_no_relative_size():
    """Nothing is a share of zero."""
    (point,) = find([0.0] * 20 + [5.0] * 20).points
    assert point.relative is None


@pytest.mark.parametrize("length", range(changepoints.FEWEST))
def test_too_few_figures_have_no_step(length):
    """Two of one and two of the other may be chance."""
    assert find([1.0, 9.0, 1.0, 9.0, 9.0][:length]).points == ()


@pytest.mark.parametrize("gap", [float("nan"), float("inf")])
def test_a_gap_is_refused(gap):
    """A figure that is not known cannot be passed over in silence."""
    with pytest.raises(ValueError, match="leave out"):
        find([1.0, gap, 2.0])


@given(FIGURES)
def test_steps_lie_within_the_series_in_order(values):
    """Whatever the figures, each step has figures on both sides, and comes after the one before."""
    found = places(values)
    assert found == sorted(set(found))
    assert all(0 < index < len(values) for index in found)


@given(st.integers(min_value=0, max_value=50), st.sampled_from([2.0**-40, 2.0, 2.0**40]))
def test_the_unit_does_not_matter(seed, unit):
    """Seconds and microseconds tell the same story; powers of two leave no rounding."""
    series = noise(seed, 40)
    series[25:] += 5
    assert places(series * unit) == places(series)


@given(st.integers(min_value=0, max_value=50))
def test_down_is_up_turned_over(seed):
    """A step has no favourite direction."""
    series = noise(seed, 40)
    series[15:] += 4
    assert places(-series) == places(series)
