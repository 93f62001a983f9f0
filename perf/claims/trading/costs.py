"""Row T4: what a cycle costs its providers, and how often the cache spares the question.

Calls are counted by the simulated providers. The session is played on a virtual clock with prices
that walk as wildly as those of `perf.claims.cache.streams`, whose two instances on one shared cache
are row K2's question (K2.signals.*): there the cycle is as long as the document's cache needs to
show its 29 %, here it is the running loop's own, of one instance, with the source, the volatility
and the cache it has in service. Ours refreshes nothing ahead: a price decided on late is an old
one.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ava.cache.memory import MemoryCache
from ava.cache.movement import Volatility
from ava.cache.tiered import Cache
from ava.platform import Platform
from ava.providers.market import Quote
from ava.section import Secret
from ava.settings import ProviderKeys, Settings, StateSettings
from ava.signals.broker import PaperBroker
from ava.signals.config import TradingConfig
from ava.signals.loop import TradingLoop
from ava.signals.predictor import Baseline
from ava.signals.prices import COIN, MarketPrices
from ava.signals.replay import Ledger
from perf.claim import Category, Plan, at_least, at_most, claim, prepare
from perf.claims.abreast import abreast
from perf.claims.cache.streams import StreamClock, new_york_morning, walk_step
from perf.claims.document.caching import PRICE_TTL_S, QueryCache
from perf.claims.trading.stage import names
from perf.instruments import Count, Counted
from perf.lab.lab import Lab, Profile
from perf.lab.providers import Simulation

CYCLE = 36  # 003: calls a cycle, before
STOCKS = tuple(f"S{n}" for n in range(45))
COINS = tuple(f"{COIN}C{n}USD" for n in range(6))
INTERVALS_S = (1.0, 2.0, 5.0, 10.2)


async def _cycles(lab: Lab, simulation: Simulation, *, paid: bool, folder: Path) -> list[int]:
    """Return the calls that the providers counted in each of three cycles of 36 symbols."""
    key = Secret(simulation.key("massive")) if paid else None
    settings = Settings(keys=ProviderKeys(massive=key), state=StateSettings(directory=folder))
    urls = {name: simulation.url(name) for name in simulation.names}
    urls["yahoo_door"] = urls["yahoo"]
    counted = []
    async with AsyncExitStack() as stack:
        opening = Platform.open(settings, urls=urls, pace=1000, rng=random.Random(lab.seed))  # noqa: S311 - spreads
        platform = await stack.enter_async_context(opening)
        source = MarketPrices(platform)
        for _ in range(3):
            before = _seen(simulation)
            found = await source.snapshot(names(CYCLE))
            if len(found.ticks) < CYCLE:
                raise RuntimeError(f"a cycle without prices counts nothing: {found.missing}")
            counted.append(_seen(simulation) - before)
    return counted


def _seen(simulation: Simulation) -> int:
    return sum(simulation.counts(name).requests for name in simulation.names)


@claim(
    id="T4.calls",
    rows=["T4"],
    title="A cycle makes fewer than 15 provider calls where it made 36",
    source="003 targets",
    category=Category.RESOURCES,
    target=at_most(14, "calls"),
)
@claim(
    id="T4.calls-3",
    rows=["T4", "T10"],
    title="A cycle makes at most three provider calls, since providers are asked in batches",
    source="003 future enhancements; the bound is a product target",
    category=Category.RESOURCES,
    target=at_most(3, "calls"),
)
def calls(lab: Lab) -> Plan:
    """Count three cycles in a row, by Massive's snapshot and by Yahoo, which needs no key."""
    simulation = lab.providers("massive", "yahoo")

    async def count() -> Counted:
        simulation.reset()
        simulation.expire_sessions("yahoo")
        counted = {}
        for turn, paid in enumerate((True, False)):
            folder = lab.scratch / f"state{turn}"
            folder.mkdir(exist_ok=True)
            counted[paid] = await _cycles(lab, simulation, paid=paid, folder=folder)
        rows = [
            ["the document's: a call a symbol", CYCLE, CYCLE, CYCLE],
            ["Massive's snapshot, with a key that pays for it", *counted[True]],
            ["Yahoo: a cookie, a crumb and the quotes, then the cache", *counted[False]],
        ]
        columns = ["source", "first cycle", "second", "third"]
        facts = {"symbols": CYCLE, "table": {"columns": columns, "rows": rows}}
        return Counted(max(map(max, counted.values())), facts)

    return Count(count, "calls")


class Walk:
    """Stands for the platform: prices that walk by the clock, and who asked for them how often."""

    def __init__(self, clock: StreamClock, seed: int) -> None:
        self._clock, self._rng = clock, random.Random(seed)  # noqa: S311 - walks of prices
        self._step = {name: walk_step(self._rng, coin=name in COINS) for name in (*STOCKS, *COINS)}
        self._held = dict.fromkeys(self._step, (100.0, 0.0))
        self.cache = Cache(MemoryCache[Any](clock=clock), clock=clock, rng=self._rng)
        self.massive = SimpleNamespace(quotes=self._quotes, crypto=self._quotes)
        self.gateway = SimpleNamespace(offers=lambda name: name == "massive", health=dict)
        self.calls = 0

    async def _quotes(self, symbols: Iterable[str], **_: Any) -> dict[str, Quote]:
        self.calls += 1
        now = self._clock.now()
        return {name: Quote(symbol=name, price=self._moved(name), at=now) for name in symbols}

    def _moved(self, name: str) -> float:
        price, since_s = self._held[name]
        elapsed_s = self._clock.at_s - since_s
        price *= 1 + self._rng.gauss(0, self._step[name]) * math.sqrt(elapsed_s / 60)
        self._held[name] = price, self._clock.at_s
        return price


async def _session(seed: int, interval_s: float, hours: float) -> dict[str, Any]:
    """Run the loop through a session; return what both caches made of its look-ups."""
    clock = StreamClock(new_york_morning() + timedelta(minutes=30))
    walk, volatility = Walk(clock, seed), Volatility()
    config = TradingConfig(symbols=(*STOCKS, *COINS), interval_s=interval_s)
    source = MarketPrices(cast("Platform", walk), is_volatile=volatility.is_high, clock=clock)
    loop = TradingLoop(
        config, source, Ledger(), PaperBroker(), Baseline(), volatility=volatility, clock=clock
    )
    document, before = QueryCache(clock.monotonic), 0
    cycles = int(hours * 3600 / interval_s)
    for cycle in range(cycles):
        clock.at_s = cycle * interval_s
        await loop.step()
        for name in config.symbols:
            if document.get(name) is None:
                before += 1
                document.set(name, "price", PRICE_TTL_S)
    stats = walk.cache.stats()
    asks = cycles * len(config.symbols)
    return {
        "hits": 100 * stats.l1_hits / asks,
        "hits_before": 100 * (1 - before / asks),
        "calls": walk.calls,
        "calls_before": before,
        "saved": 100 * (1 - walk.calls / before),
        "cycles": cycles,
    }


def _played(piece: tuple[int, float, float]) -> dict[str, Any]:
    return asyncio.run(_session(*piece))


@prepare("trading session")
def session(lab: Lab) -> dict[str, Any]:
    """Play a session at each interval, once for all that is counted in it."""
    full = lab.profile is Profile.FULL
    hours = 6.5 if full else 0.5
    intervals = INTERVALS_S if full else (INTERVALS_S[0], INTERVALS_S[2])
    played = abreast(_played, [(lab.seed, each, hours) for each in intervals])
    return {"hours": hours, "intervals": list(intervals), "played": played}


def _plan(lab: Lab, name: str, unit: str) -> Plan:
    made = lab.prepared["trading session"]
    hours, played = made["hours"], made["played"]
    rows = [
        [
            each,
            round(one["hits_before"], 1),
            round(one["hits"], 1),
            round(one["calls_before"] / hours),
            round(one["calls"] / hours),
        ]
        for each, one in zip(made["intervals"], played, strict=True)
    ]
    columns = [
        "seconds between cycles",
        "hits, document, %",
        "hits, %",
        "calls an hour, document",
        "calls an hour",
    ]
    facts = {
        "before": "a price kept 10 s in a dict (003: base_ttl), a call a symbol",
        "after": "003.1's times by market and volatility, a call for all that are due",
        "session": f"{hours:g} hours from 9:30 in New York, on a virtual clock",
        "symbols": f"{len(STOCKS)} stocks and {len(COINS)} coins, whose prices walk",
        "interval": "the loop's default of 1 s; at 5 s it finds fewer prices fresh, and asks no"
        " more often",
        "cost": "counted in calls; a plan that is paid by the month costs what it costs",
        "table": {"columns": columns, "rows": rows},
    }
    return Count(lambda: Counted(float(played[0][name]), facts), unit, repeats=1)


@claim(
    id="T4.hits",
    rows=["T4", "K2"],
    title="The running loop finds 80 % of the prices it looks up in the cache",
    source="003 targets",
    category=Category.CACHING,
    target=at_least(80, "% of look-ups"),
    needs=["trading session"],
)
def hits(lab: Lab) -> Plan:
    """Count look-ups of a session in the open market, where prices are kept shortest."""
    return _plan(lab, "hits", "% of look-ups")


@claim(
    id="T4.cost",
    rows=["T4"],
    title="Provider calls, and with them what is paid by the call, fall by 60 %",
    source="003 targets",
    category=Category.RESOURCES,
    target=at_least(60, "% of calls"),
    needs=["trading session"],
)
@claim(
    id="T4.cost-70",
    rows=["T4"],
    title="Provider calls, and with them what is paid by the call, fall by 70 %",
    source="003 targets",
    category=Category.RESOURCES,
    target=at_least(70, "% of calls"),
    needs=["trading session"],
)
def cost(lab: Lab) -> Plan:
    """Count the calls of the same session."""
    return _plan(lab, "saved", "% of calls")
