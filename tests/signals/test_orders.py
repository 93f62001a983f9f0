"""Orders, fills and what is held: an algebra that must come out even."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.signals.orders import Fill, Holding, Side, applied, holdings, order_id

AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
amounts = st.decimals("0.01", "1000", places=2)
trades = st.lists(st.tuples(st.sampled_from(Side), amounts, amounts), max_size=30)


def fill(side, quantity, price, number=0, symbol="A"):
    """Return one fill."""
    return Fill(f"o{number}", symbol, side, Decimal(quantity), Decimal(price), AT)


def fills(rows):
    """Return the fills of rows of side, quantity and price."""
    return [fill(*row, number) for number, row in enumerate(rows)]


@given(trades)
def test_what_is_held_is_what_was_bought_less_what_was_sold(rows):
    """Whatever the order of fills."""
    held = holdings(fills(rows)).get("A", Holding("A"))
    assert held.quantity == sum((f.signed for f in fills(rows)), Decimal(0))


@given(trades)
def test_profit_and_holdings_account_for_all_the_money(rows):
    """Cash paid and taken equals the profit taken and the cost of what is still held."""
    held = holdings(fills(rows)).get("A", Holding("A"))
    cash = sum((-f.signed * f.price for f in fills(rows)), Decimal(0))
    error = abs(cash - (held.realised - held.quantity * held.average_price))
    assert error < Decimal("0.001")  # averages are kept to eight decimals


@given(trades)
def test_nothing_held_has_no_price(rows):
    """An average is that of something."""
    held = holdings(fills(rows)).get("A", Holding("A"))
    assert (held.quantity == 0) is (held.average_price == 0)


def test_a_sale_through_zero_opens_the_rest_at_its_own_price():
    """Ten bought at 100; fifteen sold at 110: a gain of 100, and five owed at 110."""
    held = holdings([fill(Side.BUY, 10, 100), fill(Side.SELL, 15, 110)])["A"]
    assert held == Holding("A", Decimal(-5), Decimal(110), Decimal(100))


def test_buying_back_realises_the_fall():
    """Ten owed at 100 and bought at 90 are a gain of 100."""
    held = holdings([fill(Side.SELL, 10, 100), fill(Side.BUY, 10, 90)])["A"]
    assert held == Holding("A", Decimal(0), Decimal(0), Decimal(100))


def test_a_fill_changes_only_its_own_symbol():
    """Another symbol's fill is a mistake of the caller."""
    with pytest.raises(ValueError, match="changes no holding"):
        applied(Holding("B"), fill(Side.BUY, 1, 1))


def test_deciding_twice_gives_the_same_order():
    """The id is what was decided on, to the microsecond."""
    assert order_id("m", "A", AT) == order_id("m", "A", AT)
    assert order_id("m", "A", AT) != order_id("m", "A", AT + timedelta(microseconds=1))
