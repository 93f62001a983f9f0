"""Where prices come from: one question for all symbols, answered as far as it can be.

A symbol without a price says why, and keeps everything else as it is: nothing is decided on a price
that nobody gave. `calls` are the requests that left for a provider, which is what a cycle costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tick:
    """The price of a symbol at a moment, with the bar it belongs to where that is known."""

    price: float
    at: datetime
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The prices of one moment by symbol, and why the others have none."""

    at: datetime
    ticks: Mapping[str, Tick]
    missing: Mapping[str, str] = field(default_factory=dict)
    calls: int = 0
    source: str = "unknown"


class Source(Protocol):
    """Gives the prices of now."""

    async def snapshot(self, symbols: Sequence[str]) -> Snapshot | None:
        """Return the prices of symbols; None when there will be no more (a replay has ended).

        A provider that fails is a reason in `missing`, not an error.
        """
        ...


class ScriptedSource:
    """Prices given beforehand, for tests: one snapshot a call."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self._left = list(reversed(snapshots))

    async def snapshot(self, symbols: Sequence[str]) -> Snapshot | None:
        """Return the next one, reduced to what was asked for."""
        if not self._left:
            return None
        given = self._left.pop()
        ticks = {symbol: given.ticks[symbol] for symbol in symbols if symbol in given.ticks}
        return Snapshot(given.at, ticks, given.missing, given.calls, given.source)
