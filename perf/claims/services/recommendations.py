"""Row S9: recommendations from one batch of closes, and kept by symbol and position.

The document reads three months one symbol at a time (000.12) and makes the recommendation anew for
every request (000.23). What is made of the closes it does not show: the platform's own rules serve
both ways, so that only the reading differs, and both must recommend the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from ava.core import Core
from ava.services.advice import HeldShares, Recommendation, recommend
from ava.services.recommendations import Case, Recommendations
from perf.claim import Category, Plan, at_least, claim, exactly
from perf.claims.document.market import get_recommendations
from perf.claims.providers.virtual import SYMBOLS
from perf.claims.services.running import Running
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab
from perf.lab.providers import Simulation

LATENCY_S = 0.02
CASES = [Case(symbol=symbol) for symbol in SYMBOLS]

Advised = dict[str, Recommendation]


async def advised(core: Core) -> Advised:
    """Return what the service recommends; raise RuntimeError where a symbol failed."""
    found = (await core.service(Recommendations).advise(CASES)).value.items
    told = {item.symbol: item.recommendation for item in found if item.recommendation is not None}
    if len(told) < len(CASES):
        raise RuntimeError("a symbol has no recommendation")
    return told


async def forget(core: Core) -> None:
    """Let the next request find nothing kept."""
    await core.platform.cache.invalidate_tags("recommendations")


@claim(
    id="S9.batch.faster",
    rows=["S9"],
    profiles=("full",),
    title="Recommendations for 15 symbols come 5 times faster from one batch than one by one",
    source="000.12",
    target=at_least(5, "x"),
    category=Category.LATENCY,
)
async def batch_faster(lab: Lab) -> Plan:
    """Read closes a symbol a call, and by the service without anything in its cache."""
    running = Running(lab)
    simulation = lab.providers("yahoo", latency=LATENCY_S)
    simulation.set_limits("yahoo")
    http = lab.keep(httpx.Client(base_url=simulation.url("yahoo")))
    core = await running.core(simulation=simulation)

    def history(symbol: str) -> list[float]:
        params = {"symbols": symbol, "range": "3mo", "interval": "1d"}
        answer = http.get("/v7/finance/spark", params=params).raise_for_status().json()
        series = answer["spark"]["result"][0]["response"][0]
        return [close for close in series["indicators"]["quote"][0]["close"] if close is not None]

    today = datetime.now(UTC).date()

    def one(symbol: str, closes: list[float]) -> Recommendation:
        return recommend(symbol, closes, None, today)

    facts = {
        "before": "one call a symbol, in turn, on one connection: closes alone, which is less to"
        " send and to read than the document's charts, and has no gaps as charts have",
        "after": "the service: one call for all, nothing cached",
        "latency": f"{LATENCY_S * 1000:g} ms a call, constant, for both",
        "compared": "action, confidence, reasons and all figures of every symbol",
    }
    before = Arm(lambda: get_recommendations(list(SYMBOLS), history, one))
    after = Arm(lambda: advised(core), reset=lambda: forget(core))
    return running.ending(Compare(before, after, same=_same, facts=facts))


def _same(theirs: Advised, ours: Advised) -> bool:
    return {s: _told(one) for s, one in theirs.items()} == {s: _told(o) for s, o in ours.items()}


def _told(one: Recommendation) -> Any:
    return one.action, one.confidence, one.reasons, one.figures


def _calls(simulation: Simulation) -> int:
    return simulation.counts("yahoo").by_path.get("/v7/finance/spark", 0)


@claim(
    id="S9.batch.calls",
    rows=["S9"],
    title="Recommendations for 15 symbols, each with and without a position, cost one call",
    source="000.12",
    target=exactly(1, "calls"),
    category=Category.RESOURCES,
)
async def batch_calls(lab: Lab) -> Plan:
    """Count what the provider saw, with nothing in the cache."""
    running = Running(lab)
    simulation = lab.providers("yahoo")
    core = await running.core(simulation=simulation)
    held = [Case(symbol=s, position=HeldShares(quantity=10.0, cost=100.0)) for s in SYMBOLS]

    async def count() -> Counted:
        await forget(core)
        simulation.reset()
        found = (await core.service(Recommendations).advise([*CASES, *held])).value.items
        if any(item.recommendation is None for item in found):
            raise RuntimeError("a case has no recommendation")
        return Counted(_calls(simulation), {"recommendations": len(found)})

    return running.ending(Count(count, "calls"))


@claim(
    id="S9.kept.calls",
    rows=["S9", "S3"],
    title="Asked for again within five minutes, recommendations cost no call",
    source="000.23",
    target=exactly(0, "calls"),
    category=Category.CACHING,
)
async def kept_calls(lab: Lab) -> Plan:
    """Ask a hundred times; another position of the same symbol is asked for anew."""
    running = Running(lab)
    simulation = lab.providers("yahoo")
    core = await running.core(simulation=simulation)
    await advised(core)
    numbers = iter(range(1, 10**6))

    async def count() -> Counted:
        simulation.reset()
        for _ in range(100):
            await advised(core)
        calls = _calls(simulation)
        other = Case(symbol=SYMBOLS[0], position=HeldShares(quantity=float(next(numbers))))
        await core.service(Recommendations).advise([other])
        facts = {"requests": 100, "calls_for_another_position": _calls(simulation) - calls}
        return Counted(calls, facts)

    return running.ending(Count(count, "calls"))
