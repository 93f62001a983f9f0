"""What prices did lately: which symbols are volatile, and which moved enough to matter.

Volatility is the median of the last returns, each brought to one minute, so one bad print among
them changes nothing; the documents (003.1) ask for "high volatility" without saying how high, and
the threshold here is three percent a day. A significant move is measured from the price of the last
one, not of the last tick: a slow drift is noticed when it has added up.

Both remember a bounded number of symbols and forget the one that was silent longest.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Generic, TypeVar

from ava.cache.freshness import symbol_tag

SIGNIFICANT = 0.005  # 003.2: half a percent
SAMPLES = 20
LEAST_SAMPLES = 5  # fewer returns say little, and a symbol just seen is not called volatile
HIGH = 0.03 / math.sqrt(390)  # three percent over the 390 minutes of a session
SYMBOLS = 10_000
_NORMAL = 1.4826  # the median of |x| times this is the deviation, where x is normal
_SHORTEST_S = 1.0  # two prints closer than this are noise between venues, not movement

T = TypeVar("T")


class _Recent(Generic[T]):
    """A dict that forgets what was not touched for longest."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"at least one symbol must be remembered, not {limit}")
        self._limit = limit
        self._held: dict[str, T] = {}

    def touch(self, symbol: str) -> T | None:
        """Return what is held, and make it the one touched last."""
        held = self._held.pop(symbol, None)
        if held is not None:
            self._held[symbol] = held
        return held

    def put(self, symbol: str, value: T) -> None:
        self._held.pop(symbol, None)
        self._held[symbol] = value
        if len(self._held) > self._limit:
            del self._held[next(iter(self._held))]

    def get(self, symbol: str) -> T | None:
        return self._held.get(symbol)

    def __len__(self) -> int:
        return len(self._held)


@dataclass(slots=True)
class _Track:
    price: float
    at_s: float
    returns: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    deviation: float | None = None


class Volatility:
    """Each symbol's deviation of a minute's return, from its last prices."""

    def __init__(self, *, high: float = HIGH, symbols: int = SYMBOLS) -> None:
        self._high = high
        self._tracks = _Recent[_Track](symbols)

    def saw(self, symbol: str, price: float, at_s: float) -> None:
        """Take note of a price; `at_s` are seconds of any clock that does not go back.

        A price that comes out of order, or less than a second after the last, is left out. Raises
        ValueError for a price that is not above 0.
        """
        _checked(symbol, price)
        track = self._tracks.touch(symbol)
        if track is None:
            self._tracks.put(symbol, _Track(price, at_s))
            return
        elapsed_s = at_s - track.at_s
        if elapsed_s < _SHORTEST_S:
            return
        track.returns.append(abs(math.log(price / track.price)) / math.sqrt(elapsed_s / 60))
        track.price, track.at_s, track.deviation = price, at_s, None

    def of(self, symbol: str) -> float | None:
        """Return the deviation of one minute's return (0.001 is 0.1 %), None while unknown."""
        track = self._tracks.get(symbol)
        if track is None or len(track.returns) < LEAST_SAMPLES:
            return None
        if track.deviation is None:
            track.deviation = _NORMAL * median(track.returns)
        return track.deviation

    def is_high(self, symbol: str) -> bool:
        """Say whether a symbol is volatile; one that is not known is not."""
        deviation = self.of(symbol)
        return deviation is not None and deviation >= self._high

    def wildest_first(self, symbols: Iterable[str]) -> list[str]:
        """Return the symbols by falling volatility, those unknown last, in their own order."""
        return sorted(symbols, key=lambda symbol: -(self.of(symbol) or 0.0))

    def __len__(self) -> int:
        return len(self._tracks)


class MoveWatch:
    """Notice when a symbol has moved so far that what was computed from its price is wrong.

    A symbol seen for the first time, or again after being forgotten, sets its reference.
    """

    def __init__(self, *, threshold: float = SIGNIFICANT, symbols: int = SYMBOLS) -> None:
        if threshold <= 0:
            raise ValueError(f"a move must be above 0 to be significant, not {threshold}")
        self._threshold = threshold
        self._references = _Recent[float](symbols)

    def moved(self, symbol: str, price: float) -> tuple[str, ...]:
        """Return the tags to invalidate for this price: one when it moved far enough, or none.

        Raises ValueError for a price that is not above 0.
        """
        _checked(symbol, price)
        reference = self._references.touch(symbol)
        if reference is None:
            self._references.put(symbol, price)
            return ()
        if abs(price - reference) / reference < self._threshold:
            return ()
        self._references.put(symbol, price)
        return (symbol_tag(symbol),)

    def __len__(self) -> int:
        return len(self._references)


def _checked(symbol: str, price: float) -> None:
    if not 0 < price < math.inf:
        raise ValueError(f"a price is a number above 0, not {price} for {symbol}")
