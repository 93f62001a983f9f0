"""Massive (Polygon.io until 2025-10-30): bars, snapshots of many symbols, option chains.

A free key has 5 requests a minute, the end of the day and no snapshots; the signal system's paid
plan is paced at 5 a second with a burst of 10 (003.4). Lists come in pages, whose next address
lacks the key and may name another host: only its path and parameters are taken, so the key goes
nowhere else. A list that cannot be read to its end is an error, never a shorter list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from typing import TypeVar, Unpack
from urllib.parse import parse_qsl, urlsplit
from urllib.parse import quote as quoted

from msgspec import Struct

from ava.errors import AuthenticationError, BadDataError, PlanError, ProviderError
from ava.net.client import Client, Request
from ava.net.spec import Answer, Limit, ProviderSpec, Rate, Window
from ava.providers import parse
from ava.providers.asking import FUNDAMENTALS, HISTORY, OPTIONS, QUOTES, How, ask, chunks, together
from ava.providers.market import Bar, Interval, Match, OptionContract, Quote
from ava.providers.reading import massive as reading
from ava.section import Secret

NAME = reading.NAME
SYMBOLS_A_CALL = 250
ROWS_A_PAGE = 50_000
MOST_PAGES = 100  # an endless chain of pages is a broken provider, not a long list

_SPANS = {
    Interval.MINUTE: "1/minute",
    Interval.MINUTES_5: "5/minute",
    Interval.MINUTES_15: "15/minute",
    Interval.MINUTES_30: "30/minute",
    Interval.HOUR: "1/hour",
    Interval.DAY: "1/day",
    Interval.WEEK: "1/week",
    Interval.MONTH: "1/month",
}

P = TypeVar("P", reading.BarPage, reading.ContractPage, reading.MatchPage)


class Plan(StrEnum):
    """What is paid for."""

    FREE = "free"
    SIGNALS = "signals"


_LIMITS: dict[Plan, tuple[Limit, ...]] = {
    Plan.FREE: (Window(5, 60.0),),
    Plan.SIGNALS: (Rate(5.0, burst=10),),
}


class _Refusal(Struct):
    status: str
    error: str | None = None
    message: str | None = None


def complaint(answer: Answer) -> ProviderError | None:
    """Find the refusals of a key or a plan, and an error that hides behind a 200."""
    said = parse.refusal(answer, _Refusal)
    if said is None:
        return None
    text = parse.excerpt(said.error or said.message or said.status)
    if said.status == "NOT_AUTHORIZED":
        return PlanError(
            f"the plan of this Massive key lacks this: {text}", provider=NAME, status=answer.status
        )
    if answer.status == 401:  # noqa: PLR2004 - HTTP's number for "unauthorised"
        return AuthenticationError(
            f"Massive refuses the key: {text}", provider=NAME, status=answer.status
        )
    if said.status == "ERROR" and answer.status < 300:  # noqa: PLR2004 - HTTP's class of success
        return BadDataError(
            f"Massive reports an error: {text}", provider=NAME, status=answer.status
        )
    return None


def authorise(key: Secret | None) -> tuple[dict[str, str], dict[str, str]]:
    """Put the key into the Authorization header."""
    return {}, ({} if key is None else {"Authorization": f"Bearer {key.reveal()}"})


def spec(plan: Plan = Plan.FREE) -> ProviderSpec:
    """Return the provider with the limits of a plan."""
    return ProviderSpec(
        name=NAME,
        base_url="https://api.massive.com",
        limits=_LIMITS[plan],
        authorise=authorise,
        complaint=complaint,
    )


SPEC = spec()


class Massive:
    """Typed questions to Massive; crypto is named "X:BTCUSD", an option "O:AAA260220P00010000"."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def quote(self, symbol: str, **how: Unpack[How]) -> Quote:
        """Return the last day's end for any plan; raise NotFoundError where there is none.

        It is the previous session's close: a price of now is in `quotes`, for those who pay.
        """
        return await ask(
            self._client,
            Request(f"/v2/aggs/ticker/{_segment(symbol)}/prev"),
            lambda answer: reading.read_previous(answer, symbol),
            Quote,
            {"keep": QUOTES, **how},
        )

    async def quotes(
        self, symbols: Iterable[str] | None = None, **how: Unpack[How]
    ) -> dict[str, Quote]:
        """Return snapshots of stocks, 250 a call; of all there are, in one, without `symbols`.

        Unknown symbols are absent. Raises PlanError for a free key.
        """
        parts = [None] if symbols is None else list(chunks(symbols, SYMBOLS_A_CALL))
        path = "/v2/snapshot/locale/us/markets/stocks/tickers"
        found = await together(self._snapshots(path, part, how) for part in parts)
        return {symbol: quote for part in found for symbol, quote in part.items()}

    async def crypto(self, symbols: Iterable[str], **how: Unpack[How]) -> dict[str, Quote]:
        """Return snapshots of crypto pairs ("X:BTCUSD"), 250 a call; unknown ones are absent."""
        path = "/v2/snapshot/locale/global/markets/crypto/tickers"
        parts = chunks(symbols, SYMBOLS_A_CALL)
        found = await together(self._snapshots(path, part, how) for part in parts)
        return {symbol: quote for part in found for symbol, quote in part.items()}

    async def history(
        self,
        symbol: str,
        start: date,
        end: date,
        *,
        interval: Interval = Interval.DAY,
        **how: Unpack[How],
    ) -> list[Bar]:
        """Return the adjusted bars of `start` to `end`, oldest first; empty where none traded."""
        path = f"/v2/aggs/ticker/{_segment(symbol)}/range/{_SPANS[interval]}/{start}/{end}"
        params = {"adjusted": "true", "sort": "asc", "limit": str(ROWS_A_PAGE)}
        pages = await self._pages(
            Request(path, params=params),
            lambda answer: reading.read_bars(answer, interval),
            reading.BarPage,
            {"keep": HISTORY, **how},
        )
        return [bar for page in pages for bar in page.rows]

    async def grouped(self, day: date, **how: Unpack[How]) -> dict[str, Bar]:
        """Return one day's bar of every stock, in one call."""
        return await ask(
            self._client,
            Request(f"/v2/aggs/grouped/locale/us/market/stocks/{day}", params={"adjusted": "true"}),
            reading.read_grouped,
            dict[str, Bar],
            {"keep": HISTORY, **how},
        )

    async def chain(
        self, underlying: str, *, expires: date | None = None, **how: Unpack[How]
    ) -> list[OptionContract]:
        """Return the listed options of a stock with their greeks, of one expiry or of all."""
        params = {"limit": str(SYMBOLS_A_CALL)}
        if expires is not None:
            params["expiration_date"] = expires.isoformat()
        pages = await self._pages(
            Request(f"/v3/snapshot/options/{_segment(underlying)}", params=params),
            lambda answer: reading.read_contracts(answer, underlying),
            reading.ContractPage,
            {"keep": OPTIONS, **how},
        )
        return [contract for page in pages for contract in page.rows]

    async def tickers(self, search: str, **how: Unpack[How]) -> list[Match]:
        """Return the active symbols that fit a search."""
        params = {"search": search, "active": "true", "limit": "1000"}
        pages = await self._pages(
            Request("/v3/reference/tickers", params=params),
            reading.read_tickers,
            reading.MatchPage,
            {"keep": FUNDAMENTALS, **how},
        )
        return [match for page in pages for match in page.rows]

    async def last_crypto(self, base: str, counter: str = "USD", **how: Unpack[How]) -> Quote:
        """Return the last trade of a pair such as BTC and USD."""
        return await ask(
            self._client,
            Request(f"/v1/last/crypto/{_segment(base)}/{_segment(counter)}"),
            reading.read_last_crypto,
            Quote,
            {"keep": QUOTES, **how},
        )

    async def _snapshots(
        self, path: str, symbols: tuple[str, ...] | None, how: How
    ) -> dict[str, Quote]:
        params = {} if symbols is None else {"tickers": ",".join(symbols)}
        return await ask(
            self._client,
            Request(path, params=params),
            reading.read_snapshots,
            dict[str, Quote],
            {"keep": QUOTES, **how},
        )

    async def _pages(
        self, request: Request, read: Callable[[Answer], P], kind: type[P], how: How
    ) -> list[P]:
        """Read a list to its end; raise BadDataError for one that has none."""
        pages: list[P] = []
        for _ in range(MOST_PAGES):
            pages.append(await ask(self._client, request, read, kind, how))
            address = pages[-1].next
            if address is None:
                return pages
            request = following(address, self._client.spec.base_url)
        raise BadDataError(f"a list of Massive goes on after {MOST_PAGES} pages", provider=NAME)


def following(address: str, base_url: str) -> Request:
    """Return the request for the next page: asked of our own host, whatever the address names."""
    parts = urlsplit(address)
    params = dict(parse_qsl(parts.query))
    params.pop("apiKey", None)
    return Request(parts.path.removeprefix(urlsplit(base_url).path), params=params)


def _segment(symbol: str) -> str:
    return quoted(symbol, safe=":")
