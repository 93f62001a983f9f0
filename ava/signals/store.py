"""Where what the loop decides is kept, and what a run takes up from the one before it.

Both writes may be repeated: an order, a signal or a fill that is stored already stays as it is, so
a caller that does not know whether a write arrived writes it again. `commit` stores what was
decided, all or nothing, before anything is executed; `settle` stores fills with what is held after
them, all or nothing. An order without a fill is therefore one that may have been executed without
our knowing: it is sent again under its id.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from ava.db.local_rows import Bar
from ava.errors import AvaError
from ava.signals.decide import Action, Signal
from ava.signals.orders import ZERO, Fill, Holding, Order
from ava.signals.tracker import Open, Outcome


@dataclass(frozen=True, slots=True)
class Decided:
    """What one iteration saw and decided."""

    at: datetime
    bars: Sequence[Bar] = ()
    signals: Sequence[Signal] = ()
    outcomes: Sequence[Outcome] = ()
    orders: Sequence[Order] = ()


# What a signal says of the price, in the words of the stores' predictions.
DIRECTIONS: Mapping[Action, str] = {Action.BUY: "up", Action.SELL: "down", Action.HOLD: "flat"}


@dataclass(frozen=True, slots=True)
class Resumed:
    """What an earlier run left.

    Orders without a fill, what is held, the price of each symbol's last signal, the signals whose
    outcome is open, each symbol's last prices, the oldest first, and the moment of the last one.
    """

    unfilled: Sequence[Order] = ()
    holdings: Mapping[str, Holding] = field(default_factory=dict)
    references: Mapping[str, float] = field(default_factory=dict)
    open_signals: Sequence[Open] = ()
    prices: Mapping[str, Sequence[float]] = field(default_factory=dict)
    moments: Mapping[str, datetime] = field(default_factory=dict)


class HoldingsDifferError(AvaError):
    """What a store says is held is not the sum of its fills, so nobody knows what is held."""


def check_holdings(held: Mapping[str, Holding], filled: Mapping[str, Decimal]) -> None:
    """Hold what is held against the sums of the fills; raise HoldingsDifferError."""
    for symbol in sorted(held.keys() | filled.keys()):
        quantity = held[symbol].quantity if symbol in held else ZERO
        if quantity != filled.get(symbol, ZERO):
            raise HoldingsDifferError(
                f"{quantity:f} of {symbol} are held by the store's positions, and"
                f" {filled.get(symbol, ZERO):f} by its fills; something else wrote there: correct"
                " the positions, or trade on another store"
            )


class Store(Protocol):
    """Keeps decisions and fills. Raises AvaError when it cannot; what it then holds is unknown.

    Of a signal whose model gives a price, that prediction is kept beside it.
    """

    async def resume(self, symbols: Sequence[str], *, window: int, bars: int) -> Resumed:
        """Return what there is: all orders and holdings, and of the symbols the rest.

        At most `window` prices of a symbol, and signals open for fewer than `bars` bars. Raises
        HoldingsDifferError where positions are not what the fills add up to.
        """
        ...

    async def commit(self, decided: Decided) -> None:
        """Store what an iteration decided, all or nothing."""
        ...

    async def settle(self, fills: Sequence[Fill], held: Iterable[Holding]) -> None:
        """Store fills and what is held after them, all or nothing."""
        ...


class MemoryStore:
    """A store for tests and for replays that keep nothing: the same promises, in this process."""

    def __init__(self) -> None:
        self.bars: dict[tuple[str, datetime], Bar] = {}
        self.signals: dict[tuple[str, datetime, str], Signal] = {}
        self.outcomes: dict[tuple[str, datetime, str], Outcome] = {}
        self.orders: dict[str, Order] = {}
        self.fills: dict[str, Fill] = {}
        self.holdings: dict[str, Holding] = {}

    async def resume(self, symbols: Sequence[str], *, window: int, bars: int) -> Resumed:
        """Return what was left."""
        unfilled = [order for key, order in self.orders.items() if key not in self.fills]
        mine = [signal for signal in self.signals.values() if signal.symbol in symbols]
        return Resumed(
            unfilled=sorted(unfilled, key=lambda order: (order.decided_at, order.order_id)),
            holdings=dict(self.holdings),
            references={signal.symbol: float(signal.price) for signal in mine},
            open_signals=[one for signal in mine if (one := self._open(signal)).bars < bars],
            prices={symbol: self._closes(symbol)[-window:] for symbol in symbols},
            moments={name: at for name, at in sorted(self.bars) if name in symbols},
        )

    def _open(self, signal: Signal) -> Open:
        if (
            signal.action is Action.HOLD
            or (signal.symbol, signal.at, signal.model) in self.outcomes
        ):
            return Open(signal, sys.maxsize)
        since = [at for symbol, at in self.bars if symbol == signal.symbol and at > signal.at]
        return Open(signal, len(since))

    def _closes(self, symbol: str) -> list[float]:
        mine = sorted((at, bar) for (name, at), bar in self.bars.items() if name == symbol)
        return [float(bar.close) for _, bar in mine]

    async def commit(self, decided: Decided) -> None:
        """Keep what was decided."""
        self.bars.update({(bar.symbol, bar.timestamp): bar for bar in decided.bars})
        for signal in decided.signals:
            self.signals.setdefault((signal.symbol, signal.at, signal.model), signal)
        for outcome in decided.outcomes:
            self.outcomes.setdefault((outcome.symbol, outcome.at, outcome.model), outcome)
        for order in decided.orders:
            self.orders.setdefault(order.order_id, order)

    async def settle(self, fills: Sequence[Fill], held: Iterable[Holding]) -> None:
        """Keep fills and holdings."""
        for fill in fills:
            self.fills.setdefault(fill.order_id, fill)
        self.holdings.update({holding.symbol: holding for holding in held})
