"""A second opinion: it may lower a confidence, and never holds anything up."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.clock import ManualClock
from ava.errors import OutageError
from ava.signals.decide import Action, Signal
from ava.signals.opinion import FAILED_S, KEPT_S, ModelOpinions, read_share

pytestmark = pytest.mark.anyio
AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def said(symbol="A", action=Action.BUY):
    """Return a signal."""
    return Signal(symbol, AT, action, Decimal(100), None, 0.8, "why", "m")


class Model:
    """Answers with one text, or fails; counts what it is asked."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    async def __call__(self, signal):
        self.asked.append(signal.symbol)
        await asyncio.sleep(0)
        if self.answer is None:
            raise OutageError("away", provider="xai")
        return self.answer


async def settled(opinions):
    """Let what is asked be answered."""
    await asyncio.gather(*opinions._asking.values())
    await asyncio.sleep(0)


@given(st.floats(0, 1))
def test_a_share_is_read(share):
    """Whatever number a model may answer with."""
    assert read_share(f" {share:.4f}\n") == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize("text", ["", "yes", "1.2", "-0.5", "0.8 because of earnings", "nan"])
def test_any_other_answer_is_none(text):
    """A guess at what was meant could raise a confidence."""
    assert read_share(text) is None


async def test_the_first_signal_passes_and_the_next_is_lowered():
    """The answer is for the iterations to come."""
    opinions = ModelOpinions(Model("0.25"), clock=ManualClock())
    assert opinions.weigh([said()]) == [said()]
    await settled(opinions)
    (lowered,) = opinions.weigh([said()])
    assert lowered.confidence == pytest.approx(0.2)
    assert lowered.reason == "why; a second opinion agrees by 25%"


async def test_an_answer_is_kept_for_its_time():
    """Each one costs."""
    clock, model = ManualClock(), Model("0.5")
    opinions = ModelOpinions(model, clock=clock)
    for seconds in (0, KEPT_S - 1, 2):
        await clock.advance(seconds)
        opinions.weigh([said()])
        await settled(opinions)
    assert model.asked == ["A", "A"]


async def test_a_failure_changes_nothing_and_is_not_repeated_at_once():
    """A provider that is away is left alone for a minute."""
    clock, model = ManualClock(), Model(None)
    opinions = ModelOpinions(model, clock=clock)
    for seconds in (0, 1, FAILED_S):
        await clock.advance(seconds)
        assert opinions.weigh([said()]) == [said()]
        await settled(opinions)
    assert model.asked == ["A", "A"]


async def test_few_questions_are_under_way_at_once():
    """The first signals, which are the wildest; a signal to hold is nobody's question."""
    model = Model("1")
    opinions = ModelOpinions(model, at_once=2, clock=ManualClock())
    opinions.weigh([said("H", Action.HOLD), *(said(f"S{n}") for n in range(9))])
    await settled(opinions)
    assert model.asked == ["S0", "S1"]
    await opinions.aclose()


async def test_memory_is_bounded():
    """The oldest opinion goes."""
    opinions = ModelOpinions(Model("1"), most=3, clock=ManualClock())
    for n in range(9):
        opinions.weigh([said(f"S{n}")])
        await settled(opinions)
    assert len(opinions._said) == 3
