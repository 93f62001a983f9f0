"""Row S3: metadata of many symbols, by the service and as document 000.2 begins.

The document's loop asks for ten companies one after the other, half a second each. The service
makes two calls side by side: Yahoo's quotes tell names and sizes, the brokerage's fundamentals tell
sectors. Both ways talk to the same simulated providers over real sockets with the same latency,
and must find the same companies. Two calls at once against ten in turn are a factor of ten at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import httpx

from ava.core import Core
from ava.services.metadata import MetadataService
from perf.claim import Body, Category, Plan, at_least, at_most, claim, exactly
from perf.claims.document.market import get_batch_metadata
from perf.claims.providers.virtual import SYMBOLS
from perf.claims.services.running import Running
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab
from perf.lab.providers import Simulation
from perf.lab.providers.market import day_of, market
from perf.sample import Scale

TEN = list(SYMBOLS[:10])
CALLERS = 200
_SUMMARY = "price,assetProfile,summaryDetail"

Company = tuple[str, str | None, float | None, float | None]


def summaries(simulation: Simulation, http: httpx.Client) -> Any:
    """Return the document's fetch of one symbol, on one connection with cookie and crumb at hand.

    The latency must still be 0, so that getting them takes no time.
    """
    http.get("/")
    crumb = http.get("/v1/test/getcrumb").text
    simulation.reset()

    def get_symbol_metadata(symbol: str) -> dict[str, Any]:
        params = {"modules": _SUMMARY, "formatted": "false", "crumb": crumb}
        answer = http.get(f"/v10/finance/quoteSummary/{symbol}", params=params)
        modules = answer.raise_for_status().json()["quoteSummary"]["result"][0]
        return {**modules["assetProfile"], **modules["summaryDetail"], **modules["price"]}

    return get_symbol_metadata


async def metadata(core: Core) -> dict[str, Company]:
    """Return what the service finds of the ten; raise RuntimeError where one failed."""
    found = (await core.service(MetadataService).batch(TEN)).value
    if found.failed:
        raise RuntimeError(f"no metadata of {', '.join(found.failed)}")
    return {
        symbol: (one.name or "", one.sector, one.market_cap, one.year_high)
        for symbol, one in found.items.items()
    }


def _read(found: dict[str, dict[str, Any]]) -> dict[str, Company]:
    return {
        symbol: (one["shortName"], one["sector"], one["marketCap"], one["fiftyTwoWeekHigh"])
        for symbol, one in found.items()
    }


def _same(theirs: dict[str, Company], ours: dict[str, Company]) -> bool:
    """Say whether both found the same, prices to the cent that one of the sources rounds to."""
    return theirs.keys() == ours.keys() and all(
        (name, sector) == ours[symbol][:2]
        and abs((cap or 0) - (ours[symbol][2] or 0)) < 1
        and abs((high or 0) - (ours[symbol][3] or 0)) < 0.01
        for symbol, (name, sector, cap, high) in theirs.items()
    )


def _faster(bound: float, source: str, latency_ms: int, profile: str) -> Callable[[Body], Body]:
    """Return the claim of one figure at one latency."""
    return claim(
        id=f"S3.batch.{bound:g}x.ms{{latency_ms}}",
        rows=["S3"],
        title=f"Metadata of ten symbols come {bound:g} times faster in batches than in turn,"
        " at {latency_ms} ms a call",
        source=source,
        target=at_least(bound, "x"),
        category=Category.LATENCY,
        profiles=(profile,),
        cases=[{"latency_ms": latency_ms}],
        deadline_s=120,
    )


@_faster(10, "000.2", 500, "full")
@_faster(8, "product target", 500, "full")
@_faster(10, "000.2", 60, "full")
@_faster(8, "product target", 60, "full")
async def batch_faster(lab: Lab, latency_ms: int) -> Plan:
    """Ask in turn, and by the service without anything in its cache."""
    running = Running(lab)
    return running.ending(await _turns_and_batch(lab, running, latency_ms))


def _saving(bound: float) -> Callable[[Body], Body]:
    """Return the claim of one share of the time saved."""
    return claim(
        id=f"S3.misses.saving-{bound:g}",
        rows=["S3"],
        title=f"Where nothing is cached, metadata of ten symbols take {bound:g} % less time",
        source="000 summary: latency reduction on cache misses",
        target=at_least(bound, "%"),
        category=Category.LATENCY,
        profiles=("full",),
    )


@_saving(80)
@_saving(60)
async def misses_saving(lab: Lab) -> Plan:
    """State the same comparison as the share of the time that is saved."""
    running = Running(lab)
    plan = await _turns_and_batch(lab, running, 60)
    return running.ending(replace(plan, scale=Scale.SAVING, budget_s=3.0))


async def _turns_and_batch(lab: Lab, running: Running, latency_ms: int) -> Compare:
    simulation = lab.providers("yahoo", "robinhood")
    simulation.set_limits("yahoo")
    simulation.set_limits("robinhood")
    http = lab.keep(httpx.Client(base_url=simulation.url("yahoo"), timeout=30))
    get_symbol_metadata = summaries(simulation, http)
    core = await running.core(simulation=simulation)
    await metadata(core)  # its cookie and crumb too are at hand
    simulation.set_latency(latency_ms / 1000)

    def before() -> dict[str, Company]:
        return _read(get_batch_metadata(TEN, get_symbol_metadata))

    async def forget() -> None:
        await core.platform.cache.invalidate_tags("metadata")

    facts = {
        "before": "one quoteSummary a symbol, in turn, on one connection (000.2, before)",
        "after": "the service: one call of quotes and one of fundamentals, at once, nothing cached",
        "latency": f"{latency_ms} ms a call, constant, for both; the document's is 500 ms, which"
        " the full profile takes. The shorter it is, the more our own work weighs.",
        "explanation": "Ten waits against one are a factor of ten at most, reached only if our own"
        " work took no time.",
        "compared": "name, sector, market value and the year's high of all ten",
        "without_a_brokerage": "sectors then come from summaries, five at once: two waits more",
    }
    arms = (Arm(before), Arm(lambda: metadata(core), reset=forget))
    return Compare(*arms, same=_same, facts=facts)


def _calls(simulation: Simulation) -> int:
    """Return the calls for data: cookie and crumb are fetched once a process."""
    return sum(
        count
        for name in simulation.names
        for path, count in simulation.counts(name).by_path.items()
        if path not in {"/", "/v1/test/getcrumb"}
    )


@claim(
    id="S3.batch.calls",
    rows=["S3"],
    title="Metadata of ten symbols cost two calls, not ten",
    source="000.2, 000.18: batched where the provider batches",
    target=exactly(2, "calls"),
    category=Category.RESOURCES,
)
async def batch_calls(lab: Lab) -> Plan:
    """Count what both providers saw, with nothing in the cache."""
    running = Running(lab)
    simulation = lab.providers("yahoo", "robinhood")
    core = await running.core(simulation=simulation)

    async def count() -> Counted:
        await core.platform.cache.invalidate_tags("metadata")
        simulation.reset()
        found = await metadata(core)
        return Counted(_calls(simulation), {"symbols": len(found), "before": f"{len(TEN)} calls"})

    return running.ending(Count(count, "calls"))


@claim(
    id="S3.batch.calls-again",
    rows=["S3"],
    title="Asked for again within the hour, in other selections, the ten cost no call",
    source="000.4",
    target=exactly(0, "calls"),
    category=Category.CACHING,
)
async def batch_calls_again(lab: Lab) -> Plan:
    """Ask for every pair of them, once all ten are kept."""
    running = Running(lab)
    simulation = lab.providers("yahoo", "robinhood")
    core = await running.core(simulation=simulation)
    await metadata(core)

    async def count() -> Counted:
        simulation.reset()
        service = core.service(MetadataService)
        pairs = list(combinations(TEN, 2))
        for pair in pairs:
            await service.batch(pair)
        return Counted(_calls(simulation), {"selections": len(pairs), "kept": "each by itself"})

    return running.ending(Count(count, "calls"))


@claim(
    id="S3.single.calls",
    rows=["S3"],
    title="200 single look-ups at once, with nothing kept, cost four calls, not 400",
    source="product target",
    target=at_most(4, "calls"),
    category=Category.RESOURCES,
)
async def single_calls(lab: Lab) -> Plan:
    """Let 200 callers ask for one symbol each at the same time, and count what arrives."""
    running = Running(lab)
    simulation = lab.providers("yahoo", "robinhood")
    core = await running.core(simulation=simulation)
    await metadata(core)  # cookie and crumb are at hand
    symbols = market(lab.seed, day_of(simulation.now().timestamp())).symbols[:CALLERS]

    async def count() -> Counted:
        await core.platform.cache.invalidate_tags("metadata")
        simulation.reset()
        service = core.service(MetadataService)
        found = await asyncio.gather(*(service.batch((symbol,)) for symbol in symbols))
        if [list(one.value.items) for one in found] != [[symbol] for symbol in symbols]:
            raise RuntimeError("a caller got no answer, or another's")
        return Counted(_calls(simulation), {"callers": len(found), "before": "two calls each"})

    return running.ending(Count(count, "calls"))
