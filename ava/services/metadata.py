"""What stands behind symbols: names, exchanges, sectors and sizes, for many at once.

Two batches run side by side: Yahoo's quotes tell names and sizes, Robinhood's fundamentals, where
there is a token, tell sectors. Each is a hundred symbols a call, and a call is shared by all who
came while the one before was under way. Only what has no sector after that is asked for one by one,
in Yahoo's summaries, five at a time. Where Yahoo cannot answer, Finnhub's profiles stand in, if
there is a key. `sources` says who told; a symbol is answered whole or has failed.

The brokerage may be asked about once a second, and of a portfolio nobody else knows. So its figures
are asked for in the background's priority: a portfolio goes first, and summaries stand in for what
does not come in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ava.cache import ttls
from ava.cache.keys import key
from ava.errors import NotFoundError, ProviderError
from ava.net.deadline import within
from ava.net.spec import Priority
from ava.providers.asking import How, Partial, each, usual
from ava.providers.holdings import StockFigures
from ava.providers.market import Fundamentals
from ava.services.by_symbol import BySymbol, Found, look_up
from ava.services.fresh import Fresh
from ava.services.joined import Joined

if TYPE_CHECKING:
    from ava.core import Core

DEADLINE_S = 20.0
CALL_S = 10.0  # for one batch; as much is left to who waits behind it, and to who stands in
A_CALL = 100  # symbols; both providers take that many


class Metadata(Struct, frozen=True, kw_only=True):
    """A listed company; None is unknown. Amounts are whole units of `currency`."""

    symbol: str
    name: str | None
    exchange: str | None
    currency: str | None
    sector: str | None
    industry: str | None
    market_cap: float | None
    pe: float | None
    year_high: float | None
    year_low: float | None
    sources: tuple[str, ...]


class MetadataService:
    """Metadata of symbols, an hour from the cache."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Not one for all: a person's question must not take a background job's turn.
        self._yahoo = {
            priority: Joined(
                partial(self._ask_yahoo, priority), size=A_CALL, provider="yahoo", clock=core.clock
            )
            for priority in Priority
        }
        self._brokerage = Joined(
            self._ask_brokerage, size=A_CALL, provider="robinhood", clock=core.clock
        )

    async def batch(self, symbols: Iterable[str]) -> Fresh[BySymbol[Metadata]]:
        """Return what is known of each symbol; raise a failure that all of them share."""
        return (await self.found(symbols)).by_symbol()

    async def found(self, symbols: Iterable[str]) -> Found[Metadata]:
        """Return the same, with failures as errors and every symbol's own freshness."""
        keys = {symbol: key("metadata", symbol) for symbol in symbols}
        with within(DEADLINE_S, self._core.clock):
            return await look_up(self._core, keys, self._ask, kind=Metadata, keep=ttls.METADATA)

    async def _ask(self, symbols: tuple[str, ...]) -> Partial[Metadata]:
        listings, figures = await asyncio.gather(self._listings(symbols), self._figures(symbols))
        bare = [symbol for symbol in listings.values if _sector(figures.get(symbol)) is None]
        stranded = list(_passing(listings.errors))
        summaries, profiles = await asyncio.gather(self._summaries(bare), self._profiles(stranded))
        errors = {**listings.errors, **_passing(summaries.errors)}
        values = {
            symbol: _listed(company, figures.get(symbol), summaries.values.get(symbol))
            for symbol, company in listings.values.items()
            if symbol not in errors
        }
        for symbol, company in profiles.values.items():
            values[symbol] = _profiled(company, figures.get(symbol))
            errors.pop(symbol)
        return Partial(values, errors)

    async def _listings(self, symbols: tuple[str, ...]) -> Partial[Fundamentals]:
        found = await self._yahoo[usual()].ask(symbols)
        told = {*found.values, *found.errors}
        strangers = {name: _stranger(name) for name in symbols if name not in told}
        return Partial(found.values, {**found.errors, **strangers})

    async def _ask_yahoo(
        self, priority: Priority, symbols: tuple[str, ...]
    ) -> Mapping[str, Fundamentals]:
        how: How = {"keep": None, "priority": priority, "deadline_s": CALL_S}
        return await self._core.platform.yahoo.listings(symbols, **how)

    async def _figures(self, symbols: tuple[str, ...]) -> Mapping[str, StockFigures]:
        """Return what the brokerage says; what it cannot say now is asked for elsewhere."""
        if not self._core.platform.gateway.offers("robinhood"):
            return {}
        return (await self._brokerage.ask(symbols)).values

    async def _ask_brokerage(self, symbols: tuple[str, ...]) -> Mapping[str, StockFigures]:
        how: How = {"keep": None, "priority": Priority.BACKGROUND, "deadline_s": CALL_S}
        return await self._core.platform.robinhood.fundamentals(symbols, **how)

    async def _summaries(self, symbols: list[str]) -> Partial[Fundamentals]:
        return await self._core.platform.yahoo.summaries(symbols, keep=None)

    async def _profiles(self, symbols: list[str]) -> Partial[Fundamentals]:
        platform = self._core.platform
        if not symbols or not platform.gateway.offers("finnhub"):
            return Partial({}, {})
        found = await each(symbols, lambda symbol: platform.finnhub.profile(symbol, keep=None))
        # What Yahoo said of its own failure tells more than the stand-in's.
        return Partial(found.values, {})


def _listed(
    company: Fundamentals, figures: StockFigures | None, summary: Fundamentals | None
) -> Metadata:
    """Join what the batches said; the summary, where one was needed, knows what they did not."""
    told = ("yahoo",) if figures is None else ("yahoo", "robinhood")
    rest, known = summary or company, figures or StockFigures()
    return Metadata(
        symbol=company.symbol,
        name=company.name or rest.name,
        exchange=company.exchange or rest.exchange,
        currency=company.currency or rest.currency,
        sector=known.sector or rest.sector,
        industry=known.industry or rest.industry,
        market_cap=_first(company.market_cap, known.market_cap),
        pe=_first(company.pe, known.pe_ratio),
        year_high=_first(company.year_high, known.high_52_weeks, rest.year_high),
        year_low=_first(company.year_low, known.low_52_weeks, rest.year_low),
        sources=told,
    )


def _profiled(company: Fundamentals, figures: StockFigures | None) -> Metadata:
    """Return what Finnhub knows, which has no sectors, with what the brokerage adds."""
    joined = _listed(company, figures, None)
    return msgspec.structs.replace(joined, sources=("finnhub", *joined.sources[1:]))


def _first(*values: float | Decimal | None) -> float | None:
    return next((float(value) for value in values if value is not None), None)


def _passing(errors: Mapping[str, ProviderError]) -> dict[str, ProviderError]:
    """Return the failures that say nothing of the symbol itself."""
    return {name: e for name, e in errors.items() if not isinstance(e, NotFoundError)}


def _stranger(symbol: str) -> NotFoundError:
    return NotFoundError(f"Yahoo does not know the symbol {symbol!r}", provider="yahoo")


def _sector(figures: StockFigures | None) -> str | None:
    return None if figures is None else figures.sector
