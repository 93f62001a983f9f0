"""What became of signals."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ava.signals.decide import Action, Signal
from ava.signals.tracker import Ending, Tracker

AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def said(action, minute=0, symbol="A"):
    """Return a signal made at a price of 100."""
    at = AT + timedelta(minutes=minute)
    return Signal(symbol, at, action, Decimal(100), None, 0.5, "", "m")


@pytest.mark.parametrize(
    ("action", "price", "ending"),
    [
        (Action.BUY, "101", Ending.WIN),
        (Action.BUY, "99", Ending.LOSS),
        (Action.SELL, "99", Ending.WIN),
        (Action.SELL, "101", Ending.LOSS),
        (Action.BUY, "100.1", Ending.FLAT),
        (Action.SELL, "99.9", Ending.FLAT),
    ],
)
def test_an_outcome_is_the_move_in_the_direction_said(action, price, ending):
    """Within a tenth of a percent it was neither."""
    tracker = Tracker(bars=1)
    tracker.follow([said(action)])
    assert [o.ending for o in tracker.due({"A": Decimal(price)})] == [ending]


def test_an_outcome_waits_for_its_bars():
    """Prices of other symbols are no bars of this one."""
    tracker = Tracker(bars=2)
    tracker.follow([said(Action.BUY)])
    assert tracker.due({"A": Decimal(101)}) == []
    assert tracker.due({"B": Decimal(101)}) == []
    assert len(tracker.due({"A": Decimal(102)})) == 1
    assert len(tracker) == 0


def test_a_signal_to_hold_has_no_outcome():
    """It said nothing that could be right or wrong."""
    tracker = Tracker()
    tracker.follow([said(Action.HOLD)])
    assert len(tracker) == 0


def test_the_signals_that_wait_are_bounded():
    """One a bar, for as many bars as an outcome takes."""
    tracker = Tracker(bars=3)
    most = 0
    for minute in range(50):
        tracker.due({"A": Decimal(100)})
        tracker.follow([said(Action.BUY, minute)])
        most = max(most, len(tracker))
    assert most == 3
