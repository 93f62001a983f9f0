"""Who watches a cache hears of every invalidation, once the tiers have let go."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from ava.cache.invalidation import EVERYTHING
from ava.cache.keep import Keep
from ava.cache.memory import MISSING
from ava.cache.tiered import Cache
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

KEEP = Keep(60, tags=("sports",))


@asynccontextmanager
async def opened(url):
    link = RedisLink.open(RedisSettings(url=Secret(url), timeout_s=60))
    async with Cache(link=link) as cache:
        yield cache
    await link.aclose()


@pytest.fixture
async def pair(redis_url):
    """Two caches on one Redis."""
    async with opened(redis_url) as one, opened(redis_url) as other:
        yield one, other


def heard_by(cache):
    """Return the list of tags that a listener hears."""
    heard = []
    cache.watch(lambda what: heard.extend(what.tags))
    return heard


async def until(holds):
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - a listener sets no event
            await asyncio.sleep(0.001)


async def test_without_redis_news_comes_at_once():
    """There is nobody to wait for."""
    cache = Cache()
    heard = heard_by(cache)
    await cache.invalidate_tags("sports")
    assert heard == ["sports"]


async def test_both_processes_hear_once(pair):
    """The one that invalidated hears it from Redis like the other."""
    mine, theirs = heard_by(pair[0]), heard_by(pair[1])
    await pair[0].invalidate_tags("sports")
    await pair[0].invalidate_tags("end")
    await until(lambda: mine[-1:] == theirs[-1:] == ["end"])
    assert mine == theirs == ["sports", "end"]


@pytest.mark.parametrize("by", [0, 1])
async def test_who_asks_because_of_news_finds_the_new(pair, by):
    """Neither memory nor Redis still has what the news is about."""
    cache, other = pair
    await other.put("games", 1, KEEP)
    found = []

    def listen(what):
        if what.tags:
            found.append(asyncio.ensure_future(cache.get("games", int)))

    cache.watch(listen)
    assert await cache.get("games", int) == 1
    await pair[by].invalidate_tags("sports")
    await until(lambda: found)
    assert await asyncio.gather(*found) == [MISSING]


async def test_a_listener_that_fails_keeps_nothing_from_the_others(caplog):
    """Its error is in the log, and the invalidation holds."""
    cache = Cache()
    cache.watch(lambda what: 1 / len(what.keys))
    heard = heard_by(cache)
    await cache.put("games", 1, KEEP)
    await cache.invalidate_tags("sports")
    assert heard == ["sports"]
    assert await cache.get("games", int) is MISSING
    assert "ZeroDivisionError" in caplog.text


async def test_who_stops_watching_hears_no_more():
    """And may stop twice."""
    cache, heard = Cache(), []
    stop = cache.watch(heard.append)
    stop()
    stop()
    await cache.invalidate_tags("sports")
    assert heard == []


async def test_after_an_outage_anything_may_have_changed(lab, redis_url):
    """A listener is told so when the connection is back."""
    proxy = lab.redis_proxy()
    async with opened(lab.redis_url_via(proxy)) as cache:
        heard = []
        cache.watch(heard.append)
        proxy.cut()
        await until(lambda: EVERYTHING in heard)


async def test_what_is_held_goes_with_its_tags():
    """It is dropped by a tag, fenced by one that came first, and counted in no figure."""
    cache = Cache()
    since = cache.mark()
    assert cache.hold("response", b"a", ("sports",), 60, since=since)
    assert cache.held("response") == b"a"
    await cache.invalidate_tags("sports")
    assert cache.held("response") is MISSING
    assert not cache.hold("response", b"a", ("sports",), 60, since=since)
    assert cache.hold("response", b"b", ("sports",), 60, since=cache.mark())
    cache.release("response")
    assert cache.held("response") is MISSING
    assert (cache.stats().hits, cache.stats().misses) == (0, 0)


async def test_what_is_held_is_distrusted_with_the_connection(lab, redis_url):
    """Others may have invalidated it while nothing could be heard."""
    proxy = lab.redis_proxy()
    async with opened(lab.redis_url_via(proxy)) as cache:
        cache.hold("response", b"a", (), 60, since=cache.mark())
        proxy.cut()
        await until(lambda: cache.held("response") is MISSING)
