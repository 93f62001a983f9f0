"""How the platform says it is doing, with and without its parts."""

import asyncio
import time

import pytest
from api_asking import asking, opened
from msgspec import json

from ava.api.app import create_app
from ava.background.queue import Connector
from ava.cache.keep import Keep
from ava.clock import ManualClock
from ava.core import Core
from ava.db.query import named
from ava.section import Secret
from ava.services.health import Health, HealthReport
from ava.settings import DatabaseSettings, RedisSettings, Settings, StateSettings
from ava.telemetry.telemetry import Telemetry

pytestmark = pytest.mark.anyio

DOCUMENTED = {
    "uptime_seconds", "avg_signal_generation_time", "cache_hit_rate", "skip_rate",
    "total_cache_hits", "total_cache_misses", "total_skipped_symbols", "total_symbols_processed",
    "avg_api_latency", "data_source_latencies",
}  # fmt: skip


KEEP = Keep(7200, jitter=0.0)


async def fetch():
    """Return a value."""
    return 1


def settings(dsn, folder, *, redis=None, pool_max=2):
    """Return settings with a database."""
    return Settings(
        database=DatabaseSettings(url=Secret(dsn), pool_min=1, pool_max=pool_max),
        redis=RedisSettings(url=None if redis is None else Secret(redis), timeout_s=60),
        state=StateSettings(directory=folder),
    )


async def asked(core):
    """Return the status and the report."""
    async with asking(create_app(core)) as client:
        answer = await client.get("/api/v1/health")
    return answer.status_code, json.decode(answer.content, type=HealthReport)


async def test_the_performance_block_is_003_s(core):
    """All its names and no other; what nobody knows yet is null."""
    async with asking(create_app(core)) as client:
        block = (await client.get("/api/v1/health")).json()["services"]["performance"]
    assert set(block) == DOCUMENTED
    unknown = DOCUMENTED - {
        "uptime_seconds", "total_cache_hits", "total_cache_misses", "data_source_latencies"
    }  # fmt: skip
    assert {name: block[name] for name in unknown} == dict.fromkeys(unknown)


async def test_the_figures_are_those_of_the_parts():
    """Uptime by the clock, hits of the cache, signals of the recorder."""
    clock = ManualClock()
    async with opened(clock=clock) as core:
        core.service(Health)
        core.service(Telemetry).signals.record(0.25, symbols=10, skipped=4)
        cache = core.platform.cache
        for _ in range(4):
            await cache.get_or_fetch("a", fetch, kind=int, keep=KEEP)
        await clock.advance(3600)
        _, report = await asked(core)
    block = report.services.performance
    assert (block.uptime_seconds, block.avg_signal_generation_time, block.skip_rate) == (
        3600,
        0.25,
        40,
    )
    assert (block.total_cache_hits, block.total_cache_misses, block.cache_hit_rate) == (3, 1, 75.0)
    assert (block.total_skipped_symbols, block.total_symbols_processed) == (4, 10)


async def test_without_postgresql_it_says_what_is_missing(core):
    """Degraded, with the name of the setting; Redis's absence is told as what it is."""
    status, report = await asked(core)
    assert (status, report.status) == (200, "degraded")
    assert any("AVA_DATABASE_URL" in said for said in report.lacking)
    assert (report.services.redis.status, report.services.redis.backend) == ("absent", "memory")
    assert "AVA_REDIS_URL" in report.services.redis.detail


async def test_with_everything_it_is_healthy(platform_dsn, redis_url, tmp_path):
    """A worker's sign of life included."""
    async with Core.open(settings(platform_dsn, tmp_path, redis=redis_url)) as core:
        _, without = await asked(core)
        await Connector(core.database, core.clock).execute_query_async(
            "SELECT procrastinate_register_worker_v1()"
        )
        status, report = await asked(core)
    assert (without.status, without.services.worker.status) == ("degraded", "absent")
    assert (status, report.status, report.lacking) == (200, "healthy", [])
    assert report.services.worker.alive == 1
    assert report.services.database.latency_s > 0
    assert report.services.redis.backend == "redis"


async def test_a_machine_without_redis_is_healthy(platform_dsn, tmp_path):
    """It lacks nothing that it was given."""
    async with Core.open(settings(platform_dsn, tmp_path)) as core:
        await core.database.execute(named("worker_heartbeats"), {"silent_s": 1.0})
        await Connector(core.database, core.clock).execute_query_async(
            "SELECT procrastinate_register_worker_v1()"
        )
        _, report = await asked(core)
    assert report.status == "healthy"


async def test_a_database_that_hangs_is_told_in_time(lab, platform_dsn, tmp_path):
    """503 and unhealthy, whatever the driver waits for; however many ask, it is asked once."""
    proxy = lab.proxy()
    dsn = lab.dsn_via(proxy, platform_dsn.rsplit("dbname=", 1)[-1].split()[0])
    async with Core.open(settings(dsn, tmp_path)) as core:
        core.service(Health).patience_s = 0.2
        proxy.stall()
        began = time.monotonic()
        status, report = await asked(core)
        again = await asyncio.gather(*(asked(core) for _ in range(5)))
        taken_s = time.monotonic() - began
        assert core.database.stats().in_use == 1
        proxy.resume()
    assert (status, report.status, report.services.database.status) == (503, "unhealthy", "down")
    assert {code for code, _ in again} == {503}
    assert taken_s < 8  # the driver's own patience is ten seconds and more


async def test_who_asks_while_another_is_answered_hears_its_own_answer(platform_dsn, tmp_path):
    """A question begun by the next one, as mine ends, does not make mine unanswered."""
    async with Core.open(settings(platform_dsn, tmp_path, pool_max=4)) as core:
        health = core.service(Health)
        health.patience_s = 60

        async def often():
            return [(await health.report()).services.database.status for _ in range(20)]

        found = await asyncio.gather(*(often() for _ in range(20)))
    assert {status for statuses in found for status in statuses} == {"ok"}


@pytest.mark.real_time
async def test_a_pool_with_no_connection_to_spare_is_busy(platform_dsn, tmp_path):
    """It works and is told to be busy: a process under load is not to be taken out."""
    async with Core.open(settings(platform_dsn, tmp_path, pool_max=1)) as core:
        core.service(Health).patience_s = 0.2

        async def work():
            async with core.database.connection() as conn:
                while True:
                    await conn.execute("SELECT 1")

        working = asyncio.create_task(work())
        await asyncio.sleep(0)
        status, report = await asked(core)
        working.cancel()
    assert (status, report.status, report.services.database.status) == (200, "degraded", "busy")


async def test_a_pool_that_is_lent_out_to_the_silent_is_down(platform_dsn, tmp_path):
    """A server that hangs has all connections in use soon, and still answers nobody."""
    async with Core.open(settings(platform_dsn, tmp_path, pool_max=1)) as core:
        core.service(Health).patience_s = 0.1
        async with core.database.connection():
            status, report = await asked(core)
    assert (status, report.services.database.status) == (503, "down")


async def test_redis_that_is_away_degrades(lab, redis_url, tmp_path):
    """The caches go on in memory, and that is said."""
    proxy = lab.redis_proxy()
    async with opened(redis=lab.redis_url_via(proxy)) as core:
        proxy.cut(refuse=True)
        async with asyncio.timeout(30):
            # Nothing tells when the loss is noticed.
            while (await asked(core))[1].services.redis.status != "down":  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_liveness_asks_nobody(core):
    """It is answered by the loop alone."""
    async with asking(create_app(core)) as client:
        answer = await client.get("/api/v1/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_health_is_never_kept(core):
    """Two questions are answered anew."""
    async with asking(create_app(core)) as client:
        first = await client.get("/api/v1/health")
        await core.platform.cache.get_or_fetch("between", fetch, kind=int, keep=KEEP)
        second = await client.get("/api/v1/health")
    assert first.headers["cache-control"] == "private, no-cache"
    misses = [a.json()["services"]["performance"]["total_cache_misses"] for a in (first, second)]
    assert misses[1] == misses[0] + 1
