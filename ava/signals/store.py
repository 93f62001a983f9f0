"""Where what the loop decides is kept, and what a run takes up from the one before it.

Both writes may be repeated: an order, a signal or a fill that is stored already stays as it is, so
a caller that does not know whether a write arrived writes it again. `commit` stores what was
decided, all or nothing, before anything is executed; `settle` stores fills with what is held after
them, all or nothing. An order without a fill is therefore one that may have been executed without
our knowing: it is sent again under its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ava.db.local_rows import Bar
from ava.signals.decide import Signal
from ava.signals.orders import Fill, Holding, Order
from ava.signals.tracker import Open, Outcome


@dataclass(frozen=True, slots=True)
class Decided:
    """What one iteration saw and decided."""

    at: datetime
    bars: Sequence[Bar] = ()
    signals: Sequence[Signal] = ()
    outcomes: Sequence[Outcome] = ()
    orders: Sequence[Order] = ()


@dataclass(frozen=True, slots=True)
class Resumed:
    """What an earlier run left: orders without a fill, holdings, the last signals, those open."""

    unfilled: Sequence[Order] = ()
    holdings: Mapping[str, Holding] = field(default_factory=dict)
    references: Mapping[str, float] = field(default_factory=dict)
    open_signals: Sequence[Open] = ()


class Store(Protocol):
    """Keeps decisions and fills. Raises AvaError when it cannot; what it then holds is unknown."""

    async def resume(self, symbols: Sequence[str], bars: int) -> Resumed:
        """Return what there is of the symbols; signals open for `bars` bars or less."""
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

    async def resume(self, symbols: Sequence[str], bars: int) -> Resumed:
        """Return what was left."""
        unfilled = [order for key, order in self.orders.items() if key not in self.fills]
        last = {s.symbol: float(s.price) for s in self.signals.values() if s.symbol in symbols}
        waiting = [Open(s) for key, s in self.signals.items() if key not in self.outcomes]
        return Resumed(unfilled, dict(self.holdings), last, waiting[-bars * len(symbols) :])

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
