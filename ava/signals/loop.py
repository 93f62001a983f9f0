"""The trading loop: fetch, detect, predict, store, execute, for all symbols at once.

An iteration is one question to the source, one pass of the model over the symbols that moved, one
write of everything that was decided, and one of what was executed. What is decided is stored before
it is executed, and executed under an id that is filled once, so an end at any point (a kill, a lost
store) loses no fill and doubles none: `resume` sends again what has no fill. While the store cannot
be reached nothing new is decided: the same write is repeated until it arrives.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from ava.cache.movement import Volatility
from ava.clock import Clock, SystemClock
from ava.db.local_rows import Bar
from ava.errors import AvaError
from ava.signals.accounts import Accounts, Component
from ava.signals.broker import Broker
from ava.signals.change import Changes
from ava.signals.config import TradingConfig
from ava.signals.decide import LEAST_PRICE, Signal, exact_price, order_for, signals_of
from ava.signals.features import features
from ava.signals.history import History
from ava.signals.orders import Fill, Holding, Order, applied
from ava.signals.predictor import Predictor
from ava.signals.source import Snapshot, Source, Tick
from ava.signals.store import Decided, Store
from ava.signals.tracker import Tracker
from ava.telemetry.signals import SignalRecorder

RETRY_S = (0.1, 10.0)  # between repeated writes: the first wait, doubled up to the last

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Iteration:
    """What one iteration did, and the seconds each component took."""

    prices: int
    missing: int
    skipped: int
    signals: Sequence[Signal]
    fills: Sequence[Fill]
    calls: int
    spent: Mapping[Component, float]

    @property
    def total_s(self) -> float:
        """All of it."""
        return sum(self.spent.values())


class TradingLoop:
    """Trades the configured symbols, an iteration at a time."""

    def __init__(  # noqa: PLR0913 - what is traded with, each replaceable
        self,
        config: TradingConfig,
        source: Source,
        store: Store,
        broker: Broker,
        predictor: Predictor,
        *,
        volatility: Volatility | None = None,
        recorder: SignalRecorder | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._source, self._store = source, store
        self._broker, self._predictor = broker, predictor
        self._clock = clock or SystemClock()
        self._recorder = recorder or SignalRecorder()
        self.accounts = Accounts(self._clock)
        self._history = History(window=config.window, symbols=config.most_symbols)
        self._volatility = volatility or Volatility(symbols=config.most_symbols)
        self._changes = Changes(config.threshold)
        self._tracker = Tracker(bars=config.outcome_bars, flat=config.outcome_flat)
        self._holdings: dict[str, Holding] = {}
        self._config = config

    @property
    def config(self) -> TradingConfig:
        """What is traded, and how."""
        return self._config

    @property
    def holdings(self) -> Mapping[str, Holding]:
        """What is held, by symbol."""
        return self._holdings

    async def resume(self) -> Sequence[Fill]:
        """Take up what an earlier run left, and return the fills of orders that had none."""
        config = self._config
        found = await self._store.resume(
            config.symbols, window=config.window, bars=config.outcome_bars
        )
        self._holdings = dict(found.holdings)
        for symbol, prices in found.prices.items():
            for price in prices:
                self._history.append(symbol, price)
        self._changes.restore(found.references)
        self._tracker.restore(found.open_signals)
        return await self._execute(found.unfilled)

    async def step(self) -> Iteration | None:
        """Do one iteration; None when the source has no more."""
        with self.accounts.of(Component.FETCH):
            snapshot = await self._source.snapshot(self._config.symbols)
        if snapshot is None:
            return None
        with self.accounts.of(Component.DETECT):
            ticks = self._usable(snapshot)
            changed = self._detect(ticks)
        with self.accounts.of(Component.PREDICT):
            signals = self._predict(changed, snapshot)
            decided = self._decide(snapshot, ticks, signals)
        with self.accounts.of(Component.STORE):
            await self._insist(lambda: self._store.commit(decided))
            self._remember(decided, ticks)
        with self.accounts.of(Component.EXECUTE):
            fills = await self._execute(decided.orders)
        with self.accounts.of(Component.MONITOR):
            missing = len(self._config.symbols) - len(ticks)
            skipped = len(ticks) - len(changed)
            generated_s = self.accounts.so_far(Component.DETECT, Component.PREDICT)
            self._recorder.record(generated_s, symbols=len(ticks), skipped=skipped)
        spent = self.accounts.close()
        return Iteration(len(ticks), missing, skipped, signals, fills, snapshot.calls, spent)

    def reconfigure(self, config: TradingConfig) -> None:
        """Go on by another configuration; what is no longer followed is forgotten.

        Raises ValueError for a change that needs a restart: the window and the most symbols there
        can be, which memory is laid out by.
        """
        fixed = ("window", "most_symbols")
        if any(getattr(config, name) != getattr(self._config, name) for name in fixed):
            raise ValueError("the window and the most symbols change with a restart only")
        gone = set(self._config.symbols) - set(config.symbols)
        for memory in (self._history, self._changes, self._tracker):
            memory.forget(gone)
        self._changes.threshold = config.threshold
        self._tracker.rule(bars=config.outcome_bars, flat=config.outcome_flat)
        self._config = config

    def _usable(self, snapshot: Snapshot) -> dict[str, Tick]:
        """Return the ticks that may be decided on: not too old, and with a price."""
        oldest = snapshot.at - timedelta(seconds=self._config.oldest_s)
        return {
            symbol: tick
            for symbol, tick in snapshot.ticks.items()
            if tick.at >= oldest and LEAST_PRICE <= tick.price < math.inf
        }

    def _detect(self, ticks: Mapping[str, Tick]) -> list[str]:
        """Take note of the prices and return the symbols that moved, the wildest first."""
        prices = {symbol: tick.price for symbol, tick in ticks.items()}
        self._history.append_many(list(prices), np.array(list(prices.values())))
        for symbol, tick in ticks.items():
            self._volatility.saw(symbol, tick.price, tick.at.timestamp())
        return self._volatility.wildest_first(self._changes.changed(prices))

    def _predict(self, changed: Sequence[str], snapshot: Snapshot) -> list[Signal]:
        if not changed:
            return []
        seen = features(*self._history.last(changed))
        said = self._predictor.predict(seen)
        return signals_of(changed, seen, said, snapshot.at, self._predictor.name)

    def _decide(
        self, snapshot: Snapshot, ticks: Mapping[str, Tick], signals: Sequence[Signal]
    ) -> Decided:
        """Return all that is to be stored before anything is executed."""
        rule = self._config.rule
        wanted = [order_for(s, self._held(s.symbol), rule) for s in signals]
        exact = {symbol: exact_price(tick.price) for symbol, tick in ticks.items()}
        return Decided(
            at=snapshot.at,
            bars=[_bar(s, tick, exact[s], snapshot.source) for s, tick in ticks.items()],
            signals=signals,
            outcomes=self._tracker.due(exact),
            orders=[order for order in wanted if order is not None],
        )

    def _remember(self, decided: Decided, ticks: Mapping[str, Tick]) -> None:
        """Take what is stored for done."""
        symbols = [signal.symbol for signal in decided.signals]
        self._changes.signalled(symbols, {symbol: ticks[symbol].price for symbol in symbols})
        self._tracker.follow(decided.signals)

    async def _execute(self, orders: Sequence[Order]) -> list[Fill]:
        """Have orders filled and store what is held then; one after the other for one symbol."""
        fills = [await self._broker.submit(order) for order in orders]
        held = dict(self._holdings)
        for fill in fills:
            held[fill.symbol] = applied(held.get(fill.symbol, Holding(fill.symbol)), fill)
        if fills:
            touched = [held[symbol] for symbol in dict.fromkeys(f.symbol for f in fills)]
            await self._insist(lambda: self._store.settle(fills, touched))
        self._holdings = held
        return fills

    async def _insist(self, write: Callable[[], Awaitable[None]]) -> None:
        """Repeat a write until it arrives: going on without it could lose or double an order."""
        wait_s, most_s = RETRY_S
        while True:
            try:
                return await write()
            except AvaError as error:
                logger.warning("trading waits for its store, again in %g s: %s", wait_s, error)
            await self._clock.sleep(wait_s)
            wait_s = min(2 * wait_s, most_s)

    def _held(self, symbol: str) -> Holding:
        return self._holdings.get(symbol) or Holding(symbol)


def _bar(symbol: str, tick: Tick, close: Decimal, source: str) -> Bar:
    """Return the bar of a tick; what is not known of it is its price."""
    known = (tick.open, tick.high, tick.low)
    opened, high, low = (close if price is None else exact_price(price) for price in known)
    return Bar(symbol, tick.at, opened, high, low, close, int(tick.volume or 0), source)
