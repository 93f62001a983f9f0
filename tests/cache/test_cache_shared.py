"""Entries, locks and indexes on a real Redis."""

import asyncio
import uuid
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.cache.invalidation import Invalidation, matcher
from ava.cache.lock import BEAT_S, Wakes, held, wait
from ava.cache.shared import LOCK_MS, Found, Leading, Parcel, SharedStore, Waiting
from ava.clock import ManualClock, SystemClock
from ava.errors import SharedStoreDownError
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings
from perf.lab.guard import Guard
from perf.lab.redis import RedisServer, find_redis

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]


@asynccontextmanager
async def opened(url, clock=None):
    link = RedisLink.open(RedisSettings(url=Secret(url), timeout_s=60))
    try:
        yield SharedStore(link, "test", clock or SystemClock()), link.client
    finally:
        await link.aclose()


@pytest.fixture
async def store(redis_url):
    async with opened(redis_url) as (store, _):
        yield store


@pytest.fixture
async def client(redis_url):
    async with opened(redis_url) as (_, client):
        yield client


def parcel(key="k", payload=b"v", ttl_s=60.0):
    return Parcel(key, ttl_s, payload)


async def put(store, *keys, tags=(), ttl_s=60.0, stale_s=0.0):
    await store.put([parcel(key, ttl_s=ttl_s) for key in keys], stale_s, tags, "me")


async def present(store, *keys):
    return {key for key in keys if await store.get(key) is not None}


async def test_an_entry_says_how_long_it_is_fresh(store, client):
    """The stamp is Redis's own time, and the entry itself lives on while it may be stale."""
    await store.synchronise()
    await put(store, "k", ttl_s=60, stale_s=30)
    entry = await store.get("k")
    assert (entry.payload, entry.absent) == (b"v", False)
    assert 59 < entry.left_s <= 60.01
    assert 89_000 < await client.pttl("{test}:entry:k") <= 90_000


async def test_freshness_follows_this_process_s_clock(redis_url):
    """The offset is learnt once; the time between is this process's."""
    clock = ManualClock()
    async with opened(redis_url, clock) as (store, _):
        await store.synchronise()
        await put(store, "k", ttl_s=60)
        await clock.advance(50)
        assert 9 < (await store.get("k")).left_s < 11


async def test_many_entries_come_in_order(store):
    """What is not there is None in its place."""
    await put(store, "a", "b")
    entries = await store.get_many(["b", "x", "a"])
    assert [entry and entry.payload for entry in entries] == [b"v", None, b"v"]


@pytest.mark.parametrize(
    "raw", [b"", b"A1", b"A1x", b"B1" + b"9" * 13, b"A1" + b"9" * 13, b"A1" + b"9" * 13 + b"\xc1"]
)
async def test_foreign_entries_are_no_entries(store, client, raw):
    """Garbage is read as nothing, and a claim past it leads."""
    await client.set("{test}:entry:k", raw)
    assert await store.get("k") is None
    assert isinstance(await store.claim("k", "t", ()), Leading)


async def test_one_claim_leads_and_others_wait(store):
    """Until the leader has finished; then its value is found."""
    assert await store.claim("k", "one", ()) == Leading("one", None)
    waiting = await store.claim("k", "two", ())
    assert isinstance(waiting, Waiting)
    assert 0 < waiting.lock_s <= LOCK_MS / 1000
    assert await store.finish(parcel(), "one", 0, ())
    found = await store.claim("k", "two", ())
    assert isinstance(found, Found)
    assert found.entry.payload == b"v"


async def test_a_claim_can_ask_for_more_freshness(store):
    """An entry about to expire is replaced, and handed to the leader as the older one."""
    await put(store, "k", ttl_s=10, stale_s=5)
    assert isinstance(await store.claim("k", "one", (), 5.0), Found)
    leading = await store.claim("k", "one", (), 20.0)
    assert leading.older.payload == b"v"


async def test_only_the_holder_extends_finishes_and_releases(store):
    """A token that is not the lock's changes nothing."""
    await store.claim("k", "one", ())
    assert not await store.extend("k", "two", ())
    assert not await store.finish(parcel(), "two", 0, ())
    await store.release("k", "two")
    assert isinstance(await store.claim("k", "two", ()), Waiting)
    assert await store.extend("k", "one", ())
    await store.release("k", "one")
    assert isinstance(await store.claim("k", "two", ()), Leading)


@pytest.mark.parametrize(
    "what",
    [
        Invalidation(keys=("quote:AAPL",)),
        Invalidation(tags=("stocks",)),
        Invalidation(patterns=("quote:*",)),
        Invalidation(patterns=("*AAPL",)),
    ],
    ids=["key", "tag", "prefix", "suffix"],
)
async def test_an_invalidation_takes_the_lock_of_a_fetch_under_way(store, what):
    """What was fetched before it cannot be stored after it, and a new fetch may begin at once."""
    await store.claim("quote:AAPL", "old", ("stocks",))
    await store.invalidate(what)
    assert isinstance(await store.claim("quote:AAPL", "new", ("stocks",)), Leading)
    assert not await store.finish(parcel("quote:AAPL", b"old"), "old", 0, ("stocks",))
    assert await store.finish(parcel("quote:AAPL", b"new"), "new", 0, ("stocks",))
    assert (await store.get("quote:AAPL")).payload == b"new"


async def test_a_put_wins_over_a_fetch_under_way(store):
    """The value that was written is newer than the one that was on its way."""
    await store.claim("k", "old", ())
    await put(store, "k")
    assert not await store.finish(parcel("k", b"old"), "old", 0, ())
    assert (await store.get("k")).payload == b"v"


async def test_tags_and_patterns_drop_what_they_name_and_nothing_else(store):
    """Each key stands in the indexes of its tags and of its group."""
    await put(store, "a:1", "b:1", tags=("x", "y"))
    await put(store, "a:2", "plain", tags=("y",))
    every = ("a:1", "a:2", "b:1", "plain")
    await store.invalidate(Invalidation(tags=("x",)))
    assert await present(store, *every) == {"a:2", "plain"}
    await put(store, "a:1", "b:1", tags=("x",))
    await store.invalidate(Invalidation(patterns=("a:*",)))
    assert await present(store, *every) == {"b:1", "plain"}
    await store.invalidate(Invalidation(patterns=("*:1",)))
    assert await present(store, *every) == {"plain"}
    await store.invalidate(Invalidation(patterns=("*",)))
    assert await present(store, *every) == set()


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
patterns = st.text("ab:.%-*[", max_size=5)


@given(st.lists(st.text("ab:.%-*[", max_size=5) | names, min_size=1, max_size=6), patterns)
def test_patterns_mean_the_same_here_and_in_redis(redis_server, keys, pattern):
    """The two matchers agree on every key, so no process keeps what another dropped."""

    async def left():
        link = RedisLink.open(RedisSettings(url=Secret(redis_server.url), timeout_s=60))
        store = SharedStore(link, uuid.uuid4().hex, SystemClock())
        await put(store, *keys, ttl_s=60)
        await store.invalidate(Invalidation(patterns=(pattern,)))
        found = await present(store, *keys)
        await link.aclose()
        return found

    assert asyncio.run(left()) == {key for key in keys if not matcher(pattern)(key)}


async def test_nothing_outlives_its_entries(store, client):
    """Indexes expire after all they list, and expired members leave at the next store."""
    await put(store, "a:1", ttl_s=0.02, tags=("t",))
    await put(store, "a:2", ttl_s=60, tags=("t",))
    await asyncio.sleep(0.05)
    await put(store, "a:3", ttl_s=1, tags=("t",))
    assert set(await client.zrange("{test}:index:tag:t", 0, -1)) == {b"a:2", b"a:3"}
    assert 60_000 < await client.pttl("{test}:index:tag:t") <= 61_000
    persistent = [name async for name in client.scan_iter() if await client.pttl(name) == -1]
    assert persistent == [b"{test}:groups"]


async def test_a_server_that_forgot_the_scripts_gets_them_again(store, client):
    """SCRIPT FLUSH, or a new server, costs one more round trip."""
    await put(store, "k")
    await client.script_flush()
    assert isinstance(await store.claim("k", "t", ()), Found)


async def test_namespaces_do_not_meet(redis_url):
    """The same key of another namespace is another entry."""
    async with opened(redis_url) as (store, client):
        link = RedisLink(client)
        other = SharedStore(link, "other", SystemClock())
        await put(store, "k")
        await other.invalidate(Invalidation(patterns=("*",)))
        assert await store.get("k") is not None
        assert await other.get("k") is None
        await link.aclose()


async def test_a_full_server_can_still_invalidate():
    """Where nothing more can be stored, what is wrong must still go."""
    with Guard() as guard, RedisServer.start(guard, *find_redis()) as server:
        async with opened(server.url) as (store, client):
            await put(store, "k", tags=("t",))
            await client.config_set("maxmemory", 1)
            with pytest.raises(SharedStoreDownError):
                await put(store, "j")
            await store.invalidate(Invalidation(tags=("t",)))
            assert await store.get("k") is None


@pytest.mark.parametrize(
    ("policy", "maxmemory", "evicts"),
    [("noeviction", "1mb", False), ("allkeys-lru", "0", False), ("volatile-lru", "200mb", True)],
)
async def test_a_server_that_evicts_is_known(policy, maxmemory, evicts):
    """Indexes that are evicted would leave wrong values behind."""
    with Guard() as guard, RedisServer.start(guard, *find_redis()) as server:
        async with opened(server.url) as (store, client):
            await client.config_set("maxmemory-policy", policy)
            await client.config_set("maxmemory", maxmemory)
            assert await store.evicts() is evicts


async def test_a_heartbeat_keeps_the_lock_of_a_slow_fetch(redis_url):
    """The lock outlives its own time for as long as the block runs, and no longer."""
    async with opened(redis_url) as (store, client):
        await store.claim("k", "one", ())
        async with held(store, "k", "one", (), SystemClock()):
            await asyncio.sleep(LOCK_MS / 1000 + BEAT_S)
            assert await client.get("{test}:lock:k") == b"one"
        await client.pexpire("{test}:lock:k", 10)
        await asyncio.sleep(BEAT_S + 0.1)
        assert await client.get("{test}:lock:k") is None


async def test_a_heartbeat_hides_no_cancellation(store):
    """A cancelled block ends as cancelled, and its heartbeat with it."""
    before = asyncio.all_tasks()

    async def block():
        async with held(store, "k", "one", (), SystemClock()):
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before


async def test_a_wake_up_before_the_wait_is_not_lost():
    """Expecting comes first, so the message may come between the answer and the wait."""
    wakes = Wakes()
    woken = wakes.expect("k")
    wakes.wake("k")
    started = asyncio.get_running_loop().time()
    await wait(woken, 10)
    assert asyncio.get_running_loop().time() - started < 0.1
    assert len(wakes) == 0


async def test_a_lost_wake_up_costs_a_quarter_of_a_second():
    """Who is not woken looks again by itself."""
    started = asyncio.get_running_loop().time()
    await wait(Wakes().expect("k"), 10)
    assert 0.2 < asyncio.get_running_loop().time() - started < 1
