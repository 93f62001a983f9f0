"""What became of signals: the price some bars later, held against what was said.

A signal to buy wins when the price rose by more than `flat`, one to sell when it fell by more;
within `flat` it was neither. Signals to hold say nothing that could be right or wrong. A bar is one
price of the symbol. Each symbol has at most as many open signals as there are bars to wait, so
memory is bounded by what is followed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ava.signals.decide import Action, Signal


class Ending(StrEnum):
    """How a signal ended."""

    WIN = "win"
    LOSS = "loss"
    FLAT = "flat"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A signal (by symbol, moment and model), how it ended, and the price it ended at."""

    symbol: str
    at: datetime
    model: str
    ending: Ending
    price: Decimal


@dataclass(slots=True)
class Open:
    """A signal whose outcome is not known; `bars` have passed since."""

    signal: Signal
    bars: int = 0


class Tracker:
    """The open signals, each settled after `bars` more prices of its symbol."""

    def __init__(self, *, bars: int = 10, flat: float = 0.001) -> None:
        self._open: dict[str, deque[Open]] = {}
        self.rule(bars=bars, flat=flat)

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def rule(self, *, bars: int, flat: float) -> None:
        """Settle by another rule from now on; raise ValueError for one that cannot be."""
        if bars < 1 or flat < 0:
            raise ValueError(f"an outcome needs a bar and no negative margin: {bars}, {flat}")
        self._bars = bars
        self._flat = Decimal(repr(flat))

    def follow(self, signals: Iterable[Signal]) -> None:
        """Wait for the outcome of signals to buy or to sell."""
        self.restore(Open(signal) for signal in signals if signal.action is not Action.HOLD)

    def restore(self, signals: Iterable[Open]) -> None:
        """Take up signals that an earlier run left open, the oldest first."""
        for one in signals:
            self._open.setdefault(one.signal.symbol, deque()).append(one)

    def due(self, prices: Mapping[str, Decimal]) -> list[Outcome]:
        """Count these prices as a bar of their symbols, and return what is thereby settled."""
        found: list[Outcome] = []
        for symbol in self._open.keys() & prices.keys():
            waiting = self._open[symbol]
            for one in waiting:
                one.bars += 1
            while waiting and waiting[0].bars >= self._bars:
                found.append(self._ended(waiting.popleft().signal, prices[symbol]))
            if not waiting:
                del self._open[symbol]
        return sorted(found, key=lambda outcome: (outcome.at, outcome.symbol))

    def forget(self, symbols: Iterable[str]) -> None:
        """Drop symbols that are followed no more; what was open of them stays without outcome."""
        for symbol in symbols:
            self._open.pop(symbol, None)

    def _ended(self, signal: Signal, price: Decimal) -> Outcome:
        gain = price / signal.price - 1
        gain = gain if signal.action is Action.BUY else -gain
        ending = Ending.FLAT
        if abs(gain) > self._flat:
            ending = Ending.WIN if gain > 0 else Ending.LOSS
        return Outcome(signal.symbol, signal.at, signal.model, ending, price)
