"""How a stock's implied volatility stands within its own year, from what scans saw of it.

Providers tell today's volatility and no history, so each scan notes one value a stock and day: of
the options nearest to the money, about a month ahead. The rank is where the latest value lies
between the year's lowest and highest. Until there are twenty days, and without a database, it is
unknown; a database that fails costs a scan nothing but its ranks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from statistics import fmean
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ava.db.batch import insert_many
from ava.db.query import named
from ava.db.tables import VOLATILITY_HISTORY
from ava.errors import AvaError
from ava.providers.market import OptionChain
from ava.services.premium import LEAST_VOLATILITY

if TYPE_CHECKING:
    from ava.core import Core

YEAR = timedelta(days=365)
PATIENCE_S = 2.0  # with the database: a scan does not wait for its ranks
LEAST_DAYS = 20  # a rank among fewer says little
MONTH_DAYS = (20, 45)  # to expiry: nearer ones swing by themselves

logger = logging.getLogger(__name__)


class Range(Struct, frozen=True, kw_only=True):
    """A stock's implied volatilities of a year, in short."""

    symbol: str
    days: int
    lowest: float
    highest: float
    latest: float


class Volatilities:
    """The implied volatilities that the platform has seen."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def ranks(self, symbols: Collection[str], today: date) -> Mapping[str, float]:
        """Return the ranks that are known, from 0 for the year's lowest to 1 for its highest."""
        if not self._core.has_database:
            return {}
        asked = {"symbols": sorted(symbols), "since": today - YEAR, "limit": len(symbols)}
        try:
            async with asyncio.timeout(PATIENCE_S):
                rows = await self._core.database.fetch(named("volatility_ranges"), asked)
        except (AvaError, TimeoutError) as error:
            logger.warning("volatility ranks are unknown for this scan: %r", error)
            return {}
        ranked = {one.symbol: rank_of(one) for one in msgspec.convert(rows, list[Range])}
        return {symbol: rank for symbol, rank in ranked.items() if rank is not None}

    async def note(self, seen: Mapping[str, float], today: date) -> None:
        """Keep today's volatilities; a failure is logged and no more."""
        if not seen or not self._core.has_database:
            return
        rows = [{"symbol": s, "day": today, "volatility": seen[s]} for s in sorted(seen)]
        try:
            async with asyncio.timeout(PATIENCE_S), self._core.database.connection() as connection:
                await insert_many(connection, VOLATILITY_HISTORY, rows, ("volatility",))
        except (AvaError, TimeoutError) as error:
            logger.warning("the volatilities of this scan are not kept: %r", error)


def rank_of(year: Range) -> float | None:
    """Return where the latest value lies; None for too few days, or where it never moved."""
    if year.days < LEAST_DAYS or year.highest <= year.lowest:
        return None
    return round((year.latest - year.lowest) / (year.highest - year.lowest), 6)


def level_of(chain: OptionChain, today: date) -> float | None:
    """Return the volatility at the money of a chain that expires in about a month, else None."""
    price = chain.underlying_price
    known = [
        one
        for one in chain.contracts
        if (one.implied_volatility or 0.0) >= LEAST_VOLATILITY
        and MONTH_DAYS[0] <= (one.expires - today).days <= MONTH_DAYS[1]
    ]
    if price is None or not known:
        return None
    nearest = min(abs(one.strike - price) for one in known)
    return fmean(
        one.implied_volatility or 0.0 for one in known if abs(one.strike - price) == nearest
    )
