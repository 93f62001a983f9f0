"""Whose turn it is: order, the share of background callers, and forecasts."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.net.line import STREAK, Line, Waiter
from ava.net.spec import Priority

pytestmark = pytest.mark.anyio

PRIORITIES = st.lists(st.sampled_from(Priority), max_size=60)


def order(priorities):
    """Return who is called, as (priority, place among its kind)."""

    async def run():
        line, names = Line("x"), {}
        for priority in priorities:
            waiter = Waiter(priority, None)
            names[id(waiter)] = (priority, sum(name[0] is priority for name in names.values()))
            line.join(waiter)
        return [names[id(waiter)] for waiter in iter(line.call, None)]

    return asyncio.run(run())


@given(PRIORITIES)
def test_each_kind_is_served_in_the_order_it_came(priorities):
    """Everybody gets a turn, and nobody overtakes another of its own kind."""
    called = order(priorities)
    for priority in Priority:
        places = [place for kind, place in called if kind is priority]
        assert places == list(range(priorities.count(priority)))


@given(PRIORITIES)
def test_background_waits_at_most_a_streak(priorities):
    """Interactive callers go first, but for every tenth turn while both wait."""
    called = [kind for kind, _ in order(priorities)]
    left = {priority: priorities.count(priority) for priority in Priority}
    streak = 0
    for kind in called:
        if left[Priority.INTERACTIVE] and left[Priority.BACKGROUND]:
            assert (kind is Priority.BACKGROUND) == (streak == STREAK)
        streak = streak + 1 if kind is Priority.INTERACTIVE and left[Priority.BACKGROUND] else 0
        left[kind] -= 1


@given(PRIORITIES, st.integers(0, 30), st.sampled_from(Priority))
def test_the_forecast_of_turns_is_exact(priorities, served, priority):
    """`ahead` is the number of turns given before one's own, if nobody else comes."""

    async def run():
        line = Line("x")
        for kind in priorities:
            line.join(Waiter(kind, None))
        for _ in range(served):
            line.call()
        ahead, mine = line.ahead(priority), Waiter(priority, None)
        line.join(mine)
        return ahead, list(iter(line.call, None)).index(mine)

    ahead, turns = asyncio.run(run())
    assert ahead == turns


async def test_one_who_was_cancelled_is_passed_over():
    """A cancelled caller that has not yet come to leave gets no turn."""
    line, first, second = (
        Line("x"),
        Waiter(Priority.INTERACTIVE, None),
        Waiter(Priority.BACKGROUND, None),
    )
    line.join(first)
    line.join(second)
    first.turn.cancel()
    assert line.call() is second
    line.leave(first)
    assert len(line) == 0
