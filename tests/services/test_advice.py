"""The rules of recommendations: one case each, the same answer each time, and no price ignored."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.providers.market import Right
from ava.services.advice import (
    LEAST,
    Action,
    HeldOption,
    HeldShares,
    Trend,
    read_figures,
    recommend,
)

TODAY = date(2026, 1, 5)


def path(step, days=60, end=100.0, wobble=0.004):
    """Return closes that change by `step` a day, with a small wobble, and end at a price."""
    closes = [(1 + step) ** day * (1 + wobble * (-1) ** day) for day in range(days)]
    return [close * end / closes[-1] for close in closes]


UP, DOWN, FLAT = path(0.005), path(-0.005), path(0.0)


def option(right, strike, days, quantity=-1, **how):
    expires = date.fromordinal(TODAY.toordinal() + days)
    return HeldOption(quantity=quantity, right=right, strike=strike, expires=expires, **how)


PUT, CALL = Right.PUT, Right.CALL
CASES = [
    ("nothing held, all up", UP, None, Action.BUY),
    ("nothing held, all down", DOWN, None, Action.AVOID),
    ("nothing held, sideways", FLAT, None, Action.WAIT),
    ("a loss that leans on", DOWN, HeldShares(quantity=10, cost=120.0), Action.CLOSE),
    ("a gain that turns", DOWN, HeldShares(quantity=10, cost=70.0), Action.REDUCE),
    ("no cost known, all down", DOWN, HeldShares(quantity=10), Action.REDUCE),
    ("a gain that goes on", UP, HeldShares(quantity=10, cost=70.0), Action.HOLD),
    ("a loss that recovers", UP, HeldShares(quantity=10, cost=130.0), Action.HOLD),
    ("shares owed while they rise", UP, HeldShares(quantity=-10, cost=80.0), Action.CLOSE),
    ("half of the premium earned", FLAT, option(PUT, 95.0, 30, cost=2.0, price=1.0), Action.CLOSE),
    ("sold, in the money in its last week", FLAT, option(PUT, 105.0, 7), Action.ROLL),
    ("sold, in the money and going on", DOWN, option(PUT, 105.0, 30), Action.ROLL),
    ("sold, in the money and recovering", UP, option(PUT, 105.0, 30), Action.HOLD),
    ("sold, at the strike in its last week", FLAT, option(PUT, 99.9, 5), Action.ROLL),
    ("sold, far out in its last week", FLAT, option(PUT, 80.0, 5), Action.HOLD),
    ("a call sold, stock rising into it", UP, option(CALL, 95.0, 30), Action.ROLL),
    ("bought, out of the money in its last week", FLAT, option(CALL, 110.0, 5, 1), Action.CLOSE),
    ("bought, stock going the other way", DOWN, option(CALL, 95.0, 20, 1), Action.CLOSE),
    ("bought and doubled", UP, option(CALL, 95.0, 60, 1, cost=2.0, price=4.0), Action.REDUCE),
    ("bought, with time", UP, option(CALL, 110.0, 60, 1), Action.HOLD),
    ("past its expiry", UP, option(CALL, 110.0, -3, 1), Action.EXPIRED),
    ("too few closes", UP[:20], HeldShares(quantity=1), Action.NO_OPINION),
]


@pytest.mark.parametrize(
    ("_name", "closes", "position", "action"), CASES, ids=[c[0] for c in CASES]
)
def test_a_case_gets_its_action(_name, closes, position, action):
    """With a reason, and a confidence between 0 and 1."""
    found = recommend("AAA", closes, position, TODAY)
    assert found.action is action
    assert found.reasons
    assert 0 <= found.confidence <= 1


def test_every_action_has_a_case():
    """An action that nothing leads to would be dead."""
    assert {case[3] for case in CASES} == set(Action)


def test_figures_are_those_of_the_closes():
    """A constant growth is its own momentum, and its deviation is the wobble's alone."""
    figures = read_figures([1.01**day for day in range(60)])
    assert figures.momentum == pytest.approx(1.01**20 - 1, abs=1e-6)
    assert figures.volatility == pytest.approx(0.0, abs=1e-6)
    assert (figures.trend, figures.lean) == (Trend.UP, 2)
    assert figures.mean_50 < figures.mean_20 < figures.price


def test_too_few_closes_have_no_figures():
    """Twenty returns need twenty-one closes, and the longer mean fifty."""
    assert read_figures(UP[: LEAST - 1]) is None
    assert read_figures(UP[:LEAST]).mean_50 is None
    assert recommend("AAA", UP[:3], None, TODAY).figures is None


def test_doubt_lowers_confidence_and_says_why():
    """A wild stock and a short history are reasons for doubt."""
    calm = recommend("AAA", UP, None, TODAY)
    short = recommend("AAA", UP[-30:], None, TODAY)
    wild = recommend("AAA", path(0.005, wobble=0.05), None, TODAY)
    assert short.confidence == pytest.approx(calm.confidence - 0.1)
    assert short.reasons[-1] == "only 30 closes are known"
    assert "deviate" in wild.reasons[-1]


@given(
    st.lists(st.floats(0.01, 1e6), min_size=LEAST, max_size=80),
    st.sampled_from([case[2] for case in CASES]),
)
def test_any_closes_get_one_answer(closes, position):
    """The same question has the same answer, whatever the prices."""
    first = recommend("AAA", closes, position, TODAY)
    assert first == recommend("AAA", list(closes), position, TODAY)
    assert first.figures is not None
    assert -2 <= first.figures.lean <= 2
