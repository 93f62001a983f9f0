"""Robinhood: what an account holds and what it is worth, in a handful of calls.

The interface is unofficial. Whatever can be asked for many at once is: a portfolio is two lists,
then the prices of all its contracts and all its symbols, two to five calls instead of two or three
for each position. Lists are paged by absolute URLs, which are followed only to where they came
from. A page that fails fails the list, which is never shorter without a word. What belongs to an
account is never cached here, since nothing in such a request says whose it is; what belongs to the
market is.

Names that the brokerage does not know come back as null in place, and are left out of the answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Unpack, cast
from urllib.parse import parse_qsl, quote

from ava.cache.keep import Keep
from ava.errors import AuthenticationError, BadDataError
from ava.net.client import Client, Request
from ava.net.spec import Answer, Limit, ProviderSpec, Rate
from ava.providers.asking import DAY_S, FUNDAMENTALS, How, ask, chunks, together
from ava.providers.holdings import (
    Account,
    Equity,
    Holding,
    Instrument,
    OptionChainInfo,
    OptionHolding,
    OptionInstrument,
    OptionMark,
    OptionPosition,
    Portfolio,
    Position,
    StockFigures,
    StockQuote,
)
from ava.providers.reading import robinhood as reading
from ava.providers.robinhood_login import Login
from ava.section import Secret

NAME = reading.NAME

# Nothing is published; about one a second is safe. The burst is one portfolio at once.
SAFE = Rate(1.0, burst=5.0)
PRICES = Keep(ttl_s=10, stale_s=120)
TERMS = Keep(ttl_s=DAY_S, stale_s=7 * DAY_S)
PAGES = 100  # of a hundred rows each; more is no portfolio

_ID = re.compile(r"[A-Za-z0-9-]+")

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


def authorise(token: Secret | None) -> tuple[dict[str, str], dict[str, str]]:
    """Send the access token as a bearer's."""
    return {}, ({} if token is None else {"authorization": f"Bearer {token.reveal()}"})


def spec(*limits: Limit) -> ProviderSpec:
    """Return the provider; `limits` replace one call a second with bursts of five."""
    return ProviderSpec(
        name=NAME,
        base_url="https://api.robinhood.com",
        limits=limits or (SAFE,),
        authorise=authorise,
        complaint=reading.complaint,
    )


SPEC = spec()


@dataclass(frozen=True, slots=True)
class _Batch(Generic[T]):
    """A path that answers for many names at once: the parameter, how many, what, how long kept."""

    path: str
    name: str
    size: int
    kind: type[T]
    keep: Keep


_INSTRUMENTS = _Batch("/instruments/", "ids", 40, Instrument, TERMS)
_CONTRACTS = _Batch("/options/instruments/", "ids", 40, OptionInstrument, TERMS)
_MARKS = _Batch("/marketdata/options/", "ids", 40, OptionMark, PRICES)
_QUOTES = _Batch("/quotes/", "symbols", 1_000, StockQuote, PRICES)
_FIGURES = _Batch("/fundamentals/", "symbols", 100, StockFigures, FUNDAMENTALS)


class Robinhood:
    """Typed questions to Robinhood for the account of the client's token.

    With a `login` an expired token is renewed once, whoever noticed it first.
    """

    def __init__(self, client: Client, *, login: Login | None = None) -> None:
        self._client = client
        self._login = login

    async def portfolio(self, **how: Unpack[How]) -> Portfolio:
        """Return everything held with its prices, in two to five calls for a usual account."""
        stocks, options = await _both(self.positions(**how), self.option_positions(**how))
        unnamed = [held.instrument_id for held in stocks if held.symbol is None]
        named, marks = await _both(
            self.instruments(unnamed, **how),
            self.option_marks([held.option_id for held in options], **how),
        )
        symbols = [held.symbol or _symbol(named.get(held.instrument_id)) for held in stocks]
        wanted = {*symbols, *(held.chain_symbol for held in options)}
        quotes = await self.quotes([symbol for symbol in wanted if symbol], **how)
        return Portfolio(
            stocks=tuple(
                Holding(position=held, symbol=symbol, quote=quotes.get(symbol or ""))
                for held, symbol in zip(stocks, symbols, strict=True)
            ),
            options=tuple(
                OptionHolding(
                    position=held,
                    mark=marks.get(held.option_id),
                    underlying=quotes.get(held.chain_symbol),
                )
                for held in options
            ),
        )

    async def accounts(self, **how: Unpack[How]) -> list[Account]:
        """Return the accounts the token opens."""
        return await self._list("/accounts/", {}, Account, how)

    async def equity(self, account_number: str, **how: Unpack[How]) -> Equity:
        """Return what an account is worth."""
        request = Request(f"/portfolios/{quote(account_number, safe='')}/")
        return await self._ask(request, reading.one(Equity), Equity, {**how, "keep": None})

    async def positions(self, **how: Unpack[How]) -> list[Position]:
        """Return the shares held."""
        return await self._list("/positions/", {"nonzero": "true"}, Position, how)

    async def option_positions(self, **how: Unpack[How]) -> list[OptionPosition]:
        """Return the contracts held and owed."""
        return await self._list("/options/positions/", {"nonzero": "True"}, OptionPosition, how)

    async def instruments(self, ids: Iterable[str], **how: Unpack[How]) -> dict[str, Instrument]:
        """Return shares by instrument id; unknown ids are left out."""
        return {row.id: row for row in await self._batches(_INSTRUMENTS, ids, how)}

    async def option_instruments(
        self, ids: Iterable[str], **how: Unpack[How]
    ) -> dict[str, OptionInstrument]:
        """Return contracts' terms by id; unknown ids are left out."""
        return {row.id: row for row in await self._batches(_CONTRACTS, ids, how)}

    async def option_chain(self, chain_id: str, **how: Unpack[How]) -> OptionChainInfo:
        """Return the expiries of a chain."""
        request = Request(f"/options/chains/{_id(chain_id)}/")
        kind = OptionChainInfo
        return await self._ask(request, reading.one(kind), kind, {"keep": TERMS, **how})

    async def contracts(
        self, chain_id: str, *, expirations: Iterable[str], right: str | None = None,
        **how: Unpack[How],
    ) -> list[OptionInstrument]:  # fmt: skip
        """Return the contracts of a chain that can be traded, of some expiries (YYYY-MM-DD)."""
        params = {
            "chain_id": _id(chain_id),
            "expiration_dates": ",".join(sorted(set(expirations))),
            "state": "active",
            **({} if right is None else {"type": right}),
        }
        return await self._list("/options/instruments/", params, OptionInstrument, how)

    async def option_marks(self, ids: Iterable[str], **how: Unpack[How]) -> dict[str, OptionMark]:
        """Return contracts' markets by instrument id, 40 a call; unknown ids are left out."""
        return {row.instrument_id: row for row in await self._batches(_MARKS, ids, how)}

    async def quotes(self, symbols: Iterable[str], **how: Unpack[How]) -> dict[str, StockQuote]:
        """Return quotes by symbol, a thousand a call; unknown symbols are left out."""
        return {row.symbol: row for row in await self._batches(_QUOTES, symbols, how)}

    async def fundamentals(
        self, symbols: Iterable[str], **how: Unpack[How]
    ) -> dict[str, StockFigures]:
        """Return companies' figures by symbol, a hundred a call; unknown symbols are left out.

        The rows do not say whose they are: they are in the order of the question.
        """
        asked = list(chunks(symbols, _FIGURES.size))
        pages = await together(self._batch(_FIGURES, some, how) for some in asked)
        return {
            symbol: row
            for some, rows in zip(asked, pages, strict=True)
            for symbol, row in zip(some, _in_place(rows, some), strict=True)
            if row is not None
        }

    async def _batches(self, batch: _Batch[T], wanted: Iterable[str], how: How) -> list[T]:
        pages = await together(self._batch(batch, some, how) for some in chunks(wanted, batch.size))
        return [row for page in pages for row in page if row is not None]

    async def _batch(self, batch: _Batch[T], some: Iterable[str], how: How) -> list[T | None]:
        request = Request(batch.path, {batch.name: ",".join(some)})
        form: Any = batch.kind
        rows: type[list[T | None]] = list[form | None]
        return await self._ask(request, reading.batch(form), rows, {"keep": batch.keep, **how})

    async def _list(self, path: str, params: dict[str, str], kind: type[T], how: How) -> list[T]:
        """Walk all pages of an account's list, or fail."""
        rows: list[T] = []
        seen: set[str] = set()
        request = Request(path, params)
        rule: How = {**how, "keep": None}
        read = reading.page(cast("Any", kind))
        while True:
            page = await self._ask(request, read, reading.Page, rule)
            rows += page.results
            if page.next is None:
                return rows
            if page.next in seen or len(seen) >= PAGES:
                raise BadDataError(f"Robinhood's list {path} does not end", provider=NAME)
            seen.add(page.next)
            request = self._following(page.next, path)

    def _following(self, url: str, path: str) -> Request:
        """Return the request for a next page; refuse to send the token anywhere else."""
        address, _, query = url.partition("?")
        if address != self._client.spec.base_url.rstrip("/") + path:
            raise BadDataError(
                f"Robinhood's list {path} goes on at another address, which is not followed",
                provider=NAME,
            )
        return Request(path, dict(parse_qsl(query, keep_blank_values=True)))

    async def _ask(
        self, request: Request, read: Callable[[Answer], T], kind: type[T], how: How
    ) -> T:
        if self._login is None:
            return await ask(self._client, request, read, kind, how)
        login, token = self._login, self._login.token
        try:
            return await ask(self._client, request, read, kind, how)
        except AuthenticationError:
            await login.renew(self._client, token)
        return await ask(self._client, request, read, kind, how)


async def _both(one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Run two questions at once; the first error ends both."""
    calls: list[Coroutine[Any, Any, Any]] = [one, other]
    first, second = await together(calls)
    return first, second


def _id(text: str) -> str:
    """Return an id that may stand in a path; raise ValueError for anything else."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is not an id")
    return text


def _symbol(instrument: Instrument | None) -> str | None:
    return None if instrument is None else instrument.symbol


def _in_place(rows: list[T], asked: tuple[str, ...]) -> list[T]:
    """Return the rows; raise BadDataError unless there is one for each name."""
    if len(rows) != len(asked):
        raise BadDataError(
            f"Robinhood answered {len(rows)} rows to {len(asked)} names", provider=NAME
        )
    return rows
