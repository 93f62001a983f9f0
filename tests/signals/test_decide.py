"""From opinions to orders."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from ava.signals.decide import Action, Rule, Signal, order_for, signals_of
from ava.signals.features import Features
from ava.signals.orders import Holding, Side
from ava.signals.predictor import Predictions

AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
RULE = Rule()


def said(action, confidence=0.5, price="30"):
    """Return one signal."""
    return Signal("A", AT, action, Decimal(price), None, confidence, "", "m")


def held(quantity):
    """Return a holding."""
    return Holding("A", Decimal(quantity), Decimal(20) if quantity else Decimal(0))


CASES = [
    ("nothing held, a thousand to spend at 30", Action.BUY, 0, RULE, ("buy", 33)),
    ("what is held counts", Action.BUY, 10, RULE, ("buy", 23)),
    ("enough is held", Action.BUY, 33, RULE, None),
    ("more than enough is not sold by a signal to buy", Action.BUY, 50, RULE, None),
    ("all that is held is sold", Action.SELL, 12, RULE, ("sell", 12)),
    ("nothing to sell", Action.SELL, 0, RULE, None),
    ("short on purpose", Action.SELL, 0, Rule(short=True), ("sell", 33)),
    ("too small to be worth it", Action.BUY, 32, RULE, None),
    ("no opinion", Action.HOLD, 12, RULE, None),
]


@pytest.mark.parametrize(("why", "action", "quantity", "rule", "expected"), CASES)
def test_an_order_is_the_difference_to_what_is_wanted(why, action, quantity, rule, expected):
    """Each case says why."""
    order = order_for(said(action), held(quantity), rule)
    assert (order and (order.side, order.quantity)) == expected, why


def test_an_opinion_held_weakly_is_not_acted_on():
    """The rule says how sure is sure enough."""
    assert order_for(said(Action.BUY, confidence=0.24), held(0), RULE) is None


def test_fractions_are_bought_where_that_is_allowed():
    """Four decimals of a share."""
    order = order_for(said(Action.BUY, price="3000"), held(0), Rule(fractional=True))
    assert (order.side, order.quantity) == (Side.BUY, Decimal("0.3333"))


def test_the_same_signal_gives_the_same_order():
    """So that deciding again after a crash doubles nothing."""
    assert order_for(said(Action.BUY), held(0), RULE) == order_for(said(Action.BUY), held(0), RULE)


@pytest.mark.parametrize(("said", "kept"), [(1.5, 1.0), (-0.5, 0.0), (float("nan"), 0.0)])
def test_a_confidence_is_a_share_whatever_a_model_says(said, kept):
    """A store refuses any other, and would refuse it each time."""
    one = np.array([30.0])
    seen = Features(one, one, one, one, np.array([30]))
    found = signals_of(["A"], seen, Predictions(one, one, np.array([said])), [AT], "m")
    assert found[0].confidence == kept


def test_a_model_that_cannot_say_gives_a_signal_to_hold():
    """Its reason tells how little is known."""
    nan = np.array([np.nan])
    seen = Features(np.array([30.0]), nan, nan, nan, np.array([3]))
    found = signals_of(["A"], seen, Predictions(nan, nan, np.array([0.0])), [AT], "m")
    assert (found[0].action, found[0].predicted_price) == (Action.HOLD, None)
    assert found[0].reason == "too little is known: 3 prices"
