"""Row S4: what the option scanner keeps, under which name, and what becomes of failing calls.

The document filters sectors from a kept result of everything, keeps it twice, and leaves out in
silence what failed once. Here sectors are part of the question, a scan is kept once, and a passing
failure is repeated by the provider's client. What a scan leaves in memory is measured on the
running API (`perf.claims.system.served`), the bound of the cache in `perf.claims.cache.bounded`,
and the key made of `hash()` is refuted under K2.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import httpx

from ava.services.option_scanner import OptionScanner, ScanQuestion
from perf.claim import Category, Plan, claim, exactly
from perf.claims.document.market import scan, scan_premiums
from perf.claims.services.running import Running
from perf.instruments import Count, Counted
from perf.lab.dataset.companies import SECTORS
from perf.lab.lab import Lab
from perf.lab.providers import Fault, Kind, Simulation
from perf.lab.providers.market import day_of, market

KNOWN = 44  # four well-known companies of each sector
REFUSALS = 3


def symbols_of(lab: Lab, simulation: Simulation) -> list[str]:
    """Return the companies that are scanned."""
    return market(lab.seed, day_of(simulation.now().timestamp())).symbols[:KNOWN]


def chains(simulation: Simulation) -> set[str]:
    """Return the symbols whose options the provider was asked for."""
    paths = simulation.counts("yahoo").by_path
    return {path.rpartition("/")[2] for path in paths if path.startswith("/v7/finance/options/")}


def getting(simulation: Simulation, http: httpx.Client) -> Any:
    """Return the document's call of one symbol's options, with cookie and crumb at hand."""
    http.get("/")
    crumb = http.get("/v1/test/getcrumb").text
    simulation.reset("yahoo")

    def options(symbol: str) -> Any:
        answer = http.get(f"/v7/finance/options/{symbol}", params={"crumb": crumb})
        return answer.raise_for_status().json()["optionChain"]["result"][0]

    return options


@claim(
    id="S4.sectors.chains",
    rows=["S4"],
    title="A scan of one sector asks for the options of its four companies, not of all 44",
    source="000.5",
    target=exactly(4, "symbols asked for"),
    category=Category.RESOURCES,
)
async def sector_chains(lab: Lab) -> Plan:
    """Scan 44 companies for one sector, as the service does and as the document did."""
    running = Running(lab)
    simulation = lab.providers("yahoo", "robinhood")
    core = await running.core(simulation=simulation)
    known = market(lab.seed, day_of(simulation.now().timestamp()))
    symbols = known.symbols[:KNOWN]
    options = getting(simulation, lab.keep(httpx.Client(base_url=simulation.url("yahoo"))))

    def scan_symbol(symbol: str) -> dict[str, Any]:
        return {"symbol": symbol, "sector": known.sector(symbol), "options": options(symbol)}

    async def count() -> Counted:
        simulation.reset("yahoo")
        theirs = [row["symbol"] for row in scan(symbols, [SECTORS[0]], scan_symbol)]
        before = len(chains(simulation))
        await core.platform.cache.invalidate_tags("scans")
        simulation.reset("yahoo")
        question = ScanQuestion(
            symbols=frozenset(symbols), sectors=frozenset({SECTORS[0]}), min_premium_pct=0.0
        )
        ours = (await core.service(OptionScanner).scan(question)).value
        if {row.symbol for row in ours.results} - set(theirs) or ours.failed:
            raise RuntimeError("the scan holds another sector, or lacks a symbol")
        facts = {
            "sector": SECTORS[0],
            "before": f"{before} symbols, of which the sector was filtered",
            "found": len(ours.results),
        }
        return Counted(len(chains(simulation)), facts)

    return running.ending(Count(count, "symbols asked for"))


@claim(
    id="S4.sectors.keys",
    rows=["S4"],
    title="Every choice of sectors has a key of its own, whatever the order it is given in",
    source="000.5",
    target=exactly(0, "keys shared or doubled"),
    category=Category.CACHING,
)
def sector_keys(_lab: Lab) -> Plan:
    """Name all choices of up to four of the eleven sectors, forwards and backwards."""

    def count() -> Counted:
        choices = [c for size in range(5) for c in combinations(SECTORS, size)]
        forwards = [_key(choice) for choice in choices]
        backwards = [_key(choice[::-1]) for choice in choices]
        shared = len(choices) - len(set(forwards))
        doubled = sum(a != b for a, b in zip(forwards, backwards, strict=True))
        return Counted(shared + doubled, {"choices": len(choices), "example": forwards[12]})

    return Count(count, "keys shared or doubled")


def _key(sectors: tuple[str, ...]) -> str:
    return ScanQuestion(symbols=frozenset({"AAPL", "XOM"}), sectors=frozenset(sectors)).key


@claim(
    id="S4.layers.entries",
    rows=["S4"],
    profiles=("full",),
    title="A scan of 44 symbols leaves one entry in the cache, and no chain",
    source="000.14",
    target=exactly(1, "entries"),
    category=Category.CACHING,
)
async def cache_layers(lab: Lab) -> Plan:
    """Count what the cache holds after the scan that it did not hold before."""
    running = Running(lab)
    simulation = lab.providers("yahoo")
    core = await running.core(simulation=simulation)
    question = ScanQuestion(symbols=frozenset(symbols_of(lab, simulation)))

    async def count() -> Counted:
        cache = core.platform.cache
        await cache.invalidate_tags("scans")
        before = cache.stats().items
        found = (await core.service(OptionScanner).scan(question)).value
        facts = {"symbols": KNOWN, "found": len(found.results), "chains_read": 2 * KNOWN}
        return Counted(cache.stats().items - before, facts)

    return running.ending(Count(count, "entries"))


@claim(
    id="S4.retry.lost",
    rows=["S4"],
    profiles=("full",),
    title="Three refusals that pass lose no symbol of a scan of 44",
    source="000.7: no exponential backoff on failures",
    target=exactly(0, "symbols lost"),
    category=Category.RESILIENCE,
)
async def retry_lost(lab: Lab) -> Plan:
    """Let the provider answer 503 three times in the middle of a scan, of theirs and of ours."""
    running = Running(lab)
    simulation = lab.providers("yahoo")
    simulation.set_limits("yahoo")
    core = await running.core(simulation=simulation)
    symbols = symbols_of(lab, simulation)
    options = getting(simulation, lab.keep(httpx.Client(base_url=simulation.url("yahoo"))))
    refusals = Fault(Kind.STATUS, times=REFUSALS, status=503, path="/v7/finance/options/*")
    question = ScanQuestion(symbols=frozenset(symbols))

    async def count() -> Counted:
        simulation.fault("yahoo", refusals)
        theirs = scan_premiums(symbols, options)
        await core.platform.cache.invalidate_tags("scans")
        simulation.fault("yahoo", refusals)
        ours = (await core.service(OptionScanner).scan(question)).value
        facts = {
            "before": f"{len(symbols) - len(theirs)} of {len(symbols)} symbols left out in silence",
        }
        return Counted(len(ours.failed), facts)

    return running.ending(Count(count, "symbols lost"))
