"""The bounded history of prices, against a deque for each symbol."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.signals.history import History

SYMBOLS = ["A", "B", "C", "D"]
moments = st.lists(
    st.dictionaries(st.sampled_from(SYMBOLS), st.floats(0.01, 1e6), min_size=1), max_size=40
)


@given(moments)
def test_a_history_holds_what_deques_would(seen):
    """Each symbol's last prices, oldest first, whatever the order in which they came."""
    history = History(window=5)
    expected = {symbol: deque(maxlen=5) for symbol in SYMBOLS}
    for prices in seen:
        history.append_many(list(prices), np.array(list(prices.values())))
        for symbol, price in prices.items():
            expected[symbol].append(price)
    rows, counts = history.last(SYMBOLS)
    for symbol, row, count in zip(SYMBOLS, rows, counts, strict=True):
        assert count == len(expected[symbol])
        assert row[5 - count :].tolist() == list(expected[symbol])
        assert np.isnan(row[: 5 - count]).all()


def test_the_latest_price_is_the_last_one():
    """A symbol never seen has none."""
    history = History(window=3)
    for price in (1.0, 2.0, 3.0, 4.0):
        history.append("A", price)
    assert history.latest("A") == 4.0
    assert np.isnan(history.latest("B"))


def test_the_matrix_grows_and_keeps_what_it_held():
    """A hundred symbols do not fit into the first matrix."""
    history = History(window=2)
    for number in range(100):
        history.append(f"S{number}", number + 1.0)
    assert [history.latest(f"S{number}") for number in range(100)] == [n + 1.0 for n in range(100)]


def test_a_symbol_too_many_is_refused():
    """The bound is what keeps a year of strange symbols from filling the memory."""
    history = History(window=2, symbols=1)
    history.append("A", 1.0)
    with pytest.raises(ValueError, match="no room for 'B'"):
        history.append("B", 1.0)
    history.forget(["A"])
    history.append("B", 2.0)
    assert history.last(["B"])[1].tolist() == [1]


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused_and_nothing_kept(price):
    """All prices of a moment are taken, or none."""
    history = History(window=2)
    with pytest.raises(ValueError, match="above 0"):
        history.append_many(["A", "B"], np.array([1.0, price]))
    assert len(history) == 0


def test_a_symbol_twice_in_a_moment_is_refused():
    """Which of both came later is not known."""
    history = History(window=2)
    with pytest.raises(ValueError, match="twice"):
        history.append_many(["A", "A"], np.array([1.0, 2.0]))
    assert "A" not in history
