"""The whole cache, two of them on one real Redis: what a service sees."""

import asyncio
import random
from contextlib import AsyncExitStack

import msgspec
import pytest

from ava.cache.codec import encode
from ava.cache.keep import Keep
from ava.cache.memory import MISSING, MemoryCache
from ava.cache.parcel import MAX_VALUE_BYTES
from ava.cache.tiered import Cache
from ava.clock import ManualClock
from ava.errors import NotFoundError, OutageError
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

KEEP = Keep(60, jitter=0)


class Source:
    """Something to fetch from: it counts, and waits or fails as told."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = 0
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self):
        self.calls += 1
        number = self.calls
        self.begun.set()
        await self.gate.wait()
        answer = self.answers[min(number, len(self.answers)) - 1] if self.answers else number
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
async def made(redis_url):
    """Return what opens a cache; each has a link of its own, as a process would."""
    async with AsyncExitStack() as stack:

        async def make(**options):
            link = RedisLink.open(RedisSettings(url=Secret(redis_url), timeout_s=60))
            stack.push_async_callback(link.aclose)
            return await stack.enter_async_context(Cache(link=link, **options))

        yield make


@pytest.fixture
async def two(made):
    return await made(), await made()


async def eventually(holds, within_s=30.0):
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what it looks at sets no event
            await asyncio.sleep(0.005)


async def ask(cache, source, key="q:1", keep=KEEP, kind=int):
    return await cache.get_or_fetch(key, source, kind=kind, keep=keep)


def failing():
    return OutageError("down", provider="test")


def absent():
    return NotFoundError("no such symbol", provider="test", status=404)


@pytest.mark.parametrize("value", [None, 0, [], {}, "", False], ids=repr)
async def test_a_falsy_value_is_a_value(two, value):
    """It is fetched once, and found in memory and in Redis."""
    a, b = two
    source = Source(value)
    kind = type(value) if value is not None else int | None
    for cache in (a, a, b):
        assert await ask(cache, source, kind=kind) == value
        assert await cache.get("q:1", kind) == value
    assert source.calls == 1


async def test_without_redis_there_is_memory():
    """The same calls work with no link at all."""
    cache, source = Cache(), Source()
    assert await ask(cache, source) == await ask(cache, source) == 1
    assert await cache.get_many(["q:1", "q:2"], int) == {"q:1": 1}
    assert await cache.invalidate_pattern("q:*")
    assert await cache.get("q:1", int) is MISSING
    assert cache.stats().backend == "memory"


async def test_processes_fetch_once(two):
    """A hundred callers of two processes share one fetch, and are woken rather than polling."""
    a, b = two
    source = Source()
    source.gate.clear()
    asked = [asyncio.create_task(ask(cache, source)) for cache in (a, b) for _ in range(50)]
    await eventually(lambda: b.stats().waits + a.stats().waits > 0)
    source.gate.set()
    assert set(await asyncio.gather(*asked)) == {1}
    assert source.calls == 1


async def test_a_waiter_is_woken(two):
    """It has the value long before it would look again by itself."""
    a, b = two
    took = []
    for number in range(5):
        source, key = Source(), f"q:{number}"
        source.gate.clear()
        first = asyncio.create_task(ask(a, source, key))
        await source.begun.wait()
        second = asyncio.create_task(ask(b, source, key))
        await eventually(lambda number=number: b.stats().waits == number + 1)
        source.gate.set()
        started = asyncio.get_running_loop().time()
        assert await second == await first == 1
        took.append(asyncio.get_running_loop().time() - started)
        assert b.stats().waits == number + 1
    assert min(took) < 0.15  # who is not woken needs longer every time


async def test_a_failing_fetch_lets_the_other_process_try(two):
    """The error goes to the callers of the process that fetched; the lock is free at once."""
    a, b = two
    source = Source(failing(), 2)
    source.gate.clear()
    mine = [asyncio.create_task(ask(a, source)) for _ in range(10)]
    await source.begun.wait()
    theirs = asyncio.create_task(ask(b, source))
    await eventually(lambda: b.stats().waits == 1)
    source.gate.set()
    results = await asyncio.gather(*mine, return_exceptions=True)
    assert all(isinstance(result, OutageError) for result in results)
    assert await theirs == 2
    assert source.calls == 2


async def test_a_cancelled_leader_frees_the_lock(two):
    """When nobody of its process waits any more, another may fetch at once."""
    a, b = two
    stuck, source = Source(), Source()
    stuck.gate.clear()
    task = asyncio.create_task(ask(a, stuck))
    await stuck.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(0.5):  # half of the lock's time
        assert await ask(b, source) == 1


@pytest.mark.parametrize("turns", range(12))
async def test_a_caller_cancelled_anywhere_leaves_no_trace(made, turns):
    """Whichever await is cut off, the next caller gets the value in time."""
    cache, source = await made(), Source()
    task = asyncio.create_task(ask(cache, source))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(0.5):
        assert await ask(cache, source) >= 1
    await eventually(lambda: len(cache._wakes) == len(cache._flying) == 0)


@pytest.mark.parametrize("way", ["invalidate", "invalidate_tags", "invalidate_pattern"])
async def test_an_invalidation_reaches_the_other_process(two, way):
    """Memory and Redis forget in both."""
    a, b = two
    source, keep = Source(), Keep(60, tags=("stocks",))
    name = {"invalidate": "q:1", "invalidate_tags": "stocks", "invalidate_pattern": "q:*"}[way]
    assert await ask(a, source, keep=keep) == await ask(b, source, keep=keep) == 1
    assert await getattr(a, way)(name)
    await eventually(lambda: b._local.peek("q:1") is MISSING)
    assert await ask(b, source, keep=keep) == await ask(a, source, keep=keep) == 2


@pytest.mark.parametrize("way", ["invalidate", "invalidate_tags", "invalidate_pattern", "put"])
@pytest.mark.parametrize("other", [False, True], ids=["same process", "other process"])
async def test_an_invalidation_wins_over_the_fetch_under_way(two, way, other):
    """Who asks afterwards gets a newer fetch, and the old one is stored nowhere."""
    a, b = two
    writer = b if other else a
    source, keep = Source("old", "new"), Keep(60, tags=("stocks",))
    source.gate.clear()
    early = asyncio.create_task(ask(a, source, keep=keep, kind=str))
    await source.begun.wait()
    if way == "put":
        await writer.put("q:1", "new", keep)
    else:
        names = {"invalidate": "q:1", "invalidate_tags": "stocks", "invalidate_pattern": "q:*"}
        assert await getattr(writer, way)(names[way])
    source.gate.set()
    async with asyncio.timeout(0.7):  # nobody waits for the old lock to end
        assert await ask(writer, source, keep=keep, kind=str) == "new"
        assert await early == "old"
        await eventually(lambda: a._local.peek("q:1") != "old")
        for cache in two:
            assert await ask(cache, source, keep=keep, kind=str) == "new"
            assert await cache.get("q:1", str) == "new"


@pytest.mark.parametrize("way", ["invalidate", "invalidate_tags", "invalidate_pattern", "put"])
async def test_without_redis_an_invalidation_wins_as_well(way):
    """The fetch under way answers its callers and is not kept."""
    cache, source, keep = Cache(), Source("old", "new"), Keep(60, tags=("stocks",))
    source.gate.clear()
    early = asyncio.create_task(ask(cache, source, keep=keep, kind=str))
    await source.begun.wait()
    names = {"invalidate": "q:1", "invalidate_tags": "stocks", "invalidate_pattern": "q:*"}
    await (cache.put("q:1", "new", keep) if way == "put" else getattr(cache, way)(names[way]))
    source.gate.set()
    assert await early == "old"
    assert await ask(cache, source, keep=keep, kind=str) == "new"


class HeldLink(RedisLink):
    """A link whose next call waits until it is let go."""

    gate: asyncio.Event | None = None

    async def ask(self, call):
        gate, self.gate = self.gate, None
        if gate is not None:
            await gate.wait()
        return await super().ask(call)


async def test_a_read_during_an_invalidation_does_not_bring_the_old_value_back(redis_url, made):
    """Redis still had it when it was read; once `invalidate` returns, memory has it no more."""
    opener = RedisLink.open(RedisSettings(url=Secret(redis_url), timeout_s=60))
    link = HeldLink(opener.client, timeout_s=5)
    async with Cache(link=link) as a:
        await (await made()).put("k", "old", KEEP)
        link.gate = gate = asyncio.Event()
        telling = asyncio.create_task(a.invalidate("k"))
        await asyncio.sleep(0.01)
        assert await a.get("k", str) == "old"
        gate.set()
        assert await telling
        assert await a.get("k", str) is MISSING
    await link.aclose()


async def test_a_put_is_seen_by_the_other_process(two):
    """Its memory forgets the older value, and the writer's keeps the newer."""
    a, b = two
    await a.put("k", 1, KEEP)
    assert await b.get("k", int) == 1
    await b.put("k", 2, KEEP)
    await eventually(lambda: a._local.peek("k") is MISSING)
    assert await a.get("k", int) == 2
    assert b._local.peek("k") == 2


async def test_many_are_read_in_one_round_trip(two):
    """What memory lacks is asked for in one MGET."""
    a, b = two
    await a.put_many({f"k:{n}": n for n in range(1200)}, KEEP)
    await b.put("k:0", 0, KEEP)
    client = b._circle._link.client
    await client.config_resetstat()
    found = await b.get_many((f"k:{n}" for n in range(1300)), int)
    assert found == {f"k:{n}": n for n in range(1200)}
    assert (await client.info("commandstats"))["cmdstat_mget"]["calls"] == 1
    assert (b.stats().l1_hits, b.stats().l2_hits, b.stats().misses) == (1, 1199, 100)


async def test_a_stale_value_is_served_when_fetching_fails():
    """As long as the rule allows, and then the error is the caller's."""
    clock = ManualClock()
    cache, source, keep = Cache(clock=clock), Source(1, failing()), Keep(10, stale_s=5, jitter=0)
    assert await ask(cache, source, keep=keep) == 1
    await clock.advance(14.9)
    assert await ask(cache, source, keep=keep) == 1
    assert await cache.get("q:1", int) is MISSING
    await clock.advance(0.2)
    with pytest.raises(OutageError):
        await ask(cache, source, keep=keep)
    assert (cache.stats().stale_served, cache.stats().fetch_errors) == (1, 2)


async def test_a_stale_value_of_another_process_is_served(two):
    """Redis keeps values as long as they may be served."""
    a, b = two
    keep = Keep(0.05, stale_s=30, jitter=0)
    assert await ask(a, Source(1), keep=keep) == 1
    await asyncio.sleep(0.06)
    assert await ask(b, Source(failing()), keep=keep) == 1
    assert await ask(b, Source(2), keep=keep) == 2


async def test_a_stale_value_that_was_invalidated_is_not_served(two):
    """An error is better than what is known to be wrong."""
    a, b = two
    keep, source = Keep(0.05, stale_s=30, jitter=0), Source(failing())
    await ask(a, Source(1), keep=keep)
    await ask(b, Source(1), keep=keep)
    await asyncio.sleep(0.06)
    source.gate.clear()
    asked = asyncio.create_task(ask(b, source, keep=keep))
    await source.begun.wait()
    await b.invalidate("q:1")
    source.gate.set()
    with pytest.raises(OutageError):
        await asked
    with pytest.raises(OutageError):
        await ask(a, source, keep=keep)


async def test_nothing_stale_is_served_in_place_of_an_answer():
    """ "There is no such thing" is an answer, and so is a cancellation."""
    clock = ManualClock()
    cache, keep = Cache(clock=clock), Keep(10, stale_s=50, jitter=0)
    source = Source(1, absent(), asyncio.CancelledError())
    await ask(cache, source, keep=keep)
    await clock.advance(11)
    with pytest.raises(NotFoundError):
        await ask(cache, source, keep=keep)
    with pytest.raises(asyncio.CancelledError):
        await ask(cache, source, keep=keep)


async def test_absence_is_kept_for_its_own_time(two):
    """Callers of all processes get the error again without a fetch."""
    a, b = two
    source, keep = Source(absent(), 2), Keep(60, negative_s=1.0, jitter=0)
    for cache in (a, a, b):
        with pytest.raises(NotFoundError, match="no such symbol") as caught:
            await ask(cache, source, keep=keep)
        assert (caught.value.provider, caught.value.status) == ("test", 404)
        assert await cache.get("q:1", int) is MISSING
    assert source.calls == 1
    await asyncio.sleep(1.05)
    assert await ask(b, source, keep=keep) == 2


async def test_absence_is_asked_again_without_a_rule():
    """By default nothing negative is kept."""
    cache, source = Cache(), Source(absent(), 2)
    with pytest.raises(NotFoundError):
        await ask(cache, source)
    assert await ask(cache, source) == 2


async def test_a_hit_near_the_end_refreshes_in_the_background():
    """One fetch for any number of hits, and nobody waits for it."""
    clock = ManualClock()
    cache, source, keep = Cache(clock=clock), Source(), Keep(10, refresh_at=0.8, jitter=0)
    await ask(cache, source, keep=keep)
    await clock.advance(7.9)
    await ask(cache, source, keep=keep)
    assert source.calls == 1
    await clock.advance(0.2)
    source.gate.clear()
    assert {await ask(cache, source, keep=keep) for _ in range(20)} == {1}
    await eventually(lambda: source.calls == 2)
    source.gate.set()
    await eventually(lambda: cache._local.peek("q:1") == 2)
    assert source.calls == 2
    assert cache.stats().refreshes == 1


async def test_processes_refresh_once(two):
    """The second process takes what the first one's refresh brought."""
    a, b = two
    source, keep = Source(), Keep(60.0, refresh_at=0.005, jitter=0)
    await ask(a, source, keep=keep)
    await ask(b, source, keep=keep)
    await asyncio.sleep(0.35)
    assert await ask(a, source, keep=keep) == await ask(b, source, keep=keep) == 1
    await eventually(lambda: a._local.peek("q:1") == b._local.peek("q:1") == 2)
    assert source.calls == 2


async def test_a_failing_refresh_rests():
    """Hits do not turn into fetches while the provider fails."""
    clock = ManualClock()
    cache, keep = Cache(clock=clock), Keep(10, refresh_at=0.5, jitter=0)
    source = Source(1, failing(), failing(), 4)
    await ask(cache, source, keep=keep)
    await clock.advance(6)
    for wanted in (2, 3):
        for _ in range(5):
            assert await ask(cache, source, keep=keep) == 1
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await eventually(lambda wanted=wanted: source.calls == wanted)
        await clock.advance(1.1)
    assert await ask(cache, source, keep=keep) == 1
    await eventually(lambda: cache._local.peek("q:1") == 4)
    assert cache.stats().stale_served == 0


async def test_what_is_stored_together_expires_apart():
    """Each value draws its own time to live, never a longer one than the rule's."""
    clock = ManualClock()
    cache = Cache(clock=clock, rng=random.Random(1))
    await cache.put_many({str(n): n for n in range(100)}, Keep(100, jitter=0.5))
    left = []
    for _ in range(11):
        left.append(len(await cache.get_many([str(n) for n in range(100)], int)))
        await clock.advance(10)
    assert left[:5] == [100] * 5
    assert left[10] == 0
    assert len(set(left[5:])) == 6


class Old(msgspec.Struct):
    price: int


async def test_an_entry_of_another_type_is_fetched_again(two):
    """A process of another version neither crashes nor reads it, and both go on."""
    a, b = two
    await ask(a, Source(Old(1)), kind=Old)
    assert await b.get("q:1", int) is MISSING
    assert await ask(b, Source(5)) == 5
    assert b.stats().undecodable == 2
    assert await b.get("q:1", int) == 5


async def test_garbage_in_redis_is_fetched_again(made, redis_url):
    """Even where its stamp looks fresh."""
    cache = await made()
    stamped = b"A1" + b"9" * 13
    await cache._circle._link.client.set("{ava}:entry:q:1", stamped + encode(1))
    assert await cache.get("q:1", int) is MISSING
    assert await ask(cache, Source(7)) == 7


@pytest.mark.parametrize("value", ["x" * (MAX_VALUE_BYTES + 1), object()], ids=["large", "object"])
async def test_what_cannot_be_shared_is_kept_here(two, value):
    """It is no error; it just stays in one process."""
    a, b = two
    source = Source(value)
    kind = type(value)
    assert await ask(a, source, kind=kind) is await ask(a, source, kind=kind) is value
    assert await b.get("q:1", kind) is MISSING
    assert a.stats().unshared == 1
    async with asyncio.timeout(0.5):
        assert await ask(b, source, kind=kind) is value


async def test_putting_what_cannot_be_shared_removes_what_is_there(two):
    """Nobody goes on reading the older value."""
    a, b = two
    await a.put("k", 1, KEEP)
    await b.put("k", object(), KEEP)
    await eventually(lambda: a._local.peek("k") is MISSING)
    assert await a.get("k", int) is MISSING


async def test_statistics_are_as_documented(two):
    """The documented six, and the rate in per cent with one decimal."""
    a, b = two
    assert a.stats().hit_rate is None
    source = Source()
    for cache in (a, a, b):
        await ask(cache, source)
    assert a.stats().to_dict().items() >= {
        "connected": True, "backend": "redis", "hits": 1, "misses": 1, "hit_rate": 50.0,
        "errors": 0, "l1_hits": 1, "l2_hits": 0, "fetches": 1, "items": 1,
    }.items()  # fmt: skip
    assert (b.stats().l2_hits, b.stats().misses, b.stats().hit_rate) == (1, 0, 100.0)


async def test_memory_stays_bounded(made):
    """However many keys pass through, this process holds no more than its memory may."""
    cache = await made(memory=MemoryCache(max_items=50))
    for n in range(300):
        await ask(cache, Source(n), key=f"q:{n}", keep=Keep(60, tags=(f"t{n}",)))
    assert cache.stats().items == 50
    assert len(cache._flying) == len(cache._wakes) == 0


async def test_closing_ends_everything(redis_url):
    """No task is left, and memory still answers."""
    before = asyncio.all_tasks()
    link = RedisLink.open(RedisSettings(url=Secret(redis_url), timeout_s=60))
    async with Cache(link=link) as cache:
        await ask(cache, Source())
    assert asyncio.all_tasks() == before
    assert await ask(cache, Source(5)) == 5
    assert await cache.invalidate("q:1") is True
    await link.aclose()
