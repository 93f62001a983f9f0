"""Rows O1 to O3, and the endpoints of K6 and C9: what the running system says of itself.

One application with PostgreSQL, Redis and a simulated provider is asked in this process. What its
documents name must be there, and be what the platform counts. What it costs is timed on a request
that does no input or output at all, where it weighs most.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import ASGIApp, Message

from ava.api.app import create_app, discover
from ava.api.route import Routes
from ava.clock import SystemClock
from ava.core import Core
from ava.db.migrate import migrate
from ava.db.query import catalogue, named
from ava.services.provider_desk import known
from ava.settings import TracingSettings
from ava.telemetry.telemetry import Telemetry
from ava.telemetry.tracing import open_tracing
from perf.claim import Category, Plan, at_most, claim, exactly
from perf.claims.services.running import PACE, Running
from perf.instruments import Arm, Compare, Count, Counted, Latency
from perf.lab.lab import Lab

METRICS = (
    "db_query_duration_seconds",  # 000.20
    "argo_signal_generation_duration_seconds",  # 003.8, and so the rest
    "argo_data_source_requests",
    "argo_data_source_status",
    "argo_cache_hits",
    "argo_cache_misses",
    "argo_skipped_symbols",
)
CACHE_FIGURES = ("connected", "backend", "hits", "misses", "hit_rate", "errors")  # 001.9
PERFORMANCE = (  # 003
    "uptime_seconds",
    "avg_signal_generation_time",
    "cache_hit_rate",
    "skip_rate",
    "total_cache_hits",
    "total_cache_misses",
    "total_skipped_symbols",
    "total_symbols_processed",
    "avg_api_latency",
    "data_source_latencies",
)
CALLS = 20  # an arm, so that starting the loop weighs little


class Stage:
    """An application that is asked in this process; its route `/example/both` does a bit of all."""

    def __init__(self, running: Running, core: Core) -> None:
        self.core = core
        self.telemetry = core.service(Telemetry)
        self.app = create_app(core, [*discover(core), _area(core)])
        self.bare: ASGIApp = self.app._app  # type: ignore[attr-defined] # noqa: SLF001 - without the layer, which is what is measured
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://ava")
        self.ending = running.ending

    @classmethod
    async def open(cls, lab: Lab) -> Stage:
        """Open one with everything behind it; `ending` puts its end into a plan."""
        running = Running(lab)
        dsn = lab.dsn(lab.create_database())
        migrate(dsn)
        core = await running.core(
            dsn=dsn, redis_url=lab.redis_url, simulation=lab.providers("finnhub", pace=PACE)
        )
        return cls(running, core)

    async def scrape(self) -> dict[str, Any]:
        """Return the families of /metrics by name."""
        text = (await self.client.get("/metrics")).raise_for_status().text
        return {family.name: family for family in text_string_to_metric_families(text)}


def _area(core: Core) -> Routes:
    area = Routes("/example", "example")

    @area.get("/both", answers=str, example="done")
    async def both() -> str:
        """Ask the database, and a provider."""
        await core.database.fetch(named("automation_switch"), {"name": "wheel"})
        await core.platform.finnhub.quote("AAPL", keep=None)
        return "done"

    @area.get("/nothing", answers=str, example="done")
    async def nothing() -> str:
        """Do nothing."""
        return "done"

    return area


async def call(app: ASGIApp, path: str) -> bytes:
    """Ask an application without a client, which would cost more than what is asked."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"ava"), (b"accept", b"*/*"), (b"user-agent", b"claims")],
        "server": ("ava", 80),
        "client": ("127.0.0.1", 1),
    }
    body = b""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")

    await app(scope, receive, send)
    return body


@claim(
    id="O1.metrics",
    rows=["O1"],
    title="After one request every metric of the documents is there, with a figure",
    source="003.8, 000.20",
    target=exactly(0, "missing metrics"),
    category=Category.RESILIENCE,
)
async def metrics(lab: Lab) -> Plan:
    """Ask for something that takes a statement, a call and a look-up, then scrape."""
    stage = await Stage.open(lab)

    async def count() -> Counted:
        await stage.client.get("/example/both")
        found = await stage.scrape()
        missing = [name for name in METRICS if not (name in found and found[name].samples)]
        stats = stage.core.platform.gateway.health()["finnhub"].stats
        shown = found["argo_data_source_requests"].samples
        told = sum(one.value for one in shown if one.labels["source"] == "finnhub")
        if told != stats.requests:
            raise RuntimeError(f"{told} requests are shown, and {stats.requests} were made")
        return Counted(len(missing), {"missing": missing, "families": len(found)})

    return stage.ending(Count(count, "missing metrics"))


@claim(
    id="O1.scrape",
    rows=["O1"],
    title="A scrape takes less than 20 ms, of 19 in 20",
    source="product target",
    target=at_most(20, "ms"),
    category=Category.RESOURCES,
)
async def scrape(lab: Lab) -> Plan:
    """Fill in every statement that there is and 200 kinds of requests, and scrape."""
    stage = await Stage.open(lab)
    await stage.client.get("/example/both")
    for query in catalogue().values():
        stage.core.database.timer.record(query, 0.003, 1)
    for number in range(100):
        for status in ("200", "422"):
            labels = ("GET", f"/api/v1/area/{number}", status)
            stage.telemetry.http.tallies.add(labels, 0.02)

    async def run() -> int:
        return len(await stage.telemetry.metrics.text())

    facts = {"statements": len(catalogue()), "kinds_of_requests": 200, "bytes": await run()}
    return stage.ending(Latency(Arm(run), quantile=0.95, facts=facts, max_rounds=100))


@claim(
    id="O1.overhead.working",
    rows=["O1", "O3"],
    profiles=("full",),
    title="What watches a request costs one that asks a database and a provider 5 % at most",
    source="product target",
    target=at_most(1.05, "x"),
    category=Category.LATENCY,
)
async def overhead_working(lab: Lab) -> Plan:
    """Time a request with everything that watches it, and with all of that taken away."""
    stage = await Stage.open(lab)
    return _overhead(stage, "/example/both", calls=4)


@claim(
    id="O1.overhead.idle",
    rows=["O1", "O3"],
    profiles=("full",),
    title="What watches a request costs one that does nothing 5 % at most",
    source="product target",
    target=at_most(1.05, "x"),
    category=Category.LATENCY,
)
async def overhead_idle(lab: Lab) -> Plan:
    """Time the least that the application does, without a server around it."""
    stage = await Stage.open(lab)
    return _overhead(stage, "/example/nothing", calls=CALLS)


def _overhead(stage: Stage, path: str, *, calls: int) -> Plan:
    telemetry, core = stage.telemetry, stage.core
    listener, bare = core.database.timer.listener, stage.bare

    async def watched() -> bytes:
        for _ in range(calls):
            body = await call(stage.app, path)
        return body

    async def unwatched() -> bytes:
        for _ in range(calls):
            body = await call(bare, path)
        return body

    def attach() -> None:
        core.platform.gateway.watch_by(telemetry)
        core.database.timer.listener = listener

    def detach() -> None:
        core.platform.gateway.watch_by(None)
        core.database.timer.listener = None

    facts = {
        "before": "metrics, the watch for spikes, and traces that are off",
        "after": "the same application without any of them",
        "note": "the figure is how many times the unwatched request the watched one costs",
        "calls": calls,
    }
    return stage.ending(
        Compare(Arm(watched, reset=attach), Arm(unwatched, reset=detach), facts=facts)
    )


@claim(
    id="O2.health",
    rows=["O2"],
    title="The health answer holds every field of the documented performance block",
    source="003",
    target=exactly(0, "missing fields"),
    category=Category.RESILIENCE,
)
async def health(lab: Lab) -> Plan:
    """Ask, after a request and a recorded signal, and look for each field and for its figure."""
    stage = await Stage.open(lab)

    async def count() -> Counted:
        await stage.client.get("/example/both")
        stage.telemetry.signals.record(0.25, symbols=20, skipped=7)
        await stage.core.platform.cache.get("nothing", str)
        shown = (await stage.client.get("/api/v1/health")).json()
        block = shown["services"]["performance"]
        missing = [name for name in PERFORMANCE if block.get(name) is None]
        if "finnhub" not in block["data_source_latencies"]:
            missing.append("data_source_latencies.finnhub")
        missing += [] if "status" in shown else ["status"]
        return Counted(len(missing), {"missing": missing, "performance": list(block)})

    return stage.ending(Count(count, "missing fields"))


@claim(
    id="O3.trace",
    rows=["O3"],
    title="A request, its statement and its call of a provider are three spans of one trace",
    source="001.11",
    target=exactly(3, "spans"),
    category=Category.RESILIENCE,
)
async def trace(lab: Lab) -> Plan:
    """Ask once with traces on, and count the spans that have the request as their root."""
    stage = await Stage.open(lab)
    await stage.client.get("/example/both")  # opens connections

    async def count() -> Counted:
        exporter = InMemorySpanExporter()
        tracing = open_tracing(TracingSettings(), SystemClock(), exporter=exporter)
        stage.telemetry.tracing = tracing
        await stage.client.get("/example/both")
        stage.telemetry.tracing = None
        tracing.close()
        spans = exporter.get_finished_spans()
        root = next(span for span in spans if span.parent is None)
        whole = [span for span in spans if span.context.trace_id == root.context.trace_id]
        under = [span for span in whole if span.parent is not None]
        if any(span.parent.span_id != root.context.span_id for span in under if span.parent):
            raise RuntimeError("a span hangs below another than the request")
        return Counted(len(whole), {"spans": [span.name for span in whole], "all": len(spans)})

    return stage.ending(Count(count, "spans"))


_APPLICATION = """
import asyncio, sys, threading
from ava.api.app import create_app
from ava.core import Core
from ava.settings import Settings

async def main():
    async with Core.open(Settings()) as core:
        create_app(core)
        print(*[name for name in sys.modules if name.startswith("opentelemetry.exporter")])
        print(*[one.name for one in threading.enumerate() if "Otel" in one.name])

asyncio.run(main())
"""


@claim(
    id="O3.off",
    rows=["O3"],
    title="While traces are off, nothing that sends them is loaded and no thread waits for them",
    source="product target",
    target=exactly(0, "modules and threads"),
    category=Category.RESOURCES,
)
def off(_lab: Lab) -> Plan:
    """Make the application in an interpreter of its own, and look."""

    def count() -> Counted:
        done = subprocess.run(
            [sys.executable, "-c", _APPLICATION], capture_output=True, text=True, check=True
        )
        found = done.stdout.split()
        return Counted(len(found), {"found": found[:10]})

    return Count(count, "modules and threads", repeats=1)


@claim(
    id="O3.on.{request}",
    rows=["O3"],
    profiles=("full",),
    title="Being traced makes a request that {does} at most {bound} times as dear",
    source="product target",
    target=lambda request, does, bound: at_most(bound, "x"),  # noqa: ARG005 - a case's names
    category=Category.LATENCY,
    cases=[
        {"request": "both", "does": "asks a database and a provider", "bound": 1.25},
        {"request": "nothing", "does": "does nothing", "bound": 1.5},
    ],
)
async def traced(lab: Lab, request: str, does: str, bound: float) -> Plan:  # noqa: ARG001 - a case
    """Time one request with traces and without."""
    stage = await Stage.open(lab)
    exporter = InMemorySpanExporter()
    tracing = open_tracing(TracingSettings(), SystemClock(), exporter=exporter)

    async def run() -> bytes:
        for _ in range(4):
            body = await call(stage.app, f"/example/{request}")
        return body

    def turn_on() -> None:
        exporter.clear()
        stage.telemetry.tracing = tracing

    def turn_off() -> None:
        stage.telemetry.tracing = None

    facts = {
        "before": "every request traced, spans exported to memory by a thread",
        "after": "traces off",
        "note": "the figure is how many times the untraced request the traced one costs",
    }
    return stage.ending(Compare(Arm(run, reset=turn_on), Arm(run, reset=turn_off), facts=facts))


@claim(
    id="K6.endpoint",
    rows=["K6"],
    title="/api/cache/stats answers with the six documented figures, first and right",
    source="001.9",
    target=exactly(6, "figures"),
    category=Category.CACHING,
)
async def cache_stats(lab: Lab) -> Plan:
    """Ask the API and the cache, and compare."""
    stage = await Stage.open(lab)

    async def count() -> Counted:
        await stage.core.platform.cache.invalidate_tags("cache")  # the answer is kept for seconds
        true = stage.core.platform.cache.stats().to_dict()
        shown = (await stage.client.get("/api/cache/stats")).json()
        first = list(shown)[: len(CACHE_FIGURES)]
        right = [name for name in CACHE_FIGURES if name in first and shown[name] == true[name]]
        return Counted(len(right), {"shown": {name: shown[name] for name in first}})

    return stage.ending(Count(count, "figures"))


@claim(
    id="C9.endpoint",
    rows=["C9"],
    title="/api/v1/providers names every provider, with limits, health and spend or why it is off",
    source="001.11",
    target=exactly(0, "providers without"),
    category=Category.RESILIENCE,
)
async def providers(lab: Lab) -> Plan:
    """Use one provider, and look at what is said of each."""
    stage = await Stage.open(lab)

    async def count() -> Counted:
        await stage.client.get("/example/both")
        await stage.core.platform.cache.invalidate_tags("providers")
        answer = await stage.client.get("/api/v1/providers")
        shown = {one["provider"]: one for one in answer.json()["providers"]}
        lacking = [name for name in known() if not _is_told(shown.get(name, {}))]
        states = {name: one["state"] for name, one in shown.items()}
        return Counted(len(lacking), {"lacking": lacking, "states": states})

    return stage.ending(Count(count, "providers without"))


def _is_told(one: dict[str, Any]) -> bool:
    """Say whether a provider is off for a reason, not asked yet, or shown with everything."""
    if one.get("state") in {"off", "unused"}:
        return one["state"] == "unused" or bool(one["off"])
    quota = known()[one["provider"]].quota is None or one["quota"] is not None
    return quota and None not in (one["breaker"], one["limiter"], one["calls"], one["latency_s"])
