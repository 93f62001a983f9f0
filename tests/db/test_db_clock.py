"""The manual clock moves only when told, and wakes sleepers as a real one would."""

import asyncio
from datetime import UTC, timedelta

import pytest

from ava.clock import ManualClock, SystemClock

pytestmark = pytest.mark.anyio


async def test_a_sleeper_wakes_at_its_due_time_and_not_before():
    """Advancing short of the due time wakes nobody."""
    clock = ManualClock()
    sleeper = asyncio.ensure_future(clock.sleep(5))
    await clock.advance(4.9)
    assert not sleeper.done()
    await clock.advance(0.1)
    assert sleeper.done()


async def test_sleepers_wake_in_the_order_of_their_due_times():
    """A long advance passes through every due time in turn."""
    clock, woken = ManualClock(), []

    async def sleep(seconds):
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    async with asyncio.TaskGroup() as tasks:
        for seconds in (3, 1, 2):
            tasks.create_task(sleep(seconds))
        await clock.advance(10)
    assert woken == [(1, 1), (2, 2), (3, 3)]


async def test_one_who_sleeps_again_is_woken_again_within_one_advance():
    """A loop of sleeps runs as often as fits."""
    clock, beats = ManualClock(), []

    async def beat():
        while True:
            await clock.sleep(1)
            beats.append(clock.monotonic())

    beating = asyncio.ensure_future(beat())
    await clock.advance(3.5)
    beating.cancel()
    assert beats == [1, 2, 3]


async def test_a_jumping_clock_lets_concurrent_sleeps_overlap():
    """Two sleeps side by side take as long as the longer one."""
    clock = ManualClock(jump=True)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(clock.sleep(2))
        tasks.create_task(clock.sleep(5))
    assert clock.monotonic() == 5
    assert sorted(clock.slept) == [2, 5]


async def test_a_cancelled_sleeper_is_forgotten():
    """Cancellation leaves no sleeper behind that a later advance would stumble on."""
    clock = ManualClock()
    sleeper = asyncio.ensure_future(clock.sleep(1))
    await clock.advance(0)
    sleeper.cancel()
    await asyncio.wait([sleeper])
    await clock.advance(2)
    assert clock.monotonic() == 2


async def test_the_time_of_day_moves_with_the_seconds():
    """The two faces of the clock agree."""
    clock = ManualClock()
    before = clock.now()
    await clock.advance(90)
    assert clock.now() - before == timedelta(seconds=90)


def test_the_system_clock_knows_its_time_zone():
    """The time of day is aware and in UTC."""
    assert SystemClock().now().tzinfo is UTC
