"""Caching as documents 000 and 003 show it, with its clock passed in.

The hours of 003.1, the key of 000.5, the metadata cache of 000.4 and the premium scanner's of
000.15: the statements are the documents' own, and only `time.time()` has become a parameter, so
that a day can be replayed in a second.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

MARKET_OPEN = 9.5
MARKET_CLOSE = 16.0
SCANNER_TTL_S = 300.0
PRICE_TTL_S = 10.0  # "base_ttl = 10": what the signal system kept prices for before 003.1
_EASTERN = ZoneInfo("America/New_York")
_SATURDAY = 5

# The source of 000.5's key, run in interpreters of their own by the claim about it.
SCAN_KEY = """
symbols, sectors = ["AAPL", "MSFT"], ["Tech", "Energy"]
max_price, min_premium_pct, dte = 50, 1.0, 30
cache_key = (
    f"scan_{hash(frozenset(symbols))}_{max_price}_{min_premium_pct}_{dte}"
    f"_{hash(frozenset(sectors or []))}"
)
print(cache_key)
"""


def is_market_open(at: datetime) -> bool:
    """Say whether 003.1 takes the market for open: on weekdays, from 9:30 to 16:00."""
    eastern = at.astimezone(_EASTERN)
    hour = eastern.hour + eastern.minute / 60
    return eastern.weekday() < _SATURDAY and MARKET_OPEN <= hour < MARKET_CLOSE


def scan_ttl_s(at: datetime) -> float:
    """Return 000.5's time to live of a scan."""
    return 60 if is_market_open(at) else 1800


class SymbolCache:
    """000.15's cache of the premium scanner: a dict that nothing leaves."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self.symbol_cache: dict[str, tuple[Any, float]] = {}

    def set_cached_symbol(self, symbol: str, dte: int, data: list[dict[str, Any]]) -> None:
        """Cache scan result for a symbol."""
        key = f"{symbol}_{dte}"
        self.symbol_cache[key] = (data, self._now_s() + SCANNER_TTL_S)


class QueryCache:
    """000.4's cache: a dict in each process with a time of expiry beside each value.

    `get` is followed by `if cached:` at every place of the documents, so that is what `get` does:
    an empty list is a miss.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._values: dict[str, Any] = {}
        self._expiry: dict[str, float] = {}

    def get(self, key: str) -> Any:
        """Return the value if it is there, not expired and not empty, else None."""
        if key in self._values and self._now_s() < self._expiry[key]:
            return self._values[key] or None
        return None

    def set(self, key: str, value: Any, ttl_seconds: float) -> None:
        """Keep a value."""
        self._values[key] = value
        self._expiry[key] = self._now_s() + ttl_seconds
