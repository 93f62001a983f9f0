"""The odds client as document 001.3 describes it before its change, for what it costs.

The document shows no code, only what was wrong: nothing shared, nothing kept from one page view to
the next (001.7: "cache hit rate 0 %"), or "a basic in-memory cache" (001.3), which each worker has
for itself. Both are here. Each page shows moneyline, spread and total, the columns of 000.6, so
each call asks for these three markets at once: dearer clients could be thought of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Get = Callable[..., Awaitable[Any]]  # (path, **parameters) -> decoded JSON


class OddsClient:
    """One worker's client; without `ttl_s` it keeps nothing."""

    def __init__(self, get: Get, now: Callable[[], float], ttl_s: float | None = None) -> None:
        self._get, self._now, self._ttl_s = get, now, ttl_s
        self._cache: dict[str, tuple[Any, float]] = {}

    async def get_odds(self, sport: str) -> Any:
        """Return a sport's odds, from memory where that is fresh."""
        if sport in self._cache and self._cache[sport][1] > self._now():
            return self._cache[sport][0]
        odds = await self._get(
            f"/sports/{sport}/odds",
            regions="us",
            markets="h2h,spreads,totals",
            oddsFormat="american",
        )
        if self._ttl_s is not None:
            self._cache[sport] = (odds, self._now() + self._ttl_s)
        return odds
