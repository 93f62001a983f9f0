"""Warming: when rounds are due, and that it never takes what people need."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ava.cache.next_key import NextKeys
from ava.cache.sessions import AlwaysOpen, new_york
from ava.cache.warming import Moment, Traffic, Warmer, WarmingRule, due
from ava.clock import ManualClock
from ava.errors import OutageError

pytestmark = pytest.mark.anyio
NY = ZoneInfo("America/New_York")
NIGHT = datetime(2026, 1, 5, 3, tzinfo=NY).astimezone(UTC)


def at(text):
    """Return a moment told on New York's clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=NY)


class Source:
    """Count fetches; hold what was fetched; fail when told to."""

    def __init__(self, clock, *, fails=False, calls_left=None):
        self.clock, self.fails, self.calls_left = clock, fails, calls_left
        self.fetched, self.times = [], []

    async def fetch(self, key):
        self.times.append(self.clock.monotonic())
        if self.fails:
            raise OutageError("down", provider="test")
        self.fetched.append(key)
        if self.calls_left is not None:
            self.calls_left -= 1

    async def left(self):
        return self.calls_left

    def held(self, key):
        return key in self.fetched


def warmer(source, **how):
    """Return a warmer of that source on its clock."""
    return Warmer(source.fetch, source.held, left=source.left, clock=source.clock, **how)


@pytest.mark.parametrize(
    ("now", "last", "quiet", "moment"),
    [
        ("2026-01-05T09:24:59", None, False, None),
        ("2026-01-05T09:25:00", None, False, Moment.BEFORE_OPENING),
        ("2026-01-05T09:29:00", "2026-01-05T09:25:00", False, None),
        ("2026-01-05T09:29:00", "2026-01-05T09:24:00", False, Moment.BEFORE_OPENING),
        ("2026-01-05T09:30:00", "2026-01-05T09:25:00", False, Moment.AT_OPENING),
        ("2026-01-05T09:31:00", "2026-01-05T09:30:00", False, None),
        ("2026-01-05T09:36:00", None, False, None),
        ("2026-01-05T12:00:00", "2026-01-05T11:50:00", True, None),
        ("2026-01-05T12:05:00", "2026-01-05T11:50:00", True, Moment.OFF_PEAK),
        ("2026-01-05T12:05:00", "2026-01-05T11:50:00", False, None),
        ("2025-12-25T09:25:00", None, False, None),
    ],
)
def test_a_round_is_due_around_the_opening_once_and_off_peak_now_and_then(now, last, quiet, moment):
    """Each opening gets one round before and one after; a holiday has none."""
    before = None if last is None else at(last)
    assert due(WarmingRule(), at(now), before, new_york(), quiet=quiet) is moment


def test_a_market_that_never_closes_is_warmed_off_peak_only():
    """There is no opening to prepare."""
    now = at("2026-01-05T09:25:00")
    assert due(WarmingRule(), now, None, AlwaysOpen(), quiet=False) is None
    assert due(WarmingRule(), now, None, AlwaysOpen(), quiet=True) is Moment.OFF_PEAK


def test_traffic_is_quiet_once_it_falls_well_below_its_peak():
    """At one request a second it is busy; twenty minutes of silence are four half-lives."""
    traffic = Traffic(0.0)
    for second in range(1800):
        traffic.saw(float(second))
    assert not traffic.is_quiet(1800.0, 0.25)
    assert not traffic.is_quiet(1800.0 + 590, 0.25)
    assert traffic.is_quiet(1800.0 + 620, 0.25)


async def test_a_round_fetches_the_popular_that_are_not_held_and_keeps_its_rate():
    """Three keys at two a second: at 0, 0.5 and 1 s; the one held costs neither fetch nor time."""
    source = Source(ManualClock(NIGHT, jump=True))
    source.fetched.append("held")
    warm = warmer(source, rule=WarmingRule(top=4, quiet=1.0))
    for key in ["held"] * 5 + ["a"] * 4 + ["b"] * 3 + ["c"] * 2 + ["rare"]:
        warm.saw(key)
    assert await warm.round_if_due() is Moment.OFF_PEAK
    assert source.fetched == ["held", "a", "b", "c"]
    assert source.times == [0.0, 0.5, 1.0]
    assert warm.stats().fetched == 3


async def test_the_last_calls_are_left_to_people():
    """With five calls left and three in reserve two are used."""
    source = Source(ManualClock(NIGHT, jump=True), calls_left=5)
    warm = warmer(source, rule=WarmingRule(quiet=1.0, reserve=3))
    for n in range(10):
        warm.saw(f"k{n}")
    await warm.round_if_due()
    assert source.calls_left == 3


async def test_a_provider_in_trouble_is_left_alone():
    """One failure ends the round, and the next round waits out the pause."""
    source = Source(ManualClock(NIGHT, jump=True), fails=True)
    warm = warmer(source, rule=WarmingRule(quiet=1.0, every_s=10, pause_s=60))
    for n in range(10):
        warm.saw(f"k{n}")
    await warm.round_if_due()
    await source.clock.sleep(15)
    assert await warm.round_if_due() is Moment.OFF_PEAK
    assert len(source.times) == 1
    source.fails = False
    await source.clock.sleep(60)
    await warm.round_if_due()
    assert len(source.fetched) == 10
    assert warm.stats().failures == 1


async def running(warm):
    """Return the task that warms, and let it start."""
    task = asyncio.ensure_future(warm.run())
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def stopped(task):
    """Cancel the task and see it end."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def learnt():
    """Return a model that has learnt a loop of a to j, j being the last."""
    model = NextKeys(memory=8)
    for _ in range(30):
        for key in "abcdefghij":
            model.saw(key, lambda _key: False, "ann")
    return model


async def test_the_next_key_is_fetched_at_once():
    """Who asks for a finds b ready; no clock has to move for it."""
    source = Source(ManualClock(NIGHT))
    warm = warmer(source, next_keys=learnt(), rule=WarmingRule(quiet=0.0))
    task = await running(warm)
    warm.saw("a", "ann")
    for _ in range(10):
        await asyncio.sleep(0)
    assert source.fetched == ["b"]
    await stopped(task)


async def test_suggestions_that_waited_too_long_are_dropped():
    """A burst beyond the rate ends as dropped suggestions, not as a queue."""
    source = Source(ManualClock(NIGHT))
    rule = WarmingRule(per_s=1.0, stale_s=3.0, quiet=0.0)
    warm = warmer(source, next_keys=learnt(), rule=rule)
    task = await running(warm)
    for key in "abcdefghi":
        warm.saw(key, "ann")
    await source.clock.advance(30)
    stats = warm.stats()
    assert stats.fetched + stats.dropped == 9
    assert 1 <= stats.fetched <= 4
    await stopped(task)


async def test_rounds_come_by_themselves_while_running():
    """From 9:24 to 9:31 there is one round before the opening and one after it."""
    start = datetime(2026, 1, 5, 9, 24, tzinfo=NY).astimezone(UTC)
    source = Source(ManualClock(start))
    warm = warmer(source, rule=WarmingRule(quiet=0.0))
    warm.saw("a")
    task = await running(warm)
    await source.clock.advance(timedelta(minutes=7).total_seconds())
    assert warm.stats().rounds == 2
    assert source.fetched == ["a"]
    await stopped(task)


@pytest.mark.parametrize("turns", range(12))
async def test_warming_can_be_cancelled_at_any_await_and_begun_again(turns):
    """A cancelled fetch is not counted, and a second run goes on."""
    clock = ManualClock(NIGHT)
    gate = asyncio.Event()
    source = Source(clock)

    async def fetch(key):
        await gate.wait()
        await source.fetch(key)

    warm = Warmer(fetch, source.held, rule=WarmingRule(quiet=1.0, every_s=15), clock=clock)
    warm.saw("a")
    task = asyncio.ensure_future(warm.run())
    for _ in range(turns):
        await asyncio.sleep(0)
    await stopped(task)
    assert warm.stats().fetched == 0
    gate.set()
    again = await running(warm)
    await clock.advance(31)
    assert source.fetched == ["a"]
    await stopped(again)


async def test_a_programming_error_ends_the_run_loudly():
    """Only failures of providers and stores are waited out."""

    async def broken(_key):
        raise KeyError("a bug")

    warm = Warmer(broken, lambda _key: False, rule=WarmingRule(quiet=1.0), clock=ManualClock(NIGHT))
    warm.saw("a")
    with pytest.raises(ExceptionGroup) as raised:
        await warm.run()
    assert raised.group_contains(KeyError)
