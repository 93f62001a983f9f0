"""How the platform is doing, for people and for what watches it.

`/api/v1/health/live` says that the process runs its loop, and asks nothing of anybody: whoever
restarts processes goes by that one. `/api/v1/health` says whether it is worth sending requests.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request, Response
from msgspec import Struct

from ava.api.route import Routes, respond
from ava.core import Core
from ava.services.health import (
    DatabaseHealth,
    Health,
    HealthReport,
    Performance,
    RedisHealth,
    Services,
    WorkerHealth,
)

_EXAMPLE = HealthReport(
    status="degraded",
    lacking=["no worker gives a sign of life: start `ava worker`"],
    services=Services(
        performance=Performance(
            uptime_seconds=3600,
            avg_signal_generation_time=0.25,
            cache_hit_rate=82.5,
            skip_rate=35.0,
            total_cache_hits=1000,
            total_cache_misses=250,
            total_skipped_symbols=350,
            total_symbols_processed=1000,
            avg_api_latency=0.185,
            data_source_latencies={"massive": 0.12, "alpha_vantage": 0.25},
        ),
        database=DatabaseHealth(status="ok", latency_s=0.0007, connections=5, saturation=0.05),
        redis=RedisHealth(status="ok", backend="redis"),
        providers={"massive": "ok", "alpha_vantage": "ok"},
        worker=WorkerHealth(
            status="absent", alive=0, detail="no worker gives a sign of life: start `ava worker`"
        ),
    ),
    spikes=[],
)


class Alive(Struct, frozen=True):
    """That the process answers."""

    status: str = "alive"


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/health", "health")
    service = core.service(Health)

    @area.get("", answers=HealthReport, example=_EXAMPLE, also=(HTTPStatus.SERVICE_UNAVAILABLE,))
    async def health(request: Request) -> Response:
        """Say how everything is: 200 for healthy and degraded, 503 for unhealthy."""
        report = await service.report()
        good = report.status != "unhealthy"
        return respond(report, request, HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE)

    @area.get("/live", answers=Alive, example=Alive())
    async def live() -> Alive:
        """Say that the process runs."""
        return Alive()

    return area
