"""Rows C2 and C3: the market-data clients against those of the documents.

What a limit does is counted on a virtual clock (`perf.claims.providers.virtual`): the same on every
machine. What a caller feels is timed over real sockets, against the documents' own clients; there
both clients' waits and the provider's clock run faster by the same factor, so that 12 s need not be
waited for. A faster clock makes the fixed cost of a call weigh more, in both arms, and makes no
figure better: the shares that are claimed lie below those of the real clock.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx

from ava.cache.memory import MemoryCache
from ava.cache.tiered import Cache
from ava.providers import alpha_vantage, finnhub
from ava.providers.asking import QUOTES
from perf.claim import Category, Plan, at_least, at_most, claim, exactly
from perf.claims.document.feeds import AsyncSpacing, BlockingClient
from perf.claims.providers.desk import Desk
from perf.claims.providers.virtual import SYMBOLS, VIRTUAL, Virtual
from perf.instruments import Arm, Compare, Count, Counted, Latency
from perf.lab.lab import Lab
from perf.sample import Scale

# C2: Alpha Vantage.

AV_PACE = 100


@claim(
    id="C2.spacing.saving",
    rows=["C2"],
    profiles=("full",),
    title="Three Alpha Vantage calls take 75 % less time than with 12 s between them",
    source="000.1",
    target=at_least(75, "%"),
    category=Category.LATENCY,
)
async def spacing_saving(lab: Lab) -> Plan:
    """Ask for three quotes: spaced by the document's blocking sleep, and by our limiter."""
    simulation = lab.providers("alpha_vantage", pace=AV_PACE)
    simulation.set_credits("alpha_vantage", 10**6)
    url, key = simulation.url("alpha_vantage"), simulation.key("alpha_vantage")
    theirs = BlockingClient(lab.keep(httpx.Client(base_url=url)), 12.0 / AV_PACE)
    desk = Desk(simulation, AV_PACE)
    ours = alpha_vantage.AlphaVantage(desk.client(alpha_vantage.SPEC))

    def before() -> list[float]:
        asked = {"function": "GLOBAL_QUOTE", "apikey": key}
        answers = [theirs.get("/query", symbol=symbol, **asked) for symbol in SYMBOLS[:3]]
        return [float(answer["Global Quote"]["05. price"]) for answer in answers]

    async def after() -> list[float]:
        return [(await ours.quote(symbol, keep=None)).price for symbol in SYMBOLS[:3]]

    facts = {
        "before": "the document's client: time.sleep until 12 s after the last call",
        "after": "ours: a call 1 s after the answer to the one before, no sleep that blocks",
        "clock": f"all waits, and the provider's clock, {AV_PACE} times as fast in both arms",
        "provider": "simulated; the day's 25 calls are lifted for the measurement",
    }
    first, second = _rested(before, after, 1.0 / AV_PACE)
    return desk.ending(Compare(first, second, scale=Scale.SAVING, facts=facts))


def _rested(before: Callable[[], Any], after: Callable[[], Any], idle_s: float) -> tuple[Arm, Arm]:
    """Return arms that begin when nothing was asked for a window: the provider remembers."""
    first, second = (Arm(run, reset=lambda: time.sleep(idle_s)) for run in (before, after))
    return first, second


@claim(
    id="C2.loop.stall",
    rows=["C2"],
    title="The event loop turns within 50 ms while Alpha Vantage calls wait for their spacing",
    source="000.1",
    target=at_most(50, "ms"),
    category=Category.LATENCY,
)
async def loop_stall(lab: Lab) -> Plan:
    """Sleep 1 ms again and again while three callers ask without end."""
    pace = 10.0
    simulation = lab.providers("alpha_vantage", pace=pace)
    simulation.set_credits("alpha_vantage", 10**6)
    desk = Desk(simulation, pace)
    ours = alpha_vantage.AlphaVantage(desk.client(alpha_vantage.SPEC))

    async def ask(symbol: str) -> None:
        while True:
            await ours.quote(symbol, keep=None)

    desk.running += [asyncio.ensure_future(ask(symbol)) for symbol in SYMBOLS[:3]]

    async def turn() -> bool:
        await asyncio.sleep(0.001)
        return not any(task.done() for task in desk.running)

    facts = {
        "what": "the time of one asyncio.sleep(1 ms), 99th percentile",
        "meanwhile": f"three callers share one client at 1 s / {pace:g} between calls",
    }
    return desk.ending(Latency(Arm(turn), quantile=0.99, check=bool, min_rounds=400, facts=facts))


@claim(
    id="C2.spacing.refusals",
    rows=["C2"],
    title="Alpha Vantage refuses none of five callers who ask without end for ten minutes",
    source="001.10",
    target=exactly(0, "refusals"),
    category=Category.RESILIENCE,
)
def spacing_refusals(lab: Lab) -> Plan:
    """Ask through our client, with the day's 25 lifted."""

    async def count() -> Counted:
        desk = Virtual("alpha_vantage", seed=lab.seed, unmetered=True)
        feed, stocks = alpha_vantage.AlphaVantage(desk.client(alpha_vantage.SPEC)), desk.symbols
        await desk.saturate(lambda n: feed.quote(stocks[n % len(stocks)], keep=None), 600.0, 5)
        facts = {
            "answered": desk.answered(600.0),
            "limits": "one a second, counted from the answer",
            "measured": VIRTUAL,
        }
        return Counted(desk.limited, facts)

    return Count(count, "refusals")


# C3: Finnhub.


@claim(
    id="C3.throughput.counted",
    rows=["C3"],
    profiles=("full",),
    title="Finnhub answers 10 % more calls in 11 minutes than with 1.1 s between calls",
    source="000.3",
    target=at_least(10, "% more calls"),
    category=Category.THROUGHPUT,
)
def throughput_counted(lab: Lab) -> Plan:
    """Ask without end for 11 minutes of a virtual clock, in both ways."""
    within_s = 660.0

    async def count() -> Counted:
        theirs = Virtual("finnhub", seed=lab.seed)
        spacing = AsyncSpacing(1.1, theirs.clock.monotonic, theirs.clock.sleep)
        headers = {"X-Finnhub-Token": theirs.key}
        while theirs.clock.monotonic() < within_s:
            await spacing.wait()
            await theirs.http.get(
                "http://provider/quote", params={"symbol": "AAPL"}, headers=headers
            )
        ours = Virtual("finnhub", seed=lab.seed)
        stocks = ours.symbols
        feed = finnhub.Finnhub(ours.client(finnhub.SPEC))
        await ours.saturate(lambda n: feed.quote(stocks[n % len(stocks)], keep=None), within_s)
        before, after = theirs.answered(within_s), ours.answered(within_s)
        facts = {
            "before": f"{before} answered, one every 1.1 s (the sleep of 000.3)",
            "after": f"{after} answered, {ours.limited} refused: 60 in any minute, 30 in any"
            " second, counted from the answers",
            "limit": "one a second against one in 1.1 s is 10.0 % in the long run; 660 s is the"
            " shortest whole number of both periods",
            "measured": VIRTUAL,
        }
        return Counted(100 * (after - before) / before, facts)

    return Count(count, "% more calls")


@claim(
    id="C3.throughput.timed",
    rows=["C3"],
    title="120 Finnhub quotes come at least 10 % sooner than with 1.1 s between calls",
    source="000.3",
    target=at_least(1.10, "x"),
    category=Category.THROUGHPUT,
    profiles=("full",),
    deadline_s=120,
)
async def throughput_timed(lab: Lab) -> Plan:
    """Ask for 120 quotes: by the document's blocking sleep, and by our limiter."""
    pace = 120.0
    simulation = lab.providers("finnhub", pace=pace)
    headers = {"X-Finnhub-Token": simulation.key("finnhub")}
    url = simulation.url("finnhub")
    theirs = BlockingClient(lab.keep(httpx.Client(base_url=url, headers=headers)), 1.1 / pace)
    desk = Desk(simulation, pace)
    ours = finnhub.Finnhub(desk.client(finnhub.SPEC))
    symbols = [SYMBOLS[number % 15] for number in range(120)]

    def before() -> list[float]:
        return [float(theirs.get("/quote", symbol=symbol)["c"]) for symbol in symbols]

    async def after() -> list[float]:
        prices: list[float] = [0.0] * len(symbols)

        async def one(number: int) -> None:
            prices[number] = (await ours.quote(symbols[number], keep=None)).price

        # Fifteen at once, each for another symbol: who asks the same at once shares one answer.
        for first in range(0, len(symbols), 15):
            await asyncio.gather(*(one(number) for number in range(first, first + 15)))
        return prices

    facts = {
        "before": "the document's client: time.sleep until 1.1 s after the last call",
        "after": "ours: 60 in any minute and 30 in any second, 15 callers",
        "clock": f"all waits, and the provider's clock, {pace:g} times as fast in both arms",
        "limit": "the first 60 need not wait at all; in the long run the ratio is 1.10 at most",
    }
    first, second = _rested(before, after, 60.0 / pace)
    return desk.ending(Compare(first, second, facts=facts, max_rounds=8))


@claim(
    id="C3.cached.calls",
    rows=["C3"],
    title="1,000 askers for one quote within its 20 s cost Finnhub one call",
    source="001.10",
    target=exactly(1, "calls"),
    category=Category.CACHING,
)
def cached_calls(lab: Lab) -> Plan:
    """Ask 20 at a time, and 50 times in 19 s."""

    async def count() -> Counted:
        desk = Virtual("finnhub", seed=lab.seed)
        memory: MemoryCache[Any] = MemoryCache(clock=desk.clock)
        async with Cache(memory, clock=desk.clock, rng=random.Random(0)) as cache:  # noqa: S311 - jitter
            feed = finnhub.Finnhub(desk.client(finnhub.SPEC, cache=cache))
            keep = replace(QUOTES, jitter=0.0)
            for _ in range(50):
                await asyncio.gather(*(feed.quote("AAPL", keep=keep) for _ in range(20)))
                await desk.clock.sleep(0.35)
        return Counted(len(desk.arrived), {"asked": 1000, "measured": VIRTUAL})

    return Count(count, "calls")
