"""Row O3: traces are whole when they are on, and cost nothing while they are off."""

from __future__ import annotations

import subprocess
import sys

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ava.clock import SystemClock
from ava.settings import TracingSettings
from ava.telemetry.tracing import open_tracing
from perf.claim import Category, Plan, at_most, claim, exactly
from perf.claims.telemetry.stage import Stage, call
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab


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
