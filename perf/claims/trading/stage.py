"""The loop as `ava trade` runs it, on simulated providers and a real SQLite file.

Both loops ask the same simulated Massive over HTTP with the same latency a call, and both keep what
they decide in a file of their own in the lab's folder. Neither is paced, and no limit on speed
holds them up: what is compared is how they do their work. Ours asks anew at each iteration here,
without the cache that stands before it in service, and its threshold is 0, so that both predict and
store every symbol each time.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import httpx

from ava.providers.massive import Massive, Plan, spec
from ava.signals.broker import PaperBroker
from ava.signals.config import TradingConfig
from ava.signals.loop import TradingLoop
from ava.signals.predictor import Baseline
from ava.signals.source import Snapshot, Source, Tick
from ava.signals.store import Store
from ava.signals.store_local import LocalTrading
from perf.claim import Plan as Measured
from perf.claims.document.trading import SequentialLoop, open_local
from perf.claims.providers.desk import Desk, Ending
from perf.instruments import Arm, Latency
from perf.lab.lab import Lab
from perf.lab.providers import Simulation
from perf.lab.providers.market import day_of, market

# 003: about 36 calls take 0.72 s.
LATENCY_S = 0.02
PACE = 1e6  # of the client's own limits: they are measured elsewhere

_KNOWN, _AGAIN = 500, "~"
_PATH = "/v2/snapshot/locale/us/markets/stocks/tickers"


class Asked:
    """A source that asks Massive each time; the answer's moment is its prices'."""

    def __init__(self, massive: Massive) -> None:
        self._massive = massive

    async def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        """Ask for all symbols at once: a call for 250 of them."""
        named: defaultdict[str, list[str]] = defaultdict(list)
        for symbol in symbols:
            named[symbol.partition(_AGAIN)[2]].append(symbol)
        found = await asyncio.gather(
            *(self._massive.quotes(map(known, group), keep=None) for group in named.values())
        )
        at = datetime.now(UTC)
        prices = {name: quote.price for quotes in found for name, quote in quotes.items()}
        ticks = {symbol: Tick(prices[known(symbol)], at) for symbol in symbols}
        return Snapshot(at, ticks, source="massive")


class Given:
    """A source in memory: prices that walk, a snapshot a call, at the present."""

    def __init__(self, symbols: Sequence[str], *, step: float = 0.006) -> None:
        self._symbols, self._step = symbols, step
        self._numbers = itertools.count()

    async def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        """Return prices of now, each moved by a step up or down."""
        number, at = next(self._numbers), datetime.now(UTC)
        wave = 1 + self._step * abs(number % 32 - 16)
        places = {symbol: place for place, symbol in enumerate(self._symbols)}
        ticks = {s: Tick(round((50 + places[s] % 200) * wave, 4), at) for s in symbols}
        return Snapshot(at, ticks, source="given")


class Stage:
    """What the claims of the loop open, closed on the measurement's event loop."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._stack = AsyncExitStack()
        self._names = (f"loop{n}.db" for n in itertools.count())

    def massive(self, *, latency_s: float = LATENCY_S, moving: bool = True) -> Simulation:
        """Start a Massive that takes that long a call and has no limits."""
        simulation = self._lab.providers("massive", latency=latency_s, moving=moving)
        simulation.set_limits("massive")
        return simulation

    def asked(self, simulation: Simulation) -> Asked:
        """Return the source that asks it."""
        desk = Desk(simulation, pace=PACE)
        return Asked(Massive(desk.client(spec(Plan.SIGNALS))))

    async def store(self) -> LocalTrading:
        """Open a store on a file of its own."""
        path = self._lab.scratch / next(self._names)
        return await self._stack.enter_async_context(LocalTrading.open(path))

    async def loop(
        self, symbols: Sequence[str], source: Source, store: Store | None = None, **config: Any
    ) -> TradingLoop:
        """Return a loop of ours that has taken up nothing."""
        made = TradingConfig(symbols=tuple(symbols), **{"threshold": 0.0, **config})
        kept = await self.store() if store is None else store
        loop = TradingLoop(made, source, kept, PaperBroker(slippage=made.slippage), Baseline())
        await loop.resume()
        return loop

    def document(
        self, symbols: Sequence[str], simulation: Simulation, timed: Callable[[str], None]
    ) -> SequentialLoop:
        """Return the document's loop on one kept connection to the same provider."""
        key = {"authorization": f"Bearer {simulation.key('massive')}"}
        http = self._lab.keep(httpx.Client(base_url=simulation.url("massive"), headers=key))

        def price(symbol: str) -> float:
            answer = http.get(_PATH, params={"tickers": known(symbol)}).raise_for_status().json()
            return float(answer["tickers"][0]["lastTrade"]["p"])

        path = self._lab.scratch / "document.db"
        return SequentialLoop(symbols, price, open_local(str(path)), timed)

    def ending(self, plan: Measured) -> Measured:
        """Return the plan with everything of this stage closed after it."""
        return Ending(plan, self._stack.aclose)


FACTS = {
    "before": "PERF-001's loop: a call, a prediction and two transactions a symbol, in turn",
    "after": "one call for 250 symbols, one prediction for all, two transactions an iteration",
    "latency": f"{LATENCY_S * 1000:g} ms a call for both (003: 36 calls in 0.72 s), over HTTP",
    "left_out": "both loops' pauses between iterations, and our cache: each iteration asks anew",
    "not_ours": "the document leaves SQLite at synchronous = FULL, so each commit waits for disk",
}


class Parts:
    """Seconds by component, for a loop that says when each begins."""

    def __init__(self) -> None:
        self._name, self._since = "", time.perf_counter()
        self.spent: defaultdict[str, float] = defaultdict(float)

    def begin(self, name: str) -> None:
        """End the part under way and begin another."""
        now = time.perf_counter()
        self.spent[self._name] += now - self._since
        self._name, self._since = name, now


async def both(lab: Lab, count: int) -> tuple[Stage, SequentialLoop, TradingLoop, Parts]:
    """Return the document's loop and ours on one provider, with the stage they stand on."""
    stage, parts, symbols = Stage(lab), Parts(), names(count)
    simulation = stage.massive()
    ours = await stage.loop(symbols, stage.asked(simulation))
    return stage, stage.document(symbols, simulation, parts.begin), ours, parts


def nine_of_ten(arm: Arm, facts: dict[str, Any]) -> Measured:
    """Return the plan to time an arm by what nine of ten calls stay under."""
    # Fewer than 36 rounds say nothing of nine in ten.
    return Latency(arm, quantile=0.9, facts=facts, budget_s=1.5, min_rounds=60, check=bool)


async def stored(loop: TradingLoop) -> int:
    """Do an iteration of ours; return of how many symbols a bar and a signal are stored."""
    done = await loop.step()
    if done is None or done.missing:
        raise RuntimeError("a symbol without a price is no equal work")
    return len(done.signals)


def names(count: int) -> list[str]:
    """Return names of symbols: the market's first 500, then the same again under other names.

    The simulated market knows no more; what is asked and answered is the same for both kinds.
    """
    some = market(0, day_of(datetime.now(UTC).timestamp())).symbols[:_KNOWN]
    rounds = (
        name if turn == 0 else f"{name}{_AGAIN}{turn}"
        for turn in itertools.count()
        for name in some
    )
    return list(itertools.islice(rounds, count))


def known(symbol: str) -> str:
    """Return what the market calls a symbol."""
    return symbol.partition(_AGAIN)[0]
