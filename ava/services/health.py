"""How the platform is doing: 003's performance block, and the parts that it stands on.

Healthy is everything that is configured and works. Degraded is what answers with something missing:
no PostgreSQL configured, a Redis that is configured and away, a provider that is down, no worker.
Unhealthy is a PostgreSQL that is configured and does not answer: then most of the API cannot. A
machine without Redis is healthy, and is told what it goes without.

What is not known is None and never 0. The answer takes at most `PATIENCE_S`, whatever hangs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from statistics import fmean
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from ava.db.query import named
from ava.errors import AvaError
from ava.settings import DatabaseSettings, RedisSettings
from ava.telemetry.alerts import Spike
from ava.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from ava.core import Core

PATIENCE_S: Final = 1.5
SILENT_S: Final = 30.0  # a worker that lives tells so every ten

Status = Literal["healthy", "degraded", "unhealthy"]


class Performance(Struct, frozen=True, kw_only=True):
    """The block of 003; times in seconds, rates in per cent, counts since this process started.

    Signals are counted where they are generated: elsewhere their figures are unknown.
    `avg_api_latency` is the mean over the providers that were asked.
    """

    uptime_seconds: float
    avg_signal_generation_time: float | None
    cache_hit_rate: float | None
    skip_rate: float | None
    total_cache_hits: int
    total_cache_misses: int
    total_skipped_symbols: int | None
    total_symbols_processed: int | None
    avg_api_latency: float | None
    data_source_latencies: dict[str, float | None]


class DatabaseHealth(Struct, frozen=True, kw_only=True):
    """PostgreSQL; `busy` is one that answers, and has not come to this question yet."""

    status: Literal["ok", "busy", "down", "absent"]
    detail: str | None = None
    latency_s: float | None = None
    connections: int | None = None
    saturation: float | None = None


class RedisHealth(Struct, frozen=True, kw_only=True):
    """Redis; `backend` is what the cache works with now."""

    status: Literal["ok", "down", "absent"]
    backend: str
    detail: str | None = None


class WorkerHealth(Struct, frozen=True, kw_only=True):
    """The background work's processes, by their signs of life in the database."""

    status: Literal["ok", "absent", "unknown"]
    alive: int | None = None
    last_heartbeat: datetime | None = None
    detail: str | None = None


class Services(Struct, frozen=True, kw_only=True):
    """The parts; `providers` are those asked so far, by their state."""

    performance: Performance
    database: DatabaseHealth
    redis: RedisHealth
    providers: dict[str, str]
    worker: WorkerHealth


class HealthReport(Struct, frozen=True, kw_only=True):
    """The whole: `lacking` says in sentences what is missing or failing, `spikes` what is slow."""

    status: Status
    lacking: list[str]
    services: Services
    spikes: list[Spike]


class Health:
    """Asks the parts of a core how they are."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._started_s = core.clock.monotonic()
        self.patience_s = PATIENCE_S
        self._asking: asyncio.Task[tuple[DatabaseHealth, WorkerHealth]] | None = None

    async def report(self) -> HealthReport:
        """Return how everything is now."""
        database, worker = await self._stored()
        services = Services(
            performance=self._performance(),
            database=database,
            redis=self._redis(),
            providers=self._providers(),
            worker=worker,
        )
        return HealthReport(
            status=status_of(services),
            lacking=lacking(services),
            services=services,
            spikes=self._core.service(Telemetry).spikes.active(),
        )

    def _performance(self) -> Performance:
        cache = self._core.platform.cache.stats()
        signals = self._core.service(Telemetry).signals
        health = self._core.platform.gateway.health()
        latencies = {name: one.latency_s for name, one in health.items()}
        known = [latency for latency in latencies.values() if latency is not None]
        return Performance(
            uptime_seconds=round(self._core.clock.monotonic() - self._started_s, 3),
            avg_signal_generation_time=signals.mean_s,
            cache_hit_rate=cache.hit_rate,
            skip_rate=signals.skip_rate,
            total_cache_hits=cache.hits,
            total_cache_misses=cache.misses,
            total_skipped_symbols=signals.skipped if signals.processed else None,
            total_symbols_processed=signals.processed or None,
            avg_api_latency=fmean(known) if known else None,
            data_source_latencies=latencies,
        )

    async def _stored(self) -> tuple[DatabaseHealth, WorkerHealth]:
        """Ask PostgreSQL, and it for the workers; answer in time whether it does or not.

        A question to a server that hangs is not cancelled, since that takes the driver as long as
        its answer. It ends by its own deadline, and is waited for again instead of asked twice.
        """
        if not self._core.has_database:
            return _ABSENT, _unknown("workers are known to PostgreSQL")
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="health of PostgreSQL")
        # Mine: by the time it has ended, whoever asks next may have begun another.
        asking, answered = self._asking, self._answered()
        await asyncio.wait({asking}, timeout=self.patience_s)
        if not asking.done():
            others = self._answered() > answered
            return self._silent(answers_others=others), _unknown("PostgreSQL did not say")
        return asking.result()

    async def _ask(self) -> tuple[DatabaseHealth, WorkerHealth]:
        database = await self._database()
        if database.status != "ok":
            return database, _unknown("PostgreSQL did not say")
        return database, await self._worker()

    async def _database(self) -> DatabaseHealth:
        found = await self._core.database.health()
        pool = self._core.database.stats()
        return DatabaseHealth(
            status="ok" if found.ok else "down",
            detail=found.reason,
            latency_s=found.latency_s,
            connections=pool.size,
            saturation=pool.saturation,
        )

    def _answered(self) -> int:
        """Return how many statements PostgreSQL has answered so far."""
        held = self._core.database.timer.snapshot().values()
        return sum(one.count - one.failures for one in held)

    def _silent(self, *, answers_others: bool) -> DatabaseHealth:
        """Tell a server that answers nobody from one that has more to do than connections.

        Taking a process out for being asked a lot would leave the same work to fewer.
        """
        pool = self._core.database.stats()
        why = "answers others, and not yet this" if answers_others else "does not answer"
        return DatabaseHealth(
            status="busy" if answers_others else "down",
            detail=f"PostgreSQL {why}, for {self.patience_s:g} s now",
            connections=pool.size,
            saturation=pool.saturation,
        )

    async def _worker(self) -> WorkerHealth:
        try:
            row = await self._core.database.fetch_one(
                named("worker_heartbeats"), {"silent_s": SILENT_S}
            )
        except AvaError as error:
            return _unknown(f"{error}; run `ava migrate`")
        if row is None or not row["alive"]:
            last = None if row is None else row["last_heartbeat"]
            detail = "no worker gives a sign of life: start `ava worker`"
            return WorkerHealth(status="absent", alive=0, last_heartbeat=last, detail=detail)
        return WorkerHealth(status="ok", alive=row["alive"], last_heartbeat=row["last_heartbeat"])

    def _redis(self) -> RedisHealth:
        stats = self._core.platform.cache.stats()
        setting = RedisSettings.key("url")
        if self._core.settings.redis.url is None:
            detail = f"caches are this process's memory alone; set {setting} to share them"
            return RedisHealth(status="absent", backend=stats.backend, detail=detail)
        if not stats.connected:
            detail = f"Redis ({setting}) does not answer; caches are in memory until it does"
            return RedisHealth(status="down", backend=stats.backend, detail=detail)
        return RedisHealth(status="ok", backend=stats.backend)

    def _providers(self) -> dict[str, str]:
        return {name: one.state for name, one in self._core.platform.gateway.health().items()}


_ABSENT: Final = DatabaseHealth(
    status="absent",
    detail=f"there is no PostgreSQL: set {DatabaseSettings.key('url')}; what is stored there is"
    " refused",
)


def _unknown(detail: str) -> WorkerHealth:
    return WorkerHealth(status="unknown", detail=detail)


def status_of(services: Services) -> Status:
    """Return what the parts come to."""
    if services.database.status == "down":
        return "unhealthy"
    good = (
        services.database.status == "ok"
        and services.redis.status != "down"
        and services.worker.status == "ok"
        and "down" not in services.providers.values()
    )
    return "healthy" if good else "degraded"


def lacking(services: Services) -> list[str]:
    """Return a sentence for each part that is missing or fails."""
    said = (services.database.detail, services.redis.detail, services.worker.detail)
    return [*filter(None, said), *_down(services.providers)]


def _down(providers: Mapping[str, str]) -> list[str]:
    return [f"{name} is down" for name, state in providers.items() if state == "down"]
