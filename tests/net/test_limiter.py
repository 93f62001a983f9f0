"""The limiter of one process: order, priorities, deadlines, pauses and cancellation."""

import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.clock import ManualClock
from ava.errors import DeadlineError
from ava.net.limiter import LocalLimiter
from ava.net.spec import Priority, Rate, Window

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock():
    return ManualClock()


class Caller:
    """A task that acquires once and notes when."""

    def __init__(self, limiter, clock, log, name, **wishes):
        self.clock, self.log, self.name = clock, log, name
        self.task = asyncio.create_task(self._run(limiter, wishes))

    async def _run(self, limiter, wishes):
        await limiter.acquire(**wishes)
        self.log.append((self.name, self.clock.monotonic()))


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_free_is_granted_without_waiting(clock):
    """A burst passes at once: no task is made and no sleep is asked for."""
    limiter = LocalLimiter("x", [Rate(1, burst=3)], clock=clock)
    before = asyncio.all_tasks()
    for _ in range(3):
        await limiter.acquire()
    assert clock.slept == []
    assert asyncio.all_tasks() == before


async def test_without_limits_nobody_waits(clock):
    """A provider without limits is asked at once."""
    limiter = LocalLimiter("x", [], clock=clock)
    for _ in range(100):
        await limiter.acquire()
    assert limiter.stats().granted == 100


async def test_callers_are_served_in_order_and_on_time(clock):
    """Each waits exactly until its slot, first come first served."""
    limiter, log = LocalLimiter("x", [Window(1, 2.0)], clock=clock), []
    callers = [Caller(limiter, clock, log, i) for i in range(4)]
    await clock.advance(10)
    assert log == [(0, 0.0), (1, 2.0), (2, 4.0), (3, 6.0)]
    assert all(caller.task.done() for caller in callers)


async def test_interactive_callers_overtake_background_ones(clock):
    """Who comes later but is waited for by a person goes first."""
    limiter, log = LocalLimiter("x", [Window(1)], clock=clock), []
    await limiter.acquire()
    for i in range(2):
        Caller(limiter, clock, log, f"background {i}", priority=Priority.BACKGROUND)
    await settle()
    for i in range(2):
        Caller(limiter, clock, log, f"interactive {i}")
    await clock.advance(10)
    assert [name for name, _ in log] == [
        "interactive 0", "interactive 1", "background 0", "background 1",
    ]  # fmt: skip


async def test_background_goes_on_under_saturation(clock):
    """While interactive callers never end, every tenth permit is a background caller's."""
    limiter, log = LocalLimiter("x", [Window(1)], clock=clock), []
    await limiter.acquire()
    for _ in range(40):
        Caller(limiter, clock, log, "i")
        Caller(limiter, clock, log, "b", priority=Priority.BACKGROUND)
    await clock.advance(40)
    assert [place for place, (name, _) in enumerate(log) if name == "b"] == [9, 19, 29, 39]


async def test_a_wait_known_to_be_too_long_is_refused_at_once(clock):
    """The error comes before any time passes, and the place in the line is nobody's."""
    limiter = LocalLimiter("x", [Window(1, 10.0)], clock=clock)
    await limiter.acquire()
    ahead = asyncio.create_task(limiter.acquire())
    await settle()
    with pytest.raises(DeadlineError, match="x may not be called before"):
        await limiter.acquire(deadline=19.9)
    on_time = asyncio.create_task(limiter.acquire(deadline=20.0))
    await clock.advance(20)
    await asyncio.gather(ahead, on_time)
    assert limiter.stats().refused == 1


async def test_a_deadline_that_was_gone_gets_nothing(clock):
    """Even a free permit is of no use to one whose deadline has passed."""
    limiter = LocalLimiter("x", [Window(1)], clock=clock)
    await clock.advance(5)
    with pytest.raises(DeadlineError):
        await limiter.acquire(deadline=4.0)
    assert limiter.stats().granted == 0


async def test_a_background_caller_overtaken_past_its_deadline_is_told(clock):
    """It was in time when it came; as soon as the next permit is too late for it, it fails."""
    limiter = LocalLimiter("x", [Window(1, 1.0)], clock=clock)
    await limiter.acquire()
    late = asyncio.create_task(limiter.acquire(priority=Priority.BACKGROUND, deadline=1.5))
    first = asyncio.create_task(limiter.acquire())
    second = asyncio.create_task(limiter.acquire())
    await clock.advance(1.0)
    assert late.done()
    with pytest.raises(DeadlineError):
        await late
    await clock.advance(1.0)
    await asyncio.gather(first, second)


async def test_a_pause_holds_those_who_wait_and_those_who_come(clock):
    """After "too fast" nobody is granted until the pause is over."""
    limiter, log = LocalLimiter("x", [Window(2)], clock=clock), []
    limiter.pause(5)
    assert limiter.stats().paused_s == 5
    Caller(limiter, clock, log, "a")
    await clock.advance(1)
    limiter.pause(8)
    Caller(limiter, clock, log, "b")
    await clock.advance(20)
    assert log == [("a", 9.0), ("b", 9.0)]


async def test_a_pause_between_the_turn_and_the_permit_counts(clock):
    """A caller whose turn has come but who has not run yet waits again, at the head."""
    limiter, log = LocalLimiter("x", [Window(1)], clock=clock), []
    await limiter.acquire()
    Caller(limiter, clock, log, "a")
    Caller(limiter, clock, log, "b")
    await settle()
    turn_given = limiter._line.call

    def call_and_pause():
        waiter = turn_given()
        if not limiter.stats().paused_s and clock.monotonic() < 2:
            limiter.pause(4)
        return waiter

    limiter._line.call = call_and_pause
    await clock.advance(10)
    assert log == [("a", 5.0), ("b", 6.0)]


@pytest.mark.parametrize("turns", range(12))
async def test_one_cancelled_at_any_point_takes_nothing(turns, clock):
    """Wherever the caller stands when it is cancelled, the next one is served on time."""
    limiter, log = LocalLimiter("x", [Window(1)], clock=clock), []
    await limiter.acquire()
    victim = Caller(limiter, clock, log, "victim")
    Caller(limiter, clock, log, "next")
    await settle()
    moving = asyncio.create_task(clock.advance(1.0))
    for _ in range(turns):
        await asyncio.sleep(0)
    victim.task.cancel()
    await moving
    served = [name for name, _ in log]
    await clock.advance(1.0)
    if served == ["victim"]:
        assert log == [("victim", 1.0), ("next", 2.0)]
    else:
        assert log == [("next", 1.0)]
    assert limiter.stats().granted == 1 + len(log)
    assert limiter.stats().waiting == 0


async def test_the_last_to_leave_ends_the_wait(clock):
    """When all who waited are cancelled no task stays behind, and the next caller is served."""
    limiter, log = LocalLimiter("x", [Window(1, 60)], clock=clock), []
    await limiter.acquire()
    before = asyncio.all_tasks()
    callers = [Caller(limiter, clock, log, i) for i in range(3)]
    await settle()
    for caller in callers:
        caller.task.cancel()
    await settle()
    assert asyncio.all_tasks() == before
    Caller(limiter, clock, log, "later")
    await clock.advance(60)
    assert log == [("later", 60.0)]


async def test_after_a_wait_what_is_free_is_granted_at_once_again(clock):
    """The first caller after the line has emptied does not stand in it."""
    limiter = LocalLimiter("x", [Rate(1, burst=3)], clock=clock)
    for _ in range(3):
        await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await clock.advance(1)
    await waiting
    await clock.advance(2)
    before = limiter.stats().delayed
    await limiter.acquire()
    await limiter.acquire()
    assert limiter.stats().delayed == before == 1


async def test_figures_tell_who_waited(clock):
    """Granted, delayed, and for how long."""
    limiter = LocalLimiter("x", [Window(1)], clock=clock)
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(3)]
    await settle()
    assert limiter.stats().waiting == 2
    await clock.advance(2)
    await asyncio.gather(*tasks)
    stats = limiter.stats()
    assert (stats.granted, stats.delayed, stats.waited_s, stats.waiting) == (3, 2, 3.0, 0)
    assert not stats.shared


async def call(limiter, clock, log, lasts_s):
    """Acquire, be on the way for a while, and note when it was granted."""
    await limiter.acquire()
    ended = limiter.begin()
    log.append(clock.monotonic())
    await clock.sleep(lasts_s)
    ended(clock.monotonic())


@pytest.mark.parametrize(
    ("lasts_s", "granted"), [(0.0, [0.0, 1.0, 2.0]), (0.25, [0.0, 1.25, 2.5]), (3.0, [0, 4, 8])]
)
async def test_the_next_goes_a_window_after_the_answer_and_no_later(clock, lasts_s, granted):
    """Whether the call takes less than a window or several."""
    limiter, log = LocalLimiter("x", [Window(1)], clock=clock), []
    calls = [asyncio.create_task(call(limiter, clock, log, lasts_s)) for _ in range(3)]
    await clock.advance(12)
    await asyncio.gather(*calls)
    assert log == granted


async def test_a_deadline_is_not_refused_while_a_call_may_end_in_time(clock):
    """It is refused once it is known that the answer came too late for it."""
    limiter, log = LocalLimiter("x", [Window(1)], clock=clock), []
    first = asyncio.create_task(call(limiter, clock, log, 0.5))
    await settle()
    late = asyncio.create_task(limiter.acquire(deadline=1.2))
    await clock.advance(0.9)
    assert not late.done()
    await clock.advance(0.2)
    with pytest.raises(DeadlineError):
        await late
    await first


@given(
    st.lists(st.sampled_from([Window(1, 1.0), Window(3, 1.0), Window(5, 4.0)]), min_size=1),
    st.lists(st.floats(0, 2), min_size=1, max_size=40),
    st.integers(0, 2**32),
)
def test_no_more_arrive_than_a_window_lets_pass(limits, steps, seed):
    """Calls travel as they will, callers are cancelled; no window sees an arrival too many."""
    arrived = asyncio.run(_traffic(limits, steps, random.Random(seed)))
    for limit in limits:
        for start in arrived:
            inside = sum(start <= t < start + limit.per_s - 1e-9 for t in arrived)
            assert inside <= limit.permits


async def _traffic(limits, steps, chance):
    clock, arrived = ManualClock(), []
    limiter, calls = LocalLimiter("x", limits, clock=clock), []

    async def make():
        await limiter.acquire()
        ended = limiter.begin()
        try:
            await clock.sleep(chance.choice([0.0, 0.1, 1.0, 5.0]) * chance.random())
            arrived.append(clock.monotonic())
            await clock.sleep(chance.choice([0.0, 0.1, 1.0, 5.0]) * chance.random())
        finally:
            ended(clock.monotonic())

    for step in steps:
        calls += [asyncio.create_task(make()) for _ in range(chance.randint(1, 4))]
        await clock.advance(step)
        if chance.random() < 0.3:
            chance.choice(calls).cancel()
    for _ in range(400):
        await clock.advance(5)
        await settle()
    assert all(task.done() for task in calls)
    return arrived


@given(
    st.lists(st.sampled_from([Rate(4, 1.0, 3.0), Window(3, 1.0), Window(5, 4.0)]), min_size=1),
    st.lists(st.floats(0, 2), min_size=1, max_size=40),
    st.integers(0, 2**32),
)
def test_no_window_is_exceeded_by_callers_who_come_and_go(limits, steps, seed):
    """Callers arrive, wait, are cancelled and have deadlines; permits used keep every bound."""
    granted = asyncio.run(_storm(limits, steps, random.Random(seed)))
    for limit in limits:
        bound = limit.permits + (limit.burst if isinstance(limit, Rate) else 0)
        for start in granted:
            assert sum(start <= t < start + limit.per_s - 1e-9 for t in granted) <= bound


async def _storm(limits, steps, chance):
    clock, log = ManualClock(), []
    limiter, callers = LocalLimiter("x", limits, clock=clock), []
    for step in steps:
        deadline = clock.monotonic() + chance.uniform(0, 3) if chance.random() < 0.3 else None
        wishes = {"priority": chance.choice(list(Priority)), "deadline": deadline}
        callers += [Caller(limiter, clock, log, "c", **wishes) for _ in range(chance.randint(1, 4))]
        await clock.advance(step)
        if chance.random() < 0.3:
            chance.choice(callers).task.cancel()
    for _ in range(40):  # the clock alone lets no more than a few turns of the line pass at a time
        await clock.advance(15)
        await settle()
    for caller in callers:
        assert caller.task.done()
        with suppress(DeadlineError, asyncio.CancelledError):
            await caller.task
    assert limiter.stats().granted == len(log)
    assert limiter.stats().waiting == 0
    return [moment for _, moment in log]
