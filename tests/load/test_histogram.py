"""Tests of the histograms and of the percentiles read from them."""

import math

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from perf.load.histogram import HIGHEST_US, RESOLUTION, Histogram, bounding_ranks
from perf.stats import quantile

TIMES = st.lists(st.integers(0, HIGHEST_US), min_size=1, max_size=200)


def of(values) -> Histogram:
    """Return a histogram of values."""
    made = Histogram()
    for value in values:
        made.record(value)
    return made


@given(TIMES, st.lists(st.integers(0, HIGHEST_US), max_size=200))
def test_merging_is_exact(some, others):
    """The merged histogram is the one that had seen all values."""
    merged = of(some)
    merged.add(of(others))
    assert merged == of(some + others)


@given(TIMES, st.sampled_from([0.0, 0.5, 0.95, 0.99, 0.999, 1.0]))
def test_a_quantile_is_right_within_the_resolution(values, q):
    """What is read is the nearest-rank value of the raw samples, within 1/1024 of it."""
    ordered = sorted(values)
    exact = ordered[max(0, math.ceil(q * len(ordered) - 1e-9) - 1)]
    assert of(values).quantile(q) == pytest.approx(exact, rel=RESOLUTION, abs=0)


@given(TIMES)
def test_it_travels_in_hdrhistograms_format(values):
    """Decoding gives back every count, and HdrHistogram itself reads the same."""
    made = of(values)
    assert Histogram.decode(made.encode()) == made
    theirs = HdrHistogram.decode(made.encode().encode())
    assert theirs.get_total_count() == len(values)


@given(TIMES)
def test_buckets_are_hdrhistograms_own(values):
    """A value shares a bucket with those that HdrHistogram calls equivalent."""
    theirs = HdrHistogram(1, HIGHEST_US, 3)
    for value in values:
        assert list(of([value]).counts) == [theirs.get_lowest_equivalent_value(value)]


@given(TIMES)
def test_the_wire_format_is_exact(values):
    """A worker's report loses nothing."""
    assert Histogram.from_flat(of(values).flat()) == of(values)


def test_what_is_out_of_range_counts_at_its_end():
    """A clock that went backwards, or a day of waiting, is counted and not lost."""
    made = of([-5, 10 * HIGHEST_US])
    assert made.n == 2
    assert made.quantile(0.1) == 0
    assert made.quantile(1.0) == pytest.approx(HIGHEST_US, rel=RESOLUTION)


def test_nothing_recorded_reads_as_nothing():
    """An empty histogram has no percentile, not a percentile of zero."""
    assert Histogram().quantile(0.5) is None
    assert Histogram().reading(0.5) is None


@pytest.mark.parametrize("n", [1, 2, 40, 71, 72, 367, 368, 2000])
@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
def test_the_interval_is_that_of_the_order_statistics(n, q):
    """The bounds are those that `perf.stats` finds by summing the whole binomial."""
    values = list(range(1, n + 1))  # the value of a rank is the rank
    expected = quantile(values, q)
    lower, upper = bounding_ranks(n, q)
    assert (lower if lower >= 1 else -math.inf) == expected.low
    assert (upper if upper <= n else math.inf) == expected.high


def test_a_million_samples_bound_a_quantile_by_their_normal_width():
    """For large n the ranks lie 1.96 deviations from the middle (the binomial's normal limit)."""
    lower, upper = bounding_ranks(1_000_000, 0.5)
    assert (upper - lower) / 2 == pytest.approx(1.96 * 500, rel=0.01)


def test_too_few_samples_leave_a_side_open():
    """Seventy requests cannot bound a p99 from above."""
    reading = of(range(1, 71)).reading(0.99)
    assert reading.high == math.inf
    assert reading.low <= reading.estimate == 70
