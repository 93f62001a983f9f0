"""The client's parts alone: retry budget, Retry-After, places, counts and deadlines."""

import asyncio
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.clock import ManualClock
from ava.net.deadline import left_s, within
from ava.net.gate import Gate
from ava.net.ledger import LedgerQuota
from ava.net.retry import RetryBudget, asked_wait_s, backoff_s
from ava.net.slots import Slots
from ava.net.spec import Budget, Period, Priority, QuotaRule, RetryRule
from ava.net.stats import Recent

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@given(st.lists(st.booleans(), max_size=300), st.floats(0, 1), st.integers(0, 20))
def test_retries_stay_within_budget_and_reserve(events, share, reserve):
    """However requests and retries mix, retries are at most share x requests + reserve."""
    budget = RetryBudget(RetryRule(budget=share, reserve=reserve))
    requests = retries = 0
    for is_request in events:
        if is_request:
            budget.earn()
            requests += 1
        else:
            retries += budget.spend()
        assert retries <= share * requests + reserve + 1e-6
        assert budget.left >= 0


def test_a_good_spell_does_not_pay_for_a_storm():
    """What is saved is bounded by the reserve, however many requests went well."""
    budget = RetryBudget(RetryRule(budget=0.1, reserve=3))
    for _ in range(10_000):
        budget.earn()
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


def test_a_budget_without_reserve_still_earns():
    """Ten requests at a tenth make one retry."""
    budget = RetryBudget(RetryRule(budget=1.0, reserve=0))
    assert not budget.spend()
    budget.earn()
    assert budget.spend()


@given(st.integers(1, 10_000), st.integers(0, 2**32))
def test_waits_lie_between_nothing_and_the_cap(failures, seed):
    """No number of failures overflows the bound."""
    rule = RetryRule(base_s=0.5, cap_s=30)
    bound = min(30, 0.5 * 2 ** min(failures - 1, 60))
    assert 0 <= backoff_s(rule, failures, random.Random(seed)) <= bound


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("9" * 400, 999999999),
        ("Mon, 05 Jan 2026 14:31:00 GMT", 60),
        ("Mon, 05 Jan 2026 14:31:00 -0000", 60),
        ("Mon, 05 Jan 2026 14:00:00 GMT", 0),
        ("", None),
        ("1.5", None),
        ("-3", None),
        ("soon", None),
        ("٣", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_read(text, wait):
    """Seconds and HTTP dates; anything else asks for nothing."""
    assert asked_wait_s({"retry-after": text}, NOW) == wait


@given(st.text(max_size=40))
def test_no_retry_after_breaks_the_reader(text):
    """Whatever a provider sends, the wait is a number of seconds or None."""
    wait = asked_wait_s({"retry-after": text}, NOW)
    assert wait is None or wait >= 0


def test_latency_quantiles_are_those_of_the_last_exchanges():
    """Only the last 256 count, and a share of nothing is unknown."""
    recent = Recent()
    assert recent.error_share() is None
    for n in range(1000):
        recent.add(float(n), sound=n % 2 == 0)
    assert recent.latency_s() == 744 + 128
    assert recent.latency_s(0.99) == 744 + 253
    assert recent.latency_s(1.0) == 999
    assert recent.error_share() == 0.5


@pytest.mark.anyio
async def test_interactive_callers_go_first():
    """Places are given in order of arrival within a priority, interactive callers before others."""
    slots, order = Slots(1), []
    await slots.acquire(Priority.INTERACTIVE)

    async def call(name, priority):
        await slots.acquire(priority)
        order.append(name)
        slots.release(priority)

    tasks = [
        asyncio.ensure_future(call(name, priority))
        for name, priority in [
            ("b1", Priority.BACKGROUND),
            ("i1", Priority.INTERACTIVE),
            ("b2", Priority.BACKGROUND),
            ("i2", Priority.INTERACTIVE),
        ]
    ]
    await asyncio.sleep(0)
    assert slots.waiting == 4
    slots.release(Priority.INTERACTIVE)
    await asyncio.gather(*tasks)
    assert order == ["i1", "i2", "b1", "b2"]


@pytest.mark.anyio
async def test_background_calls_leave_room():
    """Of eight places six may be held by background calls, so that a person's call enters."""
    slots = Slots(8)
    tasks = [asyncio.ensure_future(slots.acquire(Priority.BACKGROUND)) for _ in range(20)]
    await asyncio.sleep(0)
    assert sum(task.done() for task in tasks) == 6
    await asyncio.wait_for(slots.acquire(Priority.INTERACTIVE), 30)
    for task in tasks:
        task.cancel()


@pytest.mark.anyio
async def test_cancelled_waiters_lose_no_place():
    """Cancelled before, while and after it is granted, a place is there for the next."""
    for moment in ("before", "granted", "after"):
        slots = Slots(1)
        await slots.acquire(Priority.INTERACTIVE)
        waiter = asyncio.ensure_future(slots.acquire(Priority.BACKGROUND))
        await asyncio.sleep(0)
        if moment == "before":
            waiter.cancel()
            slots.release(Priority.INTERACTIVE)
        elif moment == "granted":
            slots.release(Priority.INTERACTIVE)
            waiter.cancel()
        else:
            waiter.cancel()
            await asyncio.wait([waiter])
            slots.release(Priority.INTERACTIVE)
        await asyncio.wait([waiter])
        await asyncio.wait_for(slots.acquire(Priority.BACKGROUND), 30)
        assert slots.waiting == 0


def test_there_is_always_a_place():
    """A limit of none would wait for ever, and is refused."""
    with pytest.raises(ValueError, match="at least one"):
        Slots(0)


@pytest.mark.anyio
async def test_an_inner_deadline_can_only_be_earlier():
    """The time left is that of the tightest block around."""
    clock = ManualClock()
    assert left_s(clock) == float("inf")
    with within(10, clock):
        await clock.advance(4)
        with within(60, clock):
            assert left_s(clock) == 6
        with within(1, clock):
            assert left_s(clock) == 1
        assert left_s(clock) == 6


@pytest.mark.anyio
async def test_what_a_call_did_not_cost_comes_back(tmp_path):
    """Five units are set aside, the provider charges two: eight of ten are left, not five."""
    clock = ManualClock()
    quota = LedgerQuota("acme", QuotaRule(10, Period.MONTH), tmp_path / "ledger", clock=clock)
    gate = Gate("acme", 1, breaker=None, quota=quota, limiter=None, clock=clock)
    async with gate.admit(5, Priority.INTERACTIVE, deadline=60) as passage:
        passage.sent = True
        await passage.observe(Budget(remaining=8, used=2, cost=2))
    assert await quota.left() == 8
