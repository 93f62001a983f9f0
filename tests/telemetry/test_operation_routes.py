"""What the API shows of the cache and the providers."""

import pytest
from telemetry_asking import opened

from ava.cache.keep import Keep
from ava.providers import alpha_vantage, espn
from ava.section import Secret
from ava.services.provider_desk import known
from ava.settings import ProviderKeys, StateSettings

pytestmark = pytest.mark.anyio


async def fetch():
    """Return a value to be cached."""
    return 1


async def test_the_cache_statistics_begin_with_the_documented_figures(redis_url):
    """001.9 has six, in this order; ours come after."""
    async with opened(redis=redis_url) as (core, client):
        for key in ("a", "b", "a", "a"):
            await core.platform.cache.get_or_fetch(key, fetch, kind=int, keep=Keep(60))
        counted = core.platform.cache.stats().to_dict()
        shown = (await client.get("/api/cache/stats")).json()
    assert shown == counted
    assert list(shown)[:6] == ["connected", "backend", "hits", "misses", "hit_rate", "errors"]
    assert list(shown.values())[:6] == [True, "redis", 2, 2, 50.0, 0]


async def test_without_redis_the_backend_is_memory():
    """And no rate is known before the first look-up."""
    async with opened() as (_, client):
        shown = (await client.get("/api/cache/stats")).json()
    assert (shown["connected"], shown["backend"], shown["hit_rate"]) == (False, "memory", None)


async def test_every_provider_has_its_place():
    """Those that nobody asked, and those that are off, with the setting they lack."""
    async with opened() as (_, client):
        shown = (await client.get("/api/v1/providers")).json()["providers"]
    states = {one["provider"]: one["state"] for one in shown}
    assert list(states) == sorted(known())
    assert states["espn"] == "unused"
    assert states["finnhub"] == "off"
    assert {one["off"] for one in shown if one["provider"] == "finnhub"} == {
        "AVA_KEY_FINNHUB is not set"
    }


async def test_a_provider_that_is_used_shows_its_limits_and_its_spend(tmp_path):
    """Breaker, limiter, quota and the six counts of its client."""
    keys = ProviderKeys(alpha_vantage=Secret("a-key"))
    state = StateSettings(directory=tmp_path)
    async with opened(keys=keys, state=state) as (core, client):
        used = core.platform.gateway.client(alpha_vantage.SPEC)
        await used.gate.quota.take(2)
        shown = (await client.get("/api/v1/providers")).json()
    assert "problem" not in shown or shown["problem"] is None
    [one] = [one for one in shown["providers"] if one["provider"] == "alpha_vantage"]
    assert one["quota"]["limit"] == 25
    assert (one["quota"]["used"], one["quota"]["left"]) == (2, 23)
    assert one["breaker"]["state"] == "closed"
    assert one["limiter"]["waiting"] == 0
    assert list(one["calls"]) == [
        "requests",
        "successes",
        "failures",
        "retries",
        "cache_hits",
        "circuit_breaks",
    ]


async def test_a_ledger_that_cannot_be_read_hides_no_provider(tmp_path):
    """The quotas are missing and it is said why; the rest is shown, and is not kept."""
    keys = ProviderKeys(alpha_vantage=Secret("a-key"))
    state = StateSettings(directory=tmp_path)
    async with opened(keys=keys, state=state) as (core, client):
        core.platform.gateway.client(alpha_vantage.SPEC)
        core.platform.gateway.client(espn.SPEC)
        (tmp_path / "quotas.sqlite3").write_text("this is no database, but a text of some length")
        answer = await client.get("/api/v1/providers")
    shown = answer.json()
    assert shown["problem"]["title"] == "ledger"
    assert answer.headers["cache-control"] == "private, no-cache"
    [one] = [one for one in shown["providers"] if one["provider"] == "alpha_vantage"]
    assert one["quota"] is None
    assert one["breaker"]["state"] == "closed"


async def test_no_key_is_shown(tmp_path):
    """Neither of a provider nor of a caller."""
    keys = ProviderKeys(alpha_vantage=Secret("very-secret"))
    async with opened(keys=keys, state=StateSettings(directory=tmp_path)) as (core, client):
        core.platform.gateway.client(alpha_vantage.SPEC)
        texts = [
            (await client.get(path)).text
            for path in ("/api/v1/providers", "/metrics", "/api/cache/stats")
        ]
    assert "very-secret" not in "".join(texts)
    assert "desk-secret" not in "".join(texts)


async def test_the_document_describes_them():
    """With their real examples."""
    async with opened() as (_, client):
        paths = (await client.get("/openapi.json")).json()["paths"]
    for path in ("/api/cache/stats", "/api/v1/providers", "/api/v1/statements/slow", "/metrics"):
        [content] = paths[path]["get"]["responses"]["200"]["content"].values()
        assert content["example"]
        assert content["schema"]
