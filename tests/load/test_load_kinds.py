"""Distributions, shares and rates are estimated with intervals that mean what they say."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.stats import quantile, rate, share, weighted_quantile


@given(st.lists(st.integers(1, 50), min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_distribution_is_read_as_its_samples(values, p):
    """Counts by value and the values one by one have the same interval."""
    ordered = sorted(set(values))
    counted = weighted_quantile(ordered, [values.count(one) for one in ordered], p)
    single = quantile(values, p)
    assert (counted.low, counted.high, counted.n) == (single.low, single.high, single.n)
    assert counted.low <= counted.estimate <= counted.high


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_a_share_lies_within_its_interval(part, more):
    """The interval holds the estimate and stays between none and all."""
    found = share(part, part + more)
    assert 0 <= found.low <= found.estimate <= found.high <= 100


def test_wilsons_interval_is_the_published_one():
    """Newcombe (Statistics in Medicine 17, 1998, table I) gives 81 of 263 as 25.5 to 36.6 %."""
    found = share(81, 263)
    assert (found.low, found.high) == pytest.approx((25.53, 36.62), abs=0.01)


def test_a_share_of_nothing_is_refused():
    """There is no share of nothing, and none above all."""
    for part, whole in ((0, 0), (2, 1)):
        with pytest.raises(ValueError, match="is no share"):
            share(part, whole)


def test_a_rates_interval_covers_as_often_as_it_says():
    """Of Poisson counts with a mean of 100, about 95 % of the intervals hold the mean."""
    rng = Random(5)
    held = 0
    for _ in range(400):
        at, count = 0.0, 0
        while (at := at + rng.expovariate(100)) < 1:
            count += 1
        found = rate(count, 1.0, "req/s")
        held += found.low <= 100 <= found.high
    assert 0.92 <= held / 400 <= 0.98
