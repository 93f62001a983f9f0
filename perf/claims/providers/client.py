"""Row C1: the one client: how fast it is, what it asks twice, and what it counts.

Everything is asked of simulated providers over loopback, so that calls are counted by who receives
them and not by who makes them.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import httpx
import msgspec

from ava.errors import ProviderError
from ava.net.client import Client, Request
from ava.net.http import open_http
from ava.net.spec import Answer, BreakerRule, RetryRule
from perf.claim import Category, Plan, at_least, at_most, claim, exactly
from perf.claims.providers.outside import SPECS, Outside, keys, outcomes
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab
from perf.lab.providers import Fault, Kind

TOGETHER = 100
_PATH = "/v2/snapshot/locale/us/markets/stocks/tickers"
_DOCUMENTED = ("requests", "successes", "failures", "retries", "cache_hits", "circuit_breaks")


def _read(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body)["tickers"]


@claim(
    id="C1.client.throughput",
    rows=["C1"],
    title="100 concurrent requests are answered 5 times sooner than by httpx's own pool",
    source="peers: HTTP client",
    target=at_least(5, "x"),
    category=Category.THROUGHPUT,
)
async def client_throughput(lab: Lab) -> Plan:
    """Ask for 100 snapshots at once: by `httpx.AsyncClient()` as it comes, and by our client."""
    simulation = lab.providers("massive")
    simulation.set_limits("massive")
    key = keys(simulation).massive
    plain = httpx.AsyncClient()
    url = simulation.url("massive")
    spec = replace(SPECS["massive"], base_url=url, limits=(), concurrency=TOGETHER)
    client = Client(spec, open_http(spec.timeouts, connections=TOGETHER), key=key)
    asked = [{"tickers": "AAPL,MSFT", "n": str(n)} for n in range(TOGETHER)]
    headers = {"Authorization": f"Bearer {key.reveal() if key else ''}"}

    async def get(http: httpx.AsyncClient, params: dict[str, str]) -> Any:
        response = await http.get(url + _PATH, params=params, headers=headers)
        return msgspec.json.decode(response.content)["tickers"]

    async def before() -> list[Any]:
        return await asyncio.gather(*(get(plain, params) for params in asked))

    async def after() -> list[Any]:
        return await asyncio.gather(
            *(client.fetch(Request(_PATH, params), _read) for params in asked)
        )

    async def new_client(params: dict[str, str]) -> Any:
        async with httpx.AsyncClient() as http:
            return await get(http, params)

    started = time.perf_counter()
    await asyncio.gather(*(new_client(params) for params in asked[:4]))
    each_s = (time.perf_counter() - started) / 4
    facts = {
        "before": "httpx.AsyncClient() with its defaults, shared by all requests",
        "after": "the platform's client: breaker, places, sharing and counts, over its own pool",
        "together": TOGETHER,
        "answer": "865 bytes",
        "a new client per request, requests a second": round(1 / each_s),
    }
    return Compare(Arm(before), Arm(after), facts=facts, min_rounds=6)


@claim(
    id="C1.client.deduplication",
    rows=["C1"],
    title="100 callers who ask the same at the same moment cause one call",
    source="001.11",
    target=exactly(1, "calls"),
    category=Category.RESILIENCE,
)
def deduplication(lab: Lab) -> Plan:
    """Ask the same question 100 times at once, with no cache, and count arrivals."""
    simulation = lab.providers("finnhub", latency=0.02)

    async def count() -> Counted:
        simulation.reset()
        outside = Outside(simulation)
        client = outside.client("finnhub")
        request = Request("/quote", {"symbol": "AAPL"})
        # A reader of its own for each, as adapters make them.
        calls = (client.fetch(request, lambda answer: answer.body) for _ in range(TOGETHER))
        bodies = await asyncio.gather(*calls)
        await outside.aclose()
        if len(set(bodies)) != 1:
            raise RuntimeError("callers got different answers")
        return Counted(simulation.counts("finnhub").requests, {"callers": len(bodies)})

    return Count(count, "calls")


@claim(
    id="C1.client.retry-after",
    rows=["C1"],
    title="No provider is asked again before the time it named, in seconds or as a date",
    source="000.7, 001.3",
    target=exactly(0, "early calls"),
    category=Category.RESILIENCE,
)
def retry_after(lab: Lab) -> Plan:
    """Let every provider refuse once with a wait of 7 s, and see how long each client waits."""
    simulation = lab.providers()

    async def count() -> Counted:
        early, rows = 0, []
        for said in ("7", "date:7"):
            outside = Outside(simulation, jumping=True)
            questions = outside.questions()
            await outcomes(questions)  # whoever opens a session has one now
            since = {name: len(clock.slept) for name, clock in outside.clocks.items()}
            simulation.fault(None, Fault(Kind.STATUS, status=429, retry_after=said))
            found = await outcomes(questions)
            for name, clock in outside.clocks.items():
                waited = sum(clock.slept[since[name] :])
                # A date has whole seconds, so it may name up to one less.
                short = waited < (7 if said == "7" else 6) or isinstance(found[name], Exception)
                early += short
                rows.append([name, said, round(waited, 1)])
            simulation.fault(None)
            await outside.aclose()
        table = {"columns": ["provider", "Retry-After", "waited, s"], "rows": rows}
        return Counted(early, {"table": table, "clock": "waits are on a clock that jumps"})

    return Count(count, "early calls")


@claim(
    id="C1.client.retry-budget",
    rows=["C1"],
    title="In an outage 300 requests cause no more than 40 further calls: a tenth, and ten",
    source="product target",
    target=at_most(40, "further calls"),
    category=Category.RESILIENCE,
)
def retry_budget(lab: Lab) -> Plan:
    """Ask a broken provider 300 times without a breaker, and count arrivals."""
    simulation, asked = lab.providers("finnhub"), 300

    async def count() -> Counted:
        simulation.reset()
        outside = Outside(
            simulation,
            {"retry": RetryRule(), "breaker": BreakerRule(failures=10_000)},
            jumping=True,
        )
        client = outside.client("finnhub")
        simulation.fault("finnhub", Fault(Kind.STATUS, times=None, status=503))
        calls = (
            client.fetch(Request("/quote", {"symbol": "AAPL", "n": str(n)}), _anything)
            for n in range(asked)
        )
        found = await asyncio.gather(*calls, return_exceptions=True)
        await outside.aclose()
        if not all(isinstance(error, ProviderError) for error in found):
            raise RuntimeError("a request to a broken provider did not fail")
        further = simulation.counts("finnhub").requests - asked
        return Counted(further, {"without a budget": f"{asked * 2} further calls"})

    return Count(count, "further calls")


@claim(
    id="C1.client.stats",
    rows=["C1"],
    title="The client's six documented figures are what the provider saw",
    source="001.9",
    target=exactly(0, "wrong figures"),
    category=Category.RESILIENCE,
)
def stats(lab: Lab) -> Plan:
    """Make a known series of good, failing and repeated requests, and compare every figure."""
    simulation = lab.providers("finnhub")

    async def count() -> Counted:
        simulation.reset()
        rule = BreakerRule(failures=3)
        outside = Outside(simulation, {"breaker": rule}, jumping=True)
        client = outside.client("finnhub")

        async def ask(times: int, fault: Fault | None = None, *, repeatable: bool = True) -> None:
            simulation.fault("finnhub", fault or ())
            for _ in range(times):
                request = Request("/quote", {"symbol": "AAPL"}, repeatable=repeatable)
                await asyncio.gather(client.fetch(request, _anything), return_exceptions=True)

        await ask(10)
        await ask(1, Fault(Kind.STATUS, times=2, status=503))  # two retries, then a success
        await ask(3, Fault(Kind.STATUS, times=3, status=503), repeatable=False)  # opens the breaker
        await ask(2)  # refused by it
        expected = dict(zip(_DOCUMENTED, (16, 11, 5, 2, 0, 2), strict=True))
        told = client.stats().to_dict()
        arrived = simulation.counts("finnhub").requests
        sent = told["requests"] + told["retries"] - told["circuit_breaks"]
        await outside.aclose()
        wrong = sum(told.get(name) != figure for name, figure in expected.items())
        wrong += len(told.keys() ^ expected.keys()) + (sent != arrived)
        return Counted(wrong, {"told": told, "calls that arrived": arrived})

    return Count(count, "wrong figures")


def _anything(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body)
