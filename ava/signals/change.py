"""Which symbols are worth a new signal: those that moved since their last one.

The document compares a price with the one seen before it, and stores each price it sees; steps just
under the threshold then never add up, and a symbol can double without a signal. Here the reference
is the price that the last signal was made at, so whatever moves past the threshold is noticed,
however slowly it got there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

THRESHOLD = 0.005  # 003.2: half a percent
# A move of exactly the threshold counts, whatever binary fractions make of it.
_ROUNDING = 1e-12


class Changes:
    """The price of each symbol's last signal, of at most as many symbols as are followed."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        if not 0 <= threshold < 1:
            raise ValueError(f"a threshold is a fraction such as 0.005, not {threshold}")
        self.threshold = threshold
        self._references: dict[str, float] = {}

    def changed(self, prices: Mapping[str, float]) -> list[str]:
        """Return the symbols that moved by the threshold since their last signal, or have none."""
        symbols = list(prices)
        now = np.fromiter(prices.values(), np.float64, len(symbols))
        then = np.array([self._references.get(symbol, np.nan) for symbol in symbols])
        moved = ~(np.abs(now - then) < (self.threshold - _ROUNDING) * then)
        return [symbol for symbol, is_one in zip(symbols, moved, strict=True) if is_one]

    def signalled(self, symbols: Sequence[str], prices: Mapping[str, float]) -> None:
        """Take the present prices as those of the symbols' last signals."""
        self._references.update((symbol, prices[symbol]) for symbol in symbols)

    def restore(self, references: Mapping[str, float]) -> None:
        """Take up where an earlier run ended."""
        self._references.update(references)

    def forget(self, symbols: Iterable[str]) -> None:
        """Drop symbols that are followed no more."""
        for symbol in symbols:
            self._references.pop(symbol, None)
