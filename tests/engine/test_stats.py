"""Estimates and intervals, against numbers worked out by hand or by simulation."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.sample import Kind, Measurement, Scale, failure
from perf.stats import compare, exact, half_width, quantile, rounds_needed, summarise

times = st.floats(min_value=1e-6, max_value=1e3)
series = st.lists(st.tuples(times, times), min_size=2, max_size=40)


def test_the_ratio_is_of_medians_not_of_means():
    """One outlier of 100 s does not move a median of 2 s."""
    assert compare([2, 2, 2, 2, 100], [1, 1, 1, 1, 1], seed="a").estimate == 2


def test_a_saving_is_the_share_of_time_gone():
    """From 4 s to 3 s is 25 % less time."""
    summary = compare([4.0] * 9, [3.0] * 9, seed="a", scale=Scale.SAVING, unit="%")
    assert summary.estimate == pytest.approx(25)
    assert (summary.low, summary.high) == (pytest.approx(25), pytest.approx(25))


def test_rounds_are_resampled_as_pairs():
    """Rounds that are slow for both arms alike leave no doubt about a ratio that never varies."""
    before = [2.0, 20.0, 200.0, 2000.0, 20000.0]
    summary = compare(before, [value / 2 for value in before], seed="a")
    # Medians of one resample pick the same round in both arms, so each ratio is exactly 2.
    assert (summary.low, summary.high) == (2, 2)


@given(series)
def test_the_interval_holds_the_estimate(pairs):
    """Whatever the samples, low <= estimate <= high."""
    before, after = zip(*pairs, strict=True)
    summary = compare(before, after, seed="p")
    slack = 1e-9 * abs(summary.estimate)
    assert summary.low - slack <= summary.high
    assert math.isfinite(summary.estimate)


@given(series, st.floats(min_value=1e-3, max_value=1e3))
def test_the_unit_of_time_does_not_matter(pairs, factor):
    """A ratio is the same in seconds and in any other unit."""
    before, after = zip(*pairs, strict=True)
    one = compare(before, after, seed="p")
    other = compare([x * factor for x in before], [x * factor for x in after], seed="p")
    assert other.estimate == pytest.approx(one.estimate)
    assert other.low == pytest.approx(one.low)


@given(series)
def test_swapping_the_arms_inverts_the_ratio(pairs):
    """Twice as fast one way is half as fast the other way."""
    before, after = zip(*pairs, strict=True)
    there, back = compare(before, after, seed="p"), compare(after, before, seed="p")
    assert there.estimate == pytest.approx(1 / back.estimate)


def test_equal_input_gives_equal_output():
    """The bootstrap draws from its seed and from nothing else."""
    before, after = [1.0, 2.0, 3.0, 5.0], [1.0, 1.5, 2.0, 9.0]
    assert compare(before, after, seed="x") == compare(before, after, seed="x")


@pytest.mark.parametrize("shape", ["lognormal", "outliers", "drift", "bimodal"])
def test_a_thing_compared_with_itself_rarely_looks_different(shape):
    """Of 400 simulated A/A comparisons at most 7 % exclude 1: 5 % nominal and 2 % beyond."""
    rng = np.random.default_rng(20261121)
    excluded = 0
    for trial in range(400):
        before, after = _noise(rng, shape, rounds=int(rng.integers(8, 40)))
        summary = compare(before, after, seed=str(trial))
        excluded += summary.low > 1 or summary.high < 1
    assert excluded / 400 <= 0.07


def _noise(rng, shape, rounds):
    times = rng.lognormal(0, 0.1, (2, rounds))
    if shape == "outliers":
        times *= np.where(rng.random((2, rounds)) < 0.1, rng.uniform(2, 10, (2, rounds)), 1)
    if shape == "drift":
        times *= np.exp(np.cumsum(rng.normal(0, 0.05, rounds)))
    if shape == "bimodal":
        times *= np.where(rng.random((2, rounds)) < 0.5, 1.4, 1)
    return times.tolist()


def test_unpaired_rounds_are_refused():
    """Three before and two after are not rounds."""
    with pytest.raises(ValueError, match="3 before, 2 after"):
        compare([1, 2, 3], [1, 2], seed="a")


def test_a_time_of_zero_is_refused():
    """A clock that did not move measured nothing."""
    with pytest.raises(ValueError, match="positive"):
        compare([1, 0], [1, 1], seed="a")


def test_the_median_interval_of_ten_samples_is_the_second_and_ninth():
    """Binomial(10, 1/2): P(B <= 1) = 11/1024 = 1.07 %, P(B <= 2) = 5.5 %, so ranks 2 and 9."""
    found = quantile(range(1, 11), 0.5)
    assert (found.low, found.high) == (2, 9)


def test_five_samples_cannot_bound_a_median():
    """P(all five above the median) = 1/32 = 3.1 % > 2.5 %: both sides stay open."""
    found = quantile([1, 2, 3, 4, 5], 0.5)
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_a_p99_of_a_hundred_samples_has_no_upper_bound():
    """P(all 100 below the p99) = 0.99^100 = 37 %: nothing above the largest sample is excluded."""
    assert quantile(range(100), 0.99).high == math.inf


@given(st.lists(times, min_size=6, max_size=60), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_interval_is_ordered_and_made_of_samples(values, p):
    """Both ends are samples or open, and the low one is not above the high one."""
    found = quantile(values, p)
    assert found.low <= found.high
    assert found.low in values or found.low == -math.inf
    assert found.high in values or found.high == math.inf


def test_the_quantile_interval_covers_as_often_as_it_says():
    """Of 500 samples of 30 from a known distribution, the interval holds the median in >= 95 %."""
    rng = random.Random(7)
    hits = 0
    for _ in range(500):
        found = quantile([rng.expovariate(1) for _ in range(30)], 0.5)
        hits += found.low <= math.log(2) <= found.high
    assert hits >= 475


def test_a_count_has_no_test_of_significance():
    """Its interval is what was counted."""
    summary = exact([3, 3], "statements")
    assert (summary.estimate, summary.low, summary.high) == (3, 3, 3)


def test_the_rounds_needed_grow_with_the_square():
    """Half the half-width takes four times the rounds."""
    summary = compare([2.0, 2.2, 1.8, 2.1, 1.9, 2.0], [1.0] * 6, seed="a")
    half = max(summary.high - summary.estimate, summary.estimate - summary.low)
    assert rounds_needed(summary, summary.estimate - half / 2) == 24


def test_no_number_of_rounds_tells_an_estimate_on_its_bound():
    """An estimate equal to the bound stays undecided for ever."""
    summary = compare([2.0, 2.2, 1.8], [1.0] * 3, seed="a")
    assert rounds_needed(summary, summary.estimate) is None


def test_seconds_become_the_unit_of_the_target():
    """Samples are seconds; a target in milliseconds is held against milliseconds."""
    measurement = Measurement(Kind.TIMING, "ms", {"time": [0.002] * 10})
    assert summarise(measurement, seed="a").estimate == pytest.approx(2)


def test_a_failure_has_no_summary():
    """There is nothing to estimate from nothing."""
    with pytest.raises(ValueError, match="nothing to summarise"):
        summarise(failure("it broke"), seed="a")


def test_an_open_interval_is_infinitely_wide():
    """So no width asked for is ever reached by too few samples."""
    assert half_width(quantile([1, 2, 3], 0.5).in_unit("s")) == math.inf
