"""The trading loop: fetch, detect, predict, store, execute, for all symbols at once.

An iteration is one question to the source, one pass of the model over the symbols that moved, one
write of everything that was decided, and one of what was executed. What is decided is stored before
it is executed, and executed under an id that is filled once, so an end at any point (a kill, a lost
store) loses no fill and doubles none: `resume` sends again what has no fill. While the store cannot
be reached nothing new is decided: the same write is repeated until it arrives.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar

import numpy as np

from ava.cache.movement import Volatility
from ava.clock import Clock, SystemClock
from ava.db.local_engine import LocalStoreClosedError, LocalStoreRowError
from ava.db.local_rows import LARGEST, Bar
from ava.errors import (
    AvaError,
    BadValueError,
    ConstraintError,
    PoolClosedError,
    StatementError,
)
from ava.signals.accounts import Accounts, Component
from ava.signals.broker import Broker
from ava.signals.change import Changes
from ava.signals.config import TradingConfig
from ava.signals.decide import (
    LEAST_PRICE,
    MOST_PRICE,
    Signal,
    exact_price,
    order_for,
    signals_of,
)
from ava.signals.features import LEAST, features
from ava.signals.history import History
from ava.signals.opinion import Opinions
from ava.signals.orders import Fill, Holding, Order, applied
from ava.signals.predictor import Predictor
from ava.signals.source import Snapshot, Source, Tick
from ava.signals.store import Decided, Store
from ava.signals.tracker import Tracker
from ava.telemetry.signals import SignalRecorder

RETRY_S = (0.1, 10.0)  # between repeated writes: the first wait, doubled up to the last
# What repeating a write does not cure.
_HOPELESS = (
    BadValueError,
    ConstraintError,
    StatementError,
    PoolClosedError,
    LocalStoreRowError,
    LocalStoreClosedError,
)
# What a configuration cannot change while the loop runs: memory, model and broker are made of it.
FIXED = ("window", "most_symbols", "slippage", "noise", "seed", "opinion")

T = TypeVar("T")

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
        opinions: Opinions | None = None,
        recorder: SignalRecorder | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._source, self._store = source, store
        self._broker, self._predictor, self._opinions = broker, predictor, opinions
        self._clock = clock or SystemClock()
        self._recorder = recorder or SignalRecorder()
        self.accounts = Accounts(self._clock)
        self._history = History(window=config.window, symbols=config.most_symbols)
        # One that has seen nothing yet is false, and still the one that the source asks.
        self._volatility = (
            Volatility(symbols=config.most_symbols) if volatility is None else volatility
        )
        self._changes = Changes(config.threshold)
        self._tracker = Tracker(bars=config.outcome_bars, flat=config.outcome_flat)
        self._holdings: dict[str, Holding] = {}
        self._seen: dict[str, datetime] = {}  # the moment of each symbol's last price
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
        self._seen = dict(found.moments)
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
            usable = self._usable(snapshot)
            ticks = self._new(usable)
            changed = self._detect(ticks)
        with self.accounts.of(Component.PREDICT):
            signals = self._predict(changed, ticks)
            decided = self._decide(snapshot, ticks, signals)
        with self.accounts.of(Component.STORE):
            if decided.bars:
                await self._insist("store", lambda: self._store.commit(decided))
            self._remember(decided, ticks)
        with self.accounts.of(Component.EXECUTE):
            fills = await self._execute(decided.orders)
        with self.accounts.of(Component.MONITOR):
            missing = len(self._config.symbols) - len(usable)
            skipped = len(usable) - len(changed)
            generated_s = self.accounts.so_far(Component.DETECT, Component.PREDICT)
            self._recorder.record(generated_s, symbols=len(usable), skipped=skipped)
        spent = self.accounts.close()
        return Iteration(len(usable), missing, skipped, signals, fills, snapshot.calls, spent)

    def reconfigure(self, config: TradingConfig) -> None:
        """Go on by another configuration; what is no longer followed is forgotten.

        Raises ValueError for a change that needs a restart, see `FIXED`.
        """
        changed = [name for name in FIXED if getattr(config, name) != getattr(self._config, name)]
        if changed:
            raise ValueError(f"{', '.join(changed)} can be changed by a restart only")
        gone = set(self._config.symbols) - set(config.symbols)
        for memory in (self._history, self._changes, self._tracker):
            memory.forget(gone)
        for symbol in gone:
            self._seen.pop(symbol, None)
        self._changes.threshold = config.threshold
        self._tracker.rule(bars=config.outcome_bars, flat=config.outcome_flat)
        self._config = config

    def _usable(self, snapshot: Snapshot) -> dict[str, Tick]:
        """Return the ticks that may be decided on: not too old, and with a price."""
        oldest = snapshot.at - timedelta(seconds=self._config.oldest_s)
        return {
            symbol: tick
            for symbol, tick in snapshot.ticks.items()
            if tick.at >= oldest and LEAST_PRICE <= tick.price <= MOST_PRICE
        }

    def _new(self, ticks: dict[str, Tick]) -> dict[str, Tick]:
        """Return the ticks that are later than those taken before.

        A price that is asked for more often than it changes is one price, and one bar.
        """
        seen = self._seen
        return {
            symbol: tick
            for symbol, tick in ticks.items()
            if symbol not in seen or tick.at > seen[symbol]
        }

    def _detect(self, ticks: Mapping[str, Tick]) -> list[str]:
        """Take note of the prices and return the symbols that moved, the wildest first."""
        prices = {symbol: tick.price for symbol, tick in ticks.items()}
        symbols = list(prices)
        self._history.append_many(symbols, np.array(list(prices.values())))
        # Now enough is known: the signal that said it was not stands no longer.
        ripe = np.flatnonzero(self._history.counts(symbols) == LEAST)
        self._changes.forget(symbols[place] for place in ripe)
        for symbol, tick in ticks.items():
            self._seen[symbol] = tick.at
            self._volatility.saw(symbol, tick.price, tick.at.timestamp())
        return self._volatility.wildest_first(self._changes.changed(prices))

    def _predict(self, changed: Sequence[str], ticks: Mapping[str, Tick]) -> list[Signal]:
        if not changed:
            return []
        seen = features(*self._history.last(changed))
        said = self._predictor.predict(seen)
        at = [ticks[symbol].at for symbol in changed]
        signals = signals_of(changed, seen, said, at, self._predictor.name)
        return signals if self._opinions is None else self._opinions.weigh(signals)

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
        fills = [await self._insist("broker", partial(self._broker.submit, o)) for o in orders]
        held = dict(self._holdings)
        for fill in fills:
            held[fill.symbol] = applied(held.get(fill.symbol, Holding(fill.symbol)), fill)
        if fills:
            touched = [held[symbol] for symbol in dict.fromkeys(f.symbol for f in fills)]
            await self._insist("store", lambda: self._store.settle(fills, touched))
        self._holdings = held
        return fills

    async def _insist(self, whom: str, write: Callable[[], Awaitable[T]]) -> T:
        """Repeat a write until it arrives: going on without it could lose or double an order.

        Raises the error that no repetition cures; what was stored is taken up by `resume`.
        """
        wait_s, most_s = RETRY_S
        while True:
            try:
                return await write()
            except _HOPELESS:
                raise
            except AvaError as error:
                logger.warning("trading waits for its %s, again in %g s: %s", whom, wait_s, error)
            await self._clock.sleep(wait_s)
            wait_s = min(2 * wait_s, most_s)

    def _held(self, symbol: str) -> Holding:
        return self._holdings.get(symbol) or Holding(symbol)


def _bar(symbol: str, tick: Tick, close: Decimal, source: str) -> Bar:
    """Return the bar of a tick; what is not known of it is its price."""
    known = (tick.open, tick.high, tick.low)
    opened, high, low = (close if price is None else exact_price(price) for price in known)
    return Bar(symbol, tick.at, opened, high, low, close, _whole(tick.volume), source)


def _whole(volume: float | None) -> int:
    """Return a volume as stores keep it; one that cannot be is not known, which is 0."""
    return int(volume) if volume is not None and 0 <= volume < LARGEST else 0
