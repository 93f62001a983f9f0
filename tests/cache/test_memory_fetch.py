"""Look-ups that fetch: what is held afterwards, and what wins over a fetch under way."""

import asyncio

import pytest

from ava.cache.memory import MISSING, MemoryCache
from ava.clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def cache(clock):
    return MemoryCache(clock=clock)


async def test_a_fetched_value_is_held(cache, clock):
    """The second caller hits; after the time to live it is fetched again."""
    calls = []

    async def fetch():
        calls.append(1)
        return len(calls)

    assert [await cache.get_or_fetch("k", fetch, 10) for _ in range(3)] == [1, 1, 1]
    await clock.advance(10)
    assert await cache.get_or_fetch("k", fetch, 10) == 2
    stats = cache.stats()
    assert (stats.hits, stats.misses) == (2, 2)


async def test_a_failure_is_not_held(cache):
    """It is raised, and the next caller fetches."""

    async def fail():
        raise LookupError("no")

    async def succeed():
        return 1

    with pytest.raises(LookupError):
        await cache.get_or_fetch("k", fail)
    assert len(cache) == 0
    assert await cache.get_or_fetch("k", succeed) == 1


async def fetching(cache, result="fetched"):
    """Return a task in the middle of a fetch, and the event that ends it."""
    ready = asyncio.Event()

    async def fetch():
        await ready.wait()
        return result

    task = asyncio.create_task(cache.get_or_fetch("k", fetch))
    for _ in range(3):
        await asyncio.sleep(0)
    return task, ready


async def test_a_fetch_outlives_the_caller_who_started_it(cache):
    """The follower gets the value and it is held."""
    leader, ready = await fetching(cache)
    follower = asyncio.create_task(cache.get_or_fetch("k", None))
    await asyncio.sleep(0)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    ready.set()
    assert await follower == "fetched"
    assert cache.peek("k") == "fetched"


async def test_a_fetch_all_have_left_holds_nothing(cache):
    """It is cancelled, as if nobody had asked."""
    task, ready = await fetching(cache)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    ready.set()
    await asyncio.sleep(0)
    assert len(cache) == 0


@pytest.mark.parametrize("change", ["put", "discard", "clear"])
async def test_a_fetch_does_not_undo_what_came_after_it_began(cache, change):
    """Its caller gets its result; the cache keeps what was done meanwhile."""
    task, ready = await fetching(cache)
    if change == "put":
        cache.put("k", "newer")
    elif change == "discard":
        cache.discard("k")
    else:
        cache.clear()
    ready.set()
    assert await task == "fetched"
    assert cache.peek("k") == ("newer" if change == "put" else MISSING)
