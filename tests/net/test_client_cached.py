"""The client through the cache: what is a hit, what is asked, and what is never in a key."""

import asyncio

import httpx
import pytest
import respx

from ava.cache.keep import Keep
from ava.cache.tiered import Cache
from ava.clock import ManualClock
from ava.errors import DeadlineError, OutageError
from ava.net.client import Client, Request
from ava.net.spec import ProviderSpec, RetryRule
from ava.section import Secret

pytestmark = pytest.mark.anyio

URL = "http://provider.test"
KEY = "very-secret-key"
ASKED = Request("/q", {"symbol": "AAA"})
KEEP = Keep(ttl_s=60, jitter=0)


def length(answer):
    """Return the size of the body."""
    return len(answer.body)


@pytest.fixture
def clock():
    """A clock that jumps over every wait."""
    return ManualClock(jump=True)


@pytest.fixture
def router():
    """The provider."""
    return respx.Router(base_url=URL)


@pytest.fixture
async def cache(clock):
    """A cache in memory."""
    async with Cache(clock=clock) as opened:
        yield opened


@pytest.fixture
def client(router, clock, cache):
    """A client with a cache and a key."""
    spec = ProviderSpec(
        "acme", URL, authorise=lambda key: ({"apikey": key.reveal()}, {}), retry=RetryRule(1)
    )
    http = httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler))
    return Client(spec, http, key=Secret(KEY), cache=cache, clock=clock)


async def test_a_second_call_is_a_hit(router, client, clock, cache):
    """Within its time the value is served from memory; after it the provider is asked again."""
    route = router.get("/q").mock(return_value=httpx.Response(200, text="abc"))
    for _ in range(3):
        assert await client.cached(ASKED, length, kind=int, keep=KEEP) == 3
    assert (route.call_count, client.stats().cache_hits, client.stats().requests) == (1, 2, 1)
    await clock.advance(61)
    assert await client.cached(ASKED, length, kind=int, keep=KEEP) == 3
    assert (route.call_count, client.stats().cache_hits) == (2, 2)


async def test_callers_who_wait_for_the_same_fetch_are_no_hits(router, client):
    """Of a hundred who miss together one asks, and the cache had nothing for any of them."""

    async def slow(_request):
        await asyncio.sleep(0.01)
        return httpx.Response(200, text="abc")

    route = router.get("/q").mock(side_effect=slow)
    calls = [client.cached(ASKED, length, kind=int, keep=KEEP) for _ in range(100)]
    assert await asyncio.gather(*calls) == [3] * 100
    assert (route.call_count, client.stats().cache_hits) == (1, 0)


async def test_the_key_of_the_cache_holds_no_key_of_the_provider(router, client, cache):
    """What is stored goes by provider, path and parameters."""
    router.get("/q").mock(return_value=httpx.Response(200, text="abc"))
    await client.cached(ASKED, length, kind=int, keep=KEEP)
    assert await cache.get("acme:/q?symbol=AAA", int) == 3


async def test_a_failure_is_served_by_what_is_stale(router, client, clock):
    """The failed request is counted as one, and its caller as no hit."""
    router.get("/q").mock(side_effect=[httpx.Response(200, text="abc"), httpx.Response(500)])
    keep = Keep(ttl_s=10, stale_s=100, jitter=0)
    assert await client.cached(ASKED, length, kind=int, keep=keep) == 3
    await clock.advance(11)
    assert await client.cached(ASKED, length, kind=int, keep=keep) == 3
    stats = client.stats()
    assert (stats.requests, stats.failures, stats.cache_hits) == (2, 1, 0)


async def test_without_a_cache_it_is_fetched(router, clock):
    """The same call works for a client that keeps nothing."""
    route = router.get("/q").mock(return_value=httpx.Response(200, text="abc"))
    http = httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler))
    client = Client(ProviderSpec("acme", URL), http, clock=clock)
    for _ in range(2):
        assert await client.cached(ASKED, length, kind=int, keep=KEEP) == 3
    assert route.call_count == 2


async def test_the_deadline_holds_through_the_cache(router, client):
    """Whoever joined a fetch that outlasts its own deadline is told so."""

    async def never(_request):
        await asyncio.Event().wait()

    router.get("/q").mock(side_effect=never)
    first = asyncio.ensure_future(client.cached(ASKED, length, kind=int, keep=KEEP, deadline_s=600))
    await asyncio.sleep(0.01)
    with pytest.raises(DeadlineError):
        await client.cached(ASKED, length, kind=int, keep=KEEP, deadline_s=0.02)
    assert not first.done()
    first.cancel()
    await asyncio.wait([first])


async def test_a_failure_is_not_kept(router, client):
    """The next caller asks again."""
    router.get("/q").mock(side_effect=[httpx.Response(500), httpx.Response(200, text="abc")])
    with pytest.raises(OutageError):
        await client.cached(ASKED, length, kind=int, keep=KEEP)
    assert await client.cached(ASKED, length, kind=int, keep=KEEP) == 3
