"""Row O2, and the endpoints of K6 and C9: what the running system says of itself when asked.

Every documented figure must be there, and be what the part that it is about counts.
"""

from __future__ import annotations

from typing import Any

from ava.services.provider_desk import known
from perf.claim import Category, Plan, claim, exactly
from perf.claims.telemetry.stage import Stage
from perf.instruments import Count, Counted
from perf.lab.lab import Lab

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
