"""A quota of several machines: a real Redis for the sum, a ledger for each machine's part."""

import asyncio

import pytest
import redis

from ava.clock import ManualClock
from ava.errors import QuotaExhaustedError
from ava.net.quota import TOLD_S, Taking
from ava.net.shared_quota import SharedQuota
from ava.net.spec import Budget, Period, QuotaRule
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings

pytestmark = pytest.mark.anyio

RULE = QuotaRule(25, Period.DAY, "US/Eastern")


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def machine(redis_url, tmp_path, clock):
    """Return a maker of quotas by machine: those of one name share a ledger."""
    links = []

    def make(name, machines=2, at=redis_url):
        # Answers may come late: a Redis that is away is one that refuses, below.
        link = RedisLink.open(RedisSettings(url=Secret(at), timeout_s=60))
        links.append(link)
        return SharedQuota("x", RULE, link, tmp_path / name, machines=machines, clock=clock)

    yield make
    for link in links:
        await link.aclose()


@pytest.fixture
def forget(redis_url):
    """Return what makes Redis lose its memory."""

    def run():
        with redis.Redis.from_url(redis_url) as client:
            client.delete("ava:quota:x")

    return run


async def spend(quota, n):
    return [await quota.take() for _ in range(n)]


async def both(machine):
    """Return the quotas of two machines that know of each other."""
    a, b = machine("a"), machine("b")
    await a.left()
    await b.left()
    return a, b


async def test_two_machines_share_twenty_five(machine):
    """What one takes is gone for the other, and each knows it."""
    a, b = await both(machine)
    await spend(a, 10)
    await spend(b, 15)
    for quota in (a, b):
        with pytest.raises(QuotaExhaustedError) as caught:
            await quota.take()
        assert caught.value.resets_at is not None
        assert await quota.left() == 0
    assert a.stats().taken == 10


async def test_processes_of_one_machine_share_its_ledger(machine):
    """Many at once, over two machines of two processes: exactly 25 are granted."""
    await both(machine)
    quotas = [machine(name) for name in "aabb"]
    results = await asyncio.gather(
        *(quota.take() for quota in quotas for _ in range(15)), return_exceptions=True
    )
    assert sum(isinstance(result, Taking) for result in results) == 25


async def test_a_redis_that_forgot_waits_for_every_ledger(machine, forget):
    """Until both machines have reported nobody takes; then the sum is what it was."""
    a, b = await both(machine)
    await spend(a, 10)
    await spend(b, 12)
    forget()
    with pytest.raises(QuotaExhaustedError, match="not all 2 machines have reported") as caught:
        await a.take()
    assert caught.value.resets_at is None
    assert await a.left() is None
    await b.take()
    assert await a.left() == 2
    await spend(a, 2)
    with pytest.raises(QuotaExhaustedError):
        await b.take()


async def test_without_redis_nobody_takes(machine, lab):
    """The units of the others are not known; those of the refused call are not spent either."""
    proxy = lab.redis_proxy()
    await both(machine)
    quota = machine("a", at=lab.redis_url_via(proxy))
    await quota.take()
    proxy.cut(refuse=True)
    with pytest.raises(QuotaExhaustedError, match="Redis is away"):
        await quota.take()
    assert await quota.left() is None
    await quota.observe(Budget(remaining=3))
    assert await machine("a").left() == 24


async def test_a_unit_lost_between_ledger_and_redis_is_wasted_not_freed(machine, forget):
    """A process killed after writing its unit down leaves it spent, through a loss of memory."""
    quota = machine("a", machines=1)
    await spend(quota, 3)
    quota._write(1)  # all that a process killed at this point has done
    forget()
    assert await machine("a", machines=1).left() == 21
    await spend(quota, 21)
    with pytest.raises(QuotaExhaustedError):
        await quota.take()


async def test_a_new_day_begins_for_all(machine, clock):
    """The provider's midnight empties every machine's part; yesterday's takings are void."""
    a, b = await both(machine)
    old = (await spend(a, 20))[0]
    await spend(b, 5)
    await clock.advance(24 * 3600)
    assert await b.left() == 25
    await a.give_back(old)
    await spend(a, 25)
    with pytest.raises(QuotaExhaustedError):
        await b.take()


async def test_a_machine_whose_clock_is_behind_counts_in_the_day_of_the_others(
    machine, clock, tmp_path
):
    """It finds that a later day has begun, and takes from that one."""
    behind = machine("b")
    behind._clock = ManualClock()
    await clock.advance(24 * 3600)
    a = machine("a")
    await a.left()
    with pytest.raises(QuotaExhaustedError, match="reported"):
        await a.take()
    taking = await behind.take()
    assert taking.period == "2026-01-06"
    assert await a.left() == 24


async def test_units_come_back(machine):
    """A request that never left frees its unit for the other machine."""
    a, b = await both(machine)
    takings = await spend(a, 25)
    await a.give_back(takings[0])
    await b.take()
    with pytest.raises(QuotaExhaustedError):
        await a.take()


async def test_what_the_provider_tells_counts_for_all(machine, clock):
    """A worse figure stops the other machine too, until it is better or an hour old."""
    a, b = await both(machine)
    early = await a.take()
    await clock.advance(1)
    await a.observe(Budget(remaining=2))
    await b.observe(Budget(remaining=9), early)
    assert await b.left() == 2
    await spend(b, 2)
    with pytest.raises(QuotaExhaustedError):
        await a.take()
    await clock.advance(TOLD_S)
    late = await a.take()
    await a.observe(Budget(remaining=5), late)
    assert await b.left() == 5


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34])
async def test_a_cancelled_take_is_not_counted_for_long(machine, turns):
    """Wherever it is cancelled the ledger is right again, and all 25 can still be taken."""
    quota = machine("a", machines=1)
    task = asyncio.create_task(quota.take())
    for _ in range(turns):
        await asyncio.sleep(0.0005)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        await spend(quota, 25)
    else:
        await spend(quota, 24)
    with pytest.raises(QuotaExhaustedError):
        await quota.take()
