"""Row O1: the metrics of the documents, and what watching costs.

Metrics must be there and be what the platform counts. What they cost is timed on a request that
does no input or output at all, where it weighs most, and on one that does a bit of all.
"""

from __future__ import annotations

from ava.db.query import catalogue
from perf.claim import Category, Plan, at_most, claim, exactly
from perf.claims.telemetry.stage import Stage, call
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
CALLS = 20  # an arm, so that starting the loop weighs little


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
