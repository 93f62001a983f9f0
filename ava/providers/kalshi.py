"""Kalshi's prediction markets: prices, trades and candles, read without a key.

Money and counts come as text and stay exact: Decimals throughout, in dollars and contracts. Up to
a hundred markets are asked for by one call. Lists are walked to their end or refused: a list that
is longer than the caller's bound is an error, never a part that looks like the whole.

The order book wants a signed request (RSA-PSS over timestamp, method and path). No library for
that is brought along: who has a key passes a `Signer` made with one.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar, Unpack
from urllib.parse import quote, urlsplit

from msgspec import Struct

from ava.cache.keep import Keep
from ava.clock import Clock, SystemClock
from ava.errors import (
    AuthenticationError,
    BadDataError,
    BadLimitError,
    BadRequestError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
)
from ava.net.client import Client, Request
from ava.net.spec import Answer, Limit, ProviderSpec, Rate
from ava.providers import parse
from ava.providers.asking import How, ask, chunks, together
from ava.providers.reading import kalshi as reading
from ava.providers.reading.kalshi import Candle, Event, Market, Orderbook, Period, Trade

NAME = "kalshi"

# The basic tier: 200 tokens a second, 10 a read. Half of its bucket is left for uneven travel:
# reads that leave evenly arrive closer together now and then.
READS = Rate(20.0, burst=10.0)
PRICES = Keep(ttl_s=10, stale_s=120)
CANDLES = Keep(ttl_s=60, stale_s=3_600)
TICKERS_A_CALL = 100
PAGE, EVENTS_PAGE = 1_000, 200  # the longest pages there are
MOST = 10_000


class Signer(Protocol):
    """Signs for one account: RSA-PSS with SHA-256 and a salt as long as the digest."""

    key_id: str

    def sign(self, message: bytes) -> bytes:
        """Return the signature of `message`."""
        ...


class _Said(Struct):
    code: str = ""
    message: str = ""


class _Refusal(Struct):
    error: str | _Said | None = None
    code: str = ""
    message: str = ""


_KINDS: Mapping[int, type[ProviderError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    404: NotFoundError,
    429: RateLimitedError,
}


def complaint(answer: Answer) -> ProviderError | None:
    """Put the provider's words, flat or nested, to the error that the status stands for."""
    kind = _KINDS.get(answer.status)
    said = parse.refusal(answer, _Refusal) if kind is not None else None
    if kind is None or said is None:
        return None
    inner = said.error if isinstance(said.error, _Said) else _Said(said.code, said.message)
    words = [said.error] if isinstance(said.error, str) else [inner.code, inner.message]
    text = ": ".join(parse.excerpt(word) for word in words if word) or f"status {answer.status}"
    return kind(f"Kalshi refused: {text}", provider=NAME, status=answer.status)


def spec(*limits: Limit) -> ProviderSpec:
    """Return the provider; `limits` replace those of the basic tier.

    A call takes one permit. Kalshi bills batches of orders by the item; there are none here.
    """
    return ProviderSpec(
        name=NAME,
        base_url="https://external-api.kalshi.com/trade-api/v2",
        limits=limits or (READS,),
        complaint=complaint,
    )


SPEC = spec()


T = TypeVar("T")


class Kalshi:
    """Typed questions to Kalshi; only the order book needs a signer."""

    def __init__(
        self, client: Client, *, signer: Signer | None = None, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._signer = signer
        self._clock = clock or SystemClock()

    async def market(self, ticker: str, **how: Unpack[How]) -> Market:
        """Return one market; raise NotFoundError for an unknown ticker."""
        request = Request(f"/markets/{_segment(ticker)}")
        return await ask(
            self._client, request, reading.read_market, Market, {"keep": PRICES, **how}
        )

    async def markets(self, tickers: Iterable[str], **how: Unpack[How]) -> dict[str, Market]:
        """Return the markets of these tickers, a hundred a call; unknown ones are left out."""
        pages = await together(
            ask(
                self._client,
                Request("/markets", {"tickers": ",".join(some), "limit": str(PAGE)}),
                reading.read_markets,
                tuple[list[Market], str | None],
                {"keep": PRICES, **how},
            )
            for some in chunks(tickers, TICKERS_A_CALL)
        )
        return {market.ticker: market for found, _ in pages for market in found}

    async def list_markets(
        self,
        *,
        event: str | None = None,
        series: str | None = None,
        status: str | None = None,
        most: int = MOST,
        **how: Unpack[How],
    ) -> list[Market]:
        """Return every market that fits; `status` is unopened, open, paused, closed or settled.

        Raises BadLimitError where there are more than `most`.
        """
        params = _said(event_ticker=event, series_ticker=series, status=status, limit=str(PAGE))
        pages = self._pages("/markets", params, reading.read_markets, how)
        return await _all(pages, lambda market: market.ticker, most)

    async def list_events(
        self,
        *,
        series: str | None = None,
        status: str | None = None,
        with_markets: bool = False,
        most: int = MOST,
        **how: Unpack[How],
    ) -> list[Event]:
        """Return every event that fits, `with_markets` nested; bounded as `list_markets` is."""
        nested = "true" if with_markets else None
        params = _said(
            series_ticker=series,
            status=status,
            with_nested_markets=nested,
            limit=str(EVENTS_PAGE),
        )
        pages = self._pages("/events", params, reading.read_events, how)
        return await _all(pages, lambda event: event.event_ticker, most)

    async def trades(
        self,
        ticker: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        most: int = MOST,
        **how: Unpack[How],
    ) -> list[Trade]:
        """Return every trade of a market in a time, newest first; bounded as `list_markets` is."""
        params = _said(ticker=ticker, min_ts=_epoch(since), max_ts=_epoch(until), limit=str(PAGE))
        pages = self._pages("/markets/trades", params, reading.read_trades, how)
        return await _all(pages, lambda trade: trade.trade_id, most)

    async def candles(
        self,
        series: str,
        ticker: str,
        *,
        since: datetime,
        until: datetime,
        period: Period = Period.HOUR,
        **how: Unpack[How],
    ) -> list[Candle]:
        """Return the candles that end between `since` and `until`."""
        path = f"/series/{_segment(series)}/markets/{_segment(ticker)}/candlesticks"
        params = _said(
            start_ts=_epoch(since), end_ts=_epoch(until), period_interval=str(int(period))
        )
        request = Request(path, params)
        kind = list[Candle]
        return await ask(
            self._client, request, reading.read_candles, kind, {"keep": CANDLES, **how}
        )

    async def orderbook(self, ticker: str, *, depth: int = 0, **how: Unpack[How]) -> Orderbook:
        """Return the bids on a market, of all prices or the best `depth` (to 100).

        Raises AuthenticationError where there is no signer. It is never cached: who asks for a
        book wants it as it is, and its request is signed for this moment.
        """
        path = f"/markets/{_segment(ticker)}/orderbook"
        request = Request(path, {"depth": str(depth)}, headers=self._signed("GET", path))
        return await ask(self._client, request, reading.read_book, Orderbook, {**how, "keep": None})

    def _signed(self, method: str, path: str) -> dict[str, str]:
        if self._signer is None:
            raise AuthenticationError(
                "Kalshi shows its order books to accounts only; pass a signer", provider=NAME
            )
        stamp = str(int(self._clock.now().timestamp() * 1000))
        whole = urlsplit(self._client.spec.base_url).path.rstrip("/") + path
        signature = self._signer.sign(f"{stamp}{method}{whole}".encode())
        return {
            "KALSHI-ACCESS-KEY": self._signer.key_id,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    async def _pages(
        self,
        path: str,
        params: Mapping[str, str],
        read: Callable[[Answer], reading.Page[T]],
        how: How,
    ) -> AsyncIterator[list[T]]:
        """Walk a list; the pages of one walk are not cached, since they must be of one time."""
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            here = {**params, "cursor": cursor} if cursor else params
            items, cursor = await ask(
                self._client, Request(path, here), read, tuple[list[T], str | None],
                {"keep": None, **how},
            )  # fmt: skip
            yield items
            if not cursor:
                return
            if cursor in seen:
                raise BadDataError(f"Kalshi's list {path} runs in a circle", provider=NAME)
            seen.add(cursor)


async def _all(pages: AsyncIterator[list[T]], identity: Callable[[T], str], most: int) -> list[T]:
    """Return what the pages hold, each thing once: a list that moves may repeat some."""
    found: dict[str, T] = {}
    async for page in pages:
        for item in page:
            found.setdefault(identity(item), item)
        if len(found) > most:
            raise BadLimitError(
                f"Kalshi lists more than {most}; ask for a narrower list or allow more"
            )
    return list(found.values())


def _segment(name: str) -> str:
    return quote(name, safe="")


def _epoch(at: datetime | None) -> str | None:
    return None if at is None else str(int(at.timestamp()))


def _said(**params: str | None) -> dict[str, str]:
    """Return the parameters that are given."""
    return {name: value for name, value in params.items() if value is not None}
