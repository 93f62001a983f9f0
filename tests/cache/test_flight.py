"""Single flight: one fetch for all who ask, whoever leaves and however it ends."""

import asyncio
import gc
import traceback

import pytest

from ava.cache.flight import Flights

pytestmark = pytest.mark.anyio


class Source:
    """Something slow to fetch from."""

    def __init__(self, error=None):
        self.error = error
        self.ready = asyncio.Event()
        self.calls = self.cancelled = 0

    async def fetch(self):
        self.calls += 1
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        return self.calls


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def callers(flights, source, n=5):
    return [asyncio.create_task(flights.join("k", source.fetch)) for _ in range(n)]


async def test_concurrent_callers_share_one_fetch():
    """A thousand callers, one call, one result."""
    flights, source = Flights(), Source()
    tasks = callers(flights, source, 1000)
    await settle()
    assert len(flights) == 1
    assert "k" in flights
    source.ready.set()
    assert await asyncio.gather(*tasks) == [1] * 1000
    assert len(flights) == 0


async def test_keys_fly_apart():
    """Another key is another fetch."""
    flights, source = Flights(), Source()
    source.ready.set()
    assert await flights.join("a", source.fetch) == 1
    assert await flights.join("b", source.fetch) == 2


async def test_nothing_is_kept_after_landing():
    """A caller who comes after the end starts a fetch of its own."""
    flights, source = Flights(), Source()
    source.ready.set()
    assert [await flights.join("k", source.fetch) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("who", [0, 2, 4])
async def test_a_cancelled_caller_harms_nobody(who):
    """First, middle or last: the others get the one result."""
    flights, source = Flights(), Source()
    tasks = callers(flights, source)
    await settle()
    tasks[who].cancel()
    await settle()
    assert tasks[who].cancelled()
    source.ready.set()
    left = [task for task in tasks if task is not tasks[who]]
    assert await asyncio.gather(*left) == [1] * 4
    assert source.cancelled == 0


async def test_a_fetch_without_callers_is_cancelled():
    """When the last caller leaves, the fetch ends, and the next caller starts anew at once."""
    flights, source = Flights(), Source()
    tasks = callers(flights, source)
    await settle()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(flights) == 0
    fresh = asyncio.create_task(flights.join("k", source.fetch))
    await settle()
    assert source.cancelled == 1
    source.ready.set()
    assert await fresh == 2


async def test_nobody_joins_a_fetch_that_is_being_cancelled():
    """While it cleans up after its last caller, the next caller's fetch is already another."""
    flights, cleaned, calls = Flights(), asyncio.Event(), []

    async def fetch():
        calls.append(1)
        if len(calls) == 1:
            try:
                await asyncio.Event().wait()
            finally:
                await cleaned.wait()
        return len(calls)

    first = asyncio.create_task(flights.join("k", fetch))
    await settle()
    first.cancel()
    await settle()
    assert await flights.join("k", fetch) == 2
    cleaned.set()
    await settle()
    assert len(flights._running) == 0


async def test_a_caller_cancelled_as_the_fetch_lands_harms_nobody():
    """Cancellation in the very turn of the result loses to nothing and leaves nothing behind."""
    flights, source = Flights(), Source()
    tasks = callers(flights, source, 2)
    await settle()
    source.ready.set()
    await asyncio.sleep(0)
    tasks[0].cancel()
    assert await tasks[1] == 1
    await settle()
    assert (len(flights), source.cancelled) == (0, 0)


async def test_a_failure_is_everybodys_once():
    """One call, the same exception for all, and a later caller tries again."""
    flights, source = Flights(), Source(ConnectionError("down"))
    tasks = callers(flights, source)
    await settle()
    source.ready.set()
    seen = await asyncio.gather(*tasks, return_exceptions=True)
    assert [each is source.error for each in seen] == [True] * 5
    assert source.calls == 1
    with pytest.raises(ConnectionError):
        await flights.join("k", source.fetch)
    assert source.calls == 2


async def test_a_shared_failures_traceback_does_not_grow():
    """It is as long after a thousand callers as after one."""

    async def depth(n):
        flights, source = Flights(), Source(ConnectionError("down"))
        tasks = callers(flights, source, n)
        await settle()
        source.ready.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(traceback.extract_tb(source.error.__traceback__))

    assert await depth(1000) <= await depth(1)


async def test_an_abandoned_failure_is_not_complained_of():
    """A fetch that fails while it is being cancelled leaves no 'never retrieved' behind."""
    heard = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))

    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionError("broke while stopping") from None

    flights = Flights()
    task = asyncio.create_task(flights.join("k", stubborn))
    await settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await settle()
    del task  # its traceback would keep the fetch's task alive
    gc.collect()
    assert heard == []


async def test_a_forgotten_fetch_still_serves_who_waits():
    """Who came before gets the old result, who comes after a fetch of its own."""
    flights, old, new = Flights(), Source(), Source()
    waiting = callers(flights, old)
    await settle()
    flights.forget("k")
    new.ready.set()
    new.calls = 10
    assert await flights.join("k", new.fetch) == 11
    old.ready.set()
    assert await asyncio.gather(*waiting) == [1] * 5


async def test_a_fetch_knows_whether_it_is_still_wanted():
    """`is_current` is true inside the fetch until its key is forgotten, and never outside."""
    flights = Flights()

    async def fetch():
        before = flights.is_current("k")
        flights.forget("k")
        return before, flights.is_current("k")

    assert await flights.join("k", fetch) == (True, False)
    assert not flights.is_current("k")


async def test_a_fetch_may_fail_before_it_waits():
    """A callable that raises instead of returning an awaitable is a failing fetch."""
    flights = Flights()

    def broken():
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await flights.join("k", broken)
    assert len(flights) == 0
