"""The last prices of each symbol, bounded, and read for many symbols at once.

A symbol is a row of one matrix that is twice as wide as the window: a price is written in two
places, so the last `window` prices are always one slice, oldest first, and nothing is ever moved.
The document's list drops its first price with `pop(0)`; a deque would do for one symbol, but the
predictor wants all of them side by side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class History:
    """At most `window` prices of each of at most `symbols` symbols."""

    def __init__(self, *, window: int = 64, symbols: int = 10_000) -> None:
        if window < 2 or symbols < 1:  # noqa: PLR2004 - one price has no return
            raise ValueError(f"a history holds 2 or more prices of a symbol, not {window}")
        self.window = window
        self._most = symbols
        self._rows: dict[str, int] = {}
        self._free: list[int] = []
        self._prices = np.full((min(symbols, 64), 2 * window), np.nan)
        self._heads = np.zeros(len(self._prices), dtype=np.int64)
        self._counts = np.zeros(len(self._prices), dtype=np.int64)
        # A loop asks for the same symbols again and again: their rows are looked up once.
        self._placed_for: list[str] = []
        self._placed_at: Ints = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._rows

    def append(self, symbol: str, price: float) -> None:
        """Add a price; raise ValueError for one that is not above 0, or one symbol too many."""
        self.append_many([symbol], np.array([price]))

    def append_many(self, symbols: Sequence[str], prices: Floats) -> None:
        """Add one price of each of several symbols, all or none; no symbol may stand twice."""
        bad = ~(np.isfinite(prices) & (prices > 0))
        if bad.any():
            at = int(np.argmax(bad))
            raise ValueError(f"a price is above 0, not {prices[at]} for {symbols[at]}")
        rows = self._placed(symbols)
        heads = self._heads[rows]
        self._prices[rows, heads] = prices
        self._prices[rows, heads + self.window] = prices
        self._heads[rows] = (heads + 1) % self.window
        np.minimum(self._counts[rows] + 1, self.window, out=heads)
        self._counts[rows] = heads

    def last(self, symbols: Sequence[str]) -> tuple[Floats, Ints]:
        """Return the prices, a row a symbol, oldest first, and how many of them there are.

        Where there are fewer than the window, the places before the first are NaN. A symbol never
        seen has no price at all.
        """
        known = [self._rows.get(symbol, -1) for symbol in symbols]
        rows = np.array(known, dtype=np.int64)
        columns = self._heads[rows][:, None] + np.arange(self.window)
        prices = self._prices[rows[:, None], columns]
        counts = self._counts[rows]
        unseen = rows < 0
        prices[unseen] = np.nan
        counts[unseen] = 0
        return prices, counts

    def counts(self, symbols: Sequence[str]) -> Ints:
        """Return how many prices there are of each symbol, all of which were seen."""
        return self._counts[self._placed(symbols)]

    def latest(self, symbol: str) -> float:
        """Return the last price of a symbol, NaN for one never seen."""
        row = self._rows.get(symbol)
        if row is None:
            return math.nan
        return float(self._prices[row, self._heads[row] + self.window - 1])

    def forget(self, symbols: Iterable[str]) -> None:
        """Drop symbols that are followed no more, so that others have room."""
        self._placed_for = []
        for symbol in symbols:
            row = self._rows.pop(symbol, None)
            if row is not None:
                self._prices[row] = np.nan
                self._heads[row] = self._counts[row] = 0
                self._free.append(row)

    def _placed(self, symbols: Sequence[str]) -> Ints:
        """Return the row of each symbol; new ones get theirs."""
        if symbols == self._placed_for:
            return self._placed_at
        if len(set(symbols)) < len(symbols):
            raise ValueError("a symbol stands twice among the prices of one moment")
        new = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self._rows]
        if len(self._rows) + len(new) > self._most:
            raise ValueError(f"a history of {self._most} symbols has no room for {new[0]!r}")
        for symbol in new:
            self._rows[symbol] = self._free.pop() if self._free else self._grown()
        self._placed_at = np.array([self._rows[symbol] for symbol in symbols], dtype=np.int64)
        self._placed_for = list(symbols)
        return self._placed_at

    def _grown(self) -> int:
        """Return the next unused row, in a matrix that doubles when it is full."""
        row = len(self._rows)
        if row == len(self._prices):
            more = min(len(self._prices), self._most - row)
            blank = np.full((more, 2 * self.window), np.nan)
            self._prices = np.concatenate([self._prices, blank])
            self._heads = np.concatenate([self._heads, np.zeros(more, dtype=np.int64)])
            self._counts = np.concatenate([self._counts, np.zeros(more, dtype=np.int64)])
        return row
