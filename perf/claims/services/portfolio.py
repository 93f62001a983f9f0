"""Row S1: the portfolio as the service gives it, against the document's way to load it.

Calls are counted by the simulated brokerage over real HTTP. How long a load takes is the number of
calls that wait for one another times the brokerage's latency, so it is measured twice: exactly, on
a virtual clock with the latency at which the document's loop takes the 10 to 20 s it speaks of, and
over real sockets with a short one, where what we do ourselves weighs more and the factor comes out
smaller. Hits are counted on the requests of a day (`perf.claims.cache.streams`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from ava.core import Core
from ava.net.http import open_http
from ava.providers import robinhood
from ava.providers.robinhood import Robinhood
from ava.services.portfolio import Portfolios
from ava.services.valuation import PortfolioView, valued
from perf.claim import Category, Plan, at_least, at_most, claim
from perf.claims.cache.hit_rates import CHOSEN, PROCESSES, USERS
from perf.claims.cache.streams import Desk, OurCache, new_york_morning, replay
from perf.claims.document.brokerage import Get, RobinStocks, load_in_a_loop
from perf.claims.providers.brokerage import getting
from perf.claims.providers.desk import Ending
from perf.claims.providers.virtual import VIRTUAL, Virtual
from perf.claims.services.running import PACE, Running
from perf.instruments import Arm, Compare, Count, Counted, Latency
from perf.lab.lab import Lab
from perf.lab.providers import Simulation

SHORT_S = 0.003  # of an answer, where both ways are timed
LONG_S = 0.13  # at which the document's 112 calls, one after the other, take 15 s
_PANEL = "portfolio"
_BEFORE = "robin_stocks, position by position (001.1, before)"
_AFTER = "the service: both lists, then shares, contracts and quotes in one call each"

Found = dict[str, tuple[Decimal, Decimal]]


def held(view: PortfolioView) -> Found:
    """Return what a view holds: name -> (quantity, price); raise RuntimeError for no price."""
    if view.totals.unpriced:
        raise RuntimeError(f"no price for {', '.join(view.totals.unpriced)}")
    prices = [(one.name, one.quantity, one.price) for one in view.stocks]
    prices += [(one.name, one.quantity, one.price) for one in view.options]
    return {name: (quantity, price) for name, quantity, price in prices if price is not None}


def read(texts: dict[str, tuple[str, str]]) -> Found:
    """Return what the document's way found, as numbers."""
    return {name: (Decimal(quantity), Decimal(price)) for name, (quantity, price) in texts.items()}


def over_http(http: httpx.AsyncClient, simulation: Simulation) -> Get:
    """Return the transport of the document's client: one connection, kept alive."""
    base = simulation.url("robinhood")
    headers = {"authorization": f"Bearer {simulation.key('robinhood')}"}

    async def get(url: str, **params: str) -> Any:
        place = url if url.startswith("http") else base + url
        answer = await http.get(place, params=params or None, headers=headers)
        return answer.raise_for_status().json()

    return get


@dataclass(frozen=True, slots=True)
class Brokerage:
    """One simulated brokerage, the document's client of it and our core at it."""

    simulation: Simulation
    running: Running
    core: Core
    theirs: RobinStocks
    http: httpx.AsyncClient

    @classmethod
    async def open(cls, lab: Lab, latency_s: float) -> Brokerage:
        """Start the brokerage with a constant latency and without a throttle."""
        simulation = lab.providers("robinhood", latency=latency_s, pace=PACE)
        simulation.set_limits("robinhood")
        running = Running(lab)
        core = await running.core(simulation=simulation)
        # The transport is ours, so that what is compared is the calls and not two libraries.
        http = open_http(robinhood.SPEC.timeouts, connections=1)
        return cls(simulation, running, core, RobinStocks(over_http(http, simulation)), http)

    async def before(self) -> Found:
        """Load as the document did."""
        return read(await load_in_a_loop(self.theirs))

    async def after(self) -> Found:
        """Load through the service."""
        return held((await self.core.service(Portfolios).portfolio()).value)

    async def forget(self) -> None:
        """Let the service hold nothing."""
        await self.core.platform.cache.invalidate_tags("portfolio")

    def ending(self, plan: Plan) -> Plan:
        """Return the plan with everything closed after it."""
        return Ending(plan, self.close)

    async def close(self) -> None:
        """Close the core and the document's client."""
        await self.http.aclose()
        await self.running.close()


def facts(latency_s: float) -> dict[str, Any]:
    """Return what a reader must know to place a time."""
    return {
        "portfolio": "25 stocks and 20 options",
        "before": _BEFORE,
        "after": f"{_AFTER}; nothing kept, and nothing from Redis",
        "latency": f"{latency_s * 1000:g} ms an answer, constant, over loopback HTTP",
        "throttle": "lifted for both: the real brokerage takes about one call a second",
        "equal": "quantities and prices of all positions are the same to the last digit",
    }


@claim(
    id="S1.portfolio.faster-20",
    rows=["S1"],
    profiles=("full",),
    title="A portfolio is loaded 20 times faster than position by position",
    source="001.1",
    target=at_least(20, "x"),
    category=Category.LATENCY,
)
@claim(
    id="S1.portfolio.faster-15",
    rows=["S1"],
    profiles=("full",),
    title="A portfolio is loaded 15 times faster than position by position",
    source="001.7",
    target=at_least(15, "x"),
    category=Category.LATENCY,
)
@claim(
    id="S1.portfolio.faster-10",
    rows=["S1"],
    profiles=("full",),
    title="A portfolio is loaded 10 times faster than position by position",
    source="001.1",
    target=at_least(10, "x"),
    category=Category.LATENCY,
)
async def faster(lab: Lab) -> Plan:
    """Time both ways at the same brokerage."""
    brokerage = await Brokerage.open(lab, SHORT_S)
    plan = Compare(
        Arm(brokerage.before),
        Arm(brokerage.after, reset=brokerage.forget),
        facts=facts(SHORT_S),
    )
    return brokerage.ending(plan)


@claim(
    id="S1.portfolio.load",
    rows=["S1"],
    profiles=("full",),
    title="A portfolio is there within a second where the document's loop takes 15 s",
    source="001.1",
    target=at_most(1, "s"),
    category=Category.LATENCY,
)
async def load_time(lab: Lab) -> Plan:
    """Time the service at a brokerage as slow as the document's."""
    brokerage = await Brokerage.open(lab, LONG_S)
    plan = Latency(
        Arm(brokerage.after, reset=brokerage.forget),
        unit="s",
        check=lambda found: len(found) == 45,
        facts={
            **facts(LONG_S),
            "before": f"{_BEFORE}: 112 answers of {LONG_S * 1000:g} ms one after the other",
        },
        min_rounds=8,
        budget_s=3,
    )
    return brokerage.ending(plan)


async def calls_of(lab: Lab) -> dict[str, int]:
    """Return the calls each way makes, counted by the brokerage."""
    brokerage = await Brokerage.open(lab, 0.0)
    try:
        calls, found = {}, {}
        for name, load in (("before", brokerage.before), ("after", brokerage.after)):
            earlier = brokerage.simulation.counts("robinhood").requests
            found[name] = await load()
            calls[name] = brokerage.simulation.counts("robinhood").requests - earlier
    finally:
        await brokerage.close()
    if found["before"] != found["after"]:
        raise RuntimeError("the ways to load a portfolio do not find the same holdings")
    return calls


def counted(lab: Lab, figure: Callable[[dict[str, int]], float], unit: str) -> Plan:
    """Return the plan that loads both ways over real HTTP and counts."""

    async def count() -> Counted:
        calls = await calls_of(lab)
        return Counted(figure(calls), {**facts(0.0), "calls": calls})

    return Count(count, unit, repeats=1)


@claim(
    id="S1.portfolio.calls-5",
    rows=["S1"],
    title="The service loads a portfolio of 45 positions in at most five calls",
    source="001.1",
    target=at_most(5, "calls"),
    category=Category.RESOURCES,
)
@claim(
    id="S1.portfolio.calls-2",
    rows=["S1"],
    title="The service loads a portfolio in two calls or more, as the document says",
    source="001.1",
    target=at_least(2, "calls"),
    category=Category.RESOURCES,
)
def service_calls(lab: Lab) -> Plan:
    """Count at the brokerage what the service asks."""
    return counted(lab, lambda calls: calls["after"], "calls")


@claim(
    id="S1.portfolio.calls-before",
    rows=["S1"],
    title="The document's loop makes fifty calls or more for the same portfolio",
    source="001.1",
    target=at_least(50, "calls"),
    category=Category.RESOURCES,
)
def document_calls(lab: Lab) -> Plan:
    """Count at the brokerage what the loop asks."""
    return counted(lab, lambda calls: calls["before"], "calls")


@claim(
    id="S1.portfolio.fewer",
    rows=["S1"],
    title="The service makes 90 % fewer calls for a portfolio",
    source="001.1",
    target=at_least(90, "% of calls"),
    category=Category.RESOURCES,
)
def fewer_calls(lab: Lab) -> Plan:
    """Compare both counts."""
    return counted(lab, lambda calls: 100 * (1 - calls["after"] / calls["before"]), "% of calls")


async def virtual_seconds(seed: int) -> dict[str, float]:
    """Return how long each way takes on a virtual clock; both must find the same."""
    waits, found = {}, {}
    for way in ("before", "after"):
        virtual = Virtual("robinhood", seed=seed)
        virtual.provider.gauges = []  # the throttle is lifted, as where calls are timed
        if way == "before":
            found[way] = read(await load_in_a_loop(RobinStocks(getting(virtual))))
        else:
            client = virtual.client(robinhood.SPEC)
            found[way] = held(valued(await Robinhood(client).portfolio(keep=None)))
        waits[way] = virtual.clock.monotonic()
    if found["before"] != found["after"]:
        raise RuntimeError("the ways to load a portfolio do not find the same holdings")
    return waits


def virtual(lab: Lab, way: str) -> Plan:
    """Return the plan that loads both ways on a virtual clock."""

    async def count() -> Counted:
        waits = await virtual_seconds(lab.seed)
        told = {**facts(0.0), "latency": VIRTUAL, "virtual_seconds": waits}
        return Counted(waits[way], told)

    return Count(count, "virtual seconds")


@claim(
    id="S1.portfolio.before-10s",
    rows=["S1"],
    title="Position by position a portfolio takes 10 s or more",
    source="001.1",
    target=at_least(10, "virtual seconds"),
    category=Category.LATENCY,
)
@claim(
    id="S1.portfolio.before-20s",
    rows=["S1"],
    title="Position by position a portfolio takes no more than 20 s",
    source="001.1",
    target=at_most(20, "virtual seconds"),
    category=Category.LATENCY,
)
def before_seconds(lab: Lab) -> Plan:
    """Load by the document's loop, each call 40 to 240 ms on its way."""
    return virtual(lab, "before")


@claim(
    id="S1.portfolio.after-1s",
    rows=["S1"],
    title="At the same latency the service has the portfolio in less than a second",
    source="001.1",
    target=at_most(1, "virtual seconds"),
    category=Category.LATENCY,
)
def after_seconds(lab: Lab) -> Plan:
    """Load as the service does, each call 40 to 240 ms on its way."""
    return virtual(lab, "after")


@claim(
    id="S1.portfolio.hits",
    rows=["S1"],
    title="Eight of ten requests for the portfolio are answered from the cache",
    source="001.1",
    target=at_least(80, "% of hits"),
    category=Category.CACHING,
)
def hits(lab: Lab) -> Plan:
    """Replay the portfolio panels of a day at the desk where K2.desk.hits is measured."""

    def count() -> Counted:
        rates = {
            (users, processes): _hit_rate(Desk(users=users, processes=processes, seed=lab.seed))
            for users in USERS
            for processes in PROCESSES
        }
        rows = [[*size, round(rate, 1)] for size, rate in rates.items()]
        alone = Desk(users=1, processes=1, seed=lab.seed)
        told = {
            "before": "no cache: every load asks the brokerage",
            "after": "30 s in memory and in Redis, refreshed at 24 s",
            "users": CHOSEN[0],
            "processes": CHOSEN[1],
            "alone": f"one person whose panel polls every 30 s: {_hit_rate(alone):.1f} %",
            "table": {"columns": ["users", "processes", "hits, %"], "rows": rows},
        }
        return Counted(rates[CHOSEN], told)

    return Count(count, "% of hits", repeats=1)


def _hit_rate(desk: Desk) -> float:
    """Return the hits of the portfolio's panels, with one restart of all processes at midday."""
    stream = [ask for ask in desk.stream() if ask.key == _PANEL]
    midday_s = desk.hours * 1800
    return replay(stream, OurCache, new_york_morning(), desk.processes, [midday_s]).hit_rate
