"""Redis away, silent, killed and back: callers never notice, and never read what is wrong."""

import asyncio
import socket
import subprocess
import time
from contextlib import AsyncExitStack, suppress

import pytest
import redis

from ava.cache.keep import Keep
from ava.cache.memory import MISSING
from ava.cache.subscription import BEAT_S, GRACE_S, LEASE_S, RETRY_S
from ava.cache.tiered import Cache
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings
from perf.lab.redis import find_redis

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

KEEP = Keep(60, jitter=0, tags=("t",))
BACK_S = RETRY_S + GRACE_S + 2 * BEAT_S  # from Redis's return to its use


@pytest.fixture
async def made():
    """Return what opens a cache on a URL; it is closed after the test."""
    async with AsyncExitStack() as stack:

        async def make(url):
            link = RedisLink.open(RedisSettings(url=Secret(url), timeout_s=0.5))
            stack.push_async_callback(link.aclose)
            return await stack.enter_async_context(Cache(link=link))

        yield make


@pytest.fixture
def proxy(lab):
    return lab.redis_proxy()


async def eventually(holds, within_s):
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what it looks at sets no event
            await asyncio.sleep(0.01)


def answer(value):
    async def fetch():
        return value

    return fetch


async def ask(cache, value, key="q:1"):
    return await cache.get_or_fetch(key, answer(value), kind=str, keep=KEEP)


async def lost(*caches):
    await eventually(lambda: not any(cache.stats().connected for cache in caches), LEASE_S + 20)


async def back(*caches):
    await eventually(lambda: all(cache.stats().connected for cache in caches), BACK_S + 20)


async def test_an_outage_is_no_error_and_redis_is_used_again(redis_url, lab, proxy, made):
    """Memory and fetches carry on; nothing from before the loss is served, and errors count."""
    cache = await made(lab.redis_url_via(proxy))
    await ask(cache, "before")
    proxy.cut(refuse=True)
    await lost(cache)
    assert await ask(cache, "away") == "away"
    assert await ask(cache, "not fetched") == "away"
    assert await cache.get_many(["q:1", "q:2"], str) == {"q:1": "away"}
    await cache.put("q:2", "put", KEEP)
    assert await cache.get("q:2", str) == "put"
    assert await cache.invalidate("q:1") is False
    assert await cache.get("q:1", str) is MISSING
    proxy.resume()
    await back(cache)
    assert cache.stats().outages == 1
    assert cache.stats().undelivered == 0
    await ask(cache, "after", "q:3")
    with redis.Redis.from_url(redis_url) as client:
        assert client.exists("{ava}:entry:q:3")


async def test_what_was_invalidated_during_an_outage_is_never_read(lab, made):
    """Both processes were cut off; the old values lay in Redis all the time."""
    proxies = lab.redis_proxy(), lab.redis_proxy()
    a, b = [await made(lab.redis_url_via(proxy)) for proxy in proxies]
    keys = ["key:1", "tag:1", "pattern:1", "put:1"]
    for key in keys:
        await a.put(key, "old", Keep(60, tags=(key,)))
    assert len(await b.get_many(keys, str)) == 4
    for proxy in proxies:
        proxy.cut(refuse=True)
    await lost(a, b)
    assert await a.invalidate("key:1") is False
    assert await a.invalidate_tags("tag:1") is False
    assert await a.invalidate_pattern("pattern:*") is False
    await a.put("put:1", "new", KEEP)
    seen = set()
    proxies[1].resume()  # the one that knows of nothing is back first
    await asyncio.sleep(GRACE_S / 4)
    proxies[0].resume()
    async with asyncio.timeout(BACK_S + 20):
        while not (a.stats().connected and b.stats().connected):
            for cache in (a, b):
                seen |= set((await cache.get_many(keys, str)).values())
            await asyncio.sleep(0.005)
    for cache in (a, b):
        seen |= set((await cache.get_many(keys, str)).values())
    assert "old" not in seen


async def test_a_silent_network_is_believed_for_no_longer_than_the_lease(
    redis_url, lab, proxy, made
):
    """Nothing is closed and nothing arrives: half open, the case that no error tells of."""
    a, b = await made(lab.redis_url_via(proxy)), await made(redis_url)
    assert await ask(a, "old") == await ask(b, "old") == "old"
    proxy.stall()
    assert await b.invalidate("q:1")
    invalidated = asyncio.get_running_loop().time()
    last_old = invalidated
    while (now := asyncio.get_running_loop().time()) < invalidated + LEASE_S + 0.5:
        if a._peek("q:1") == "old":
            last_old = now
        await asyncio.sleep(0.005)
    assert 0 < last_old - invalidated <= LEASE_S
    async with asyncio.timeout(1):
        assert await ask(a, "new") == "new"
    proxy.resume()
    await back(a)


async def test_a_silent_redis_stalls_only_the_calls_that_found_it_silent(
    redis_url, lab, proxy, made
):
    """After the first timeout, misses go around Redis at once."""
    cache = await made(lab.redis_url_via(proxy))
    proxy.stall()
    async with asyncio.timeout(1.0):  # one timeout of Redis, for all of them together
        await asyncio.gather(*(ask(cache, "x", f"first:{n}") for n in range(20)))
    assert not cache.stats().connected
    async with asyncio.timeout(0.45):  # less than one timeout
        for n in range(50):
            await ask(cache, "x", f"next:{n}")
    proxy.resume()


async def test_a_lost_subscription_alone_empties_memory(redis_url, made):
    """Messages may have been missed, though every command is still answered."""
    cache = await made(redis_url)
    await ask(cache, "kept")
    with redis.Redis.from_url(redis_url) as client:
        client.client_kill_filter(_type="pubsub")
    await lost(cache)
    assert cache._local.peek("q:1") is MISSING
    await back(cache)
    assert await cache.get("q:1", str) == "kept"


async def test_a_dead_leader_is_replaced_within_two_seconds(redis_url, made):
    """Its lock ends by itself, since nobody extends it."""
    cache = await made(redis_url)
    await cache._circle.shared.claim("q:1", "a process that died", ())
    async with asyncio.timeout(2):
        assert await ask(cache, "mine") == "mine"


async def test_opening_without_redis_waits_for_it_in_the_background(made):
    """A service starts; the cache is one of memory until Redis comes."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with asyncio.timeout(30):
        cache = await made(f"redis://127.0.0.1:{port}/0")
    assert await ask(cache, "x") == await ask(cache, "y") == "x"
    assert cache.stats().backend == "memory"


async def test_too_many_invalidations_for_an_outage_empty_redis(redis_url, lab, proxy, made):
    """What cannot be remembered one by one is remembered as everything."""
    a, b = await made(lab.redis_url_via(proxy)), await made(redis_url)
    await ask(b, "kept?")
    proxy.cut(refuse=True)
    await lost(a)
    for n in range(1100):
        await a.invalidate(f"other:{n}")
    assert a.stats().undelivered <= 1000
    proxy.resume()
    await back(a)
    assert await b.get("q:1", str) is MISSING


class Killable:
    """A Redis that keeps its data through kill and start, always on the same port."""

    def __init__(self, directory):
        self.directory = directory
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        program, _ = find_redis()
        options = {
            "port": self.port, "bind": "127.0.0.1", "dir": self.directory, "save": "",
            "appendonly": "yes", "appendfsync": "always",
        }  # fmt: skip
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url, retry=None) as client:
            for _ in range(6000):
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.01)  # a server that is starting, at most a minute
        raise AssertionError("redis did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def killable(tmp_path):
    server = Killable(tmp_path)
    yield server
    server.kill()


async def test_a_killed_redis_loses_no_call_and_brings_back_nothing_wrong(killable, made):
    """In mid-load: no caller sees an error, and after the restart none sees an old value."""
    a, b = await made(killable.url), await made(killable.url)
    truth, errors, wrong = {"version": 0}, [], []

    async def load(cache):
        while truth["version"] < 3:
            least = truth["version"]
            try:
                got = await cache.get_or_fetch(
                    "q:1", lambda: asyncio.sleep(0, truth["version"]), kind=int, keep=KEEP
                )
            except Exception as error:  # noqa: BLE001 - the point: there must be none
                errors.append(error)
            else:
                # While Redis is away the other process cannot know; afterwards it must.
                if got < least and (cache is a or truth.get("settled")):
                    wrong.append((got, least))
            await asyncio.sleep(0.001)

    async def write():
        truth["version"] += 1
        return await a.invalidate("q:1")

    workers = [asyncio.create_task(load(cache)) for cache in (a, b) for _ in range(5)]
    await asyncio.sleep(0.1)
    killable.kill()
    await lost(a, b)
    assert await write() is False
    await asyncio.sleep(0.1)
    truth["settled"] = False
    killable.start()
    await back(a, b)
    truth["settled"] = True
    await asyncio.sleep(0.2)
    truth["settled"] = False
    assert await write() is True
    truth["version"] = 3
    await asyncio.gather(*workers)
    assert errors == []
    assert wrong == []
