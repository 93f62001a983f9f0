"""Zipf's law and shares of traffic, as pure functions of the caller's chance."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.load.popularity import Mixed, Popular


def test_popularity_falls_with_the_rank():
    """With exponent 1 over three keys the shares are 6/11, 3/11 and 2/11."""
    random, popular = Random(0), Popular("abc")
    counts = Counter(popular.pick(random) for _ in range(11_000))
    expected = {"a": 6000, "b": 3000, "c": 2000}
    assert all(abs(counts[key] - number) < 4 * number**0.5 for key, number in expected.items())


def test_an_exponent_of_zero_makes_all_keys_alike():
    """Then it is no popularity at all."""
    random, popular = Random(0), Popular(range(10), exponent=0)
    counts = Counter(popular.pick(random) for _ in range(10_000))
    assert min(counts.values()) > 850


@given(st.integers(1, 300), st.floats(0, 3), st.integers(0, 2**32))
def test_a_pick_is_one_of_the_keys(number, exponent, seed):
    """However many keys, none lies beyond the last."""
    assert Popular(range(number), exponent).pick(Random(seed)) in range(number)


@given(st.floats(0, 1, exclude_max=True))
def test_shares_are_cut_where_they_meet(drawn):
    """A quarter and three quarters of what is drawn."""

    class Drawn(Random):
        def random(self):
            return drawn

    assert Mixed([("a", 1), ("b", 3)]).pick(Drawn()) == ("a" if drawn < 0.25 else "b")


def test_nothing_to_pick_from_is_refused():
    """At the start, and not at the first request."""
    with pytest.raises(ValueError, match="key"):
        Popular([])
    with pytest.raises(ValueError, match="share"):
        Mixed([("a", 0)])
