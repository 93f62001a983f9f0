"""Yahoo Finance: quotes, history and options without a key, many symbols in one call.

The service is unofficial. It wants a cookie, and a crumb that belongs to the cookie; together they
are the client's key: added to each request, never part of a cache key. They are fetched when first
needed and renewed once where the provider says that the crumb is wrong, by one caller for all who
wait. What is not a crumb (the provider serves its rate-limit text from the same
address) is never used as one. No limit is published: at most five requests run at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar, Unpack
from urllib.parse import quote as quoted

from ava.cache.flight import Flights
from ava.errors import (
    AuthenticationError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
)
from ava.net.client import Client, Request
from ava.net.spec import Answer, ProviderSpec, Window
from ava.providers.asking import (
    FUNDAMENTALS,
    HISTORY,
    OPTIONS,
    QUOTES,
    How,
    Partial,
    ask,
    chunks,
    each,
    together,
)
from ava.providers.market import Bar, Fundamentals, Interval, OptionChain, Quote
from ava.providers.reading import yahoo as reading
from ava.providers.reading import yahoo_summary
from ava.section import Secret

NAME = reading.NAME
CONCURRENCY = 5  # 000.7
# Nothing is published. Five at once, a sixth of a second each, are thirty a second anyway, and
# 2,000 an hour and address is what Yahoo stated for its public interface while it had one.
LIMITS = (Window(30), Window(2000, 3600.0))
QUOTES_A_CALL = 100  # keeps the address well under 2,000 characters
SPARKS_A_CALL = 20

_COOKIE = re.compile(r"(?:^|[,;]\s*)(A[13]S?=[^;,\s]+)")
_CRUMB = re.compile(r"[\w./~+=-]{4,32}")
_SLOW_DOWN = b"Too Many Requests"
_SHORT = 200
_RENEWAL_S = 10.0

T = TypeVar("T")


class CookieGivenError(NotFoundError):
    """The page that hands out cookies did so; it answers 404, and that says nothing."""

    def __init__(self, cookie: str, *, status: int) -> None:
        super().__init__("Yahoo's door gave a cookie", provider=NAME, status=status)
        self.cookie = cookie


def complaint(answer: Answer) -> ProviderError | None:
    """Find the refusal sent as plain text with whatever status, and the door's 404."""
    if len(answer.body) < _SHORT and _SLOW_DOWN in answer.body:
        return RateLimitedError("Yahoo says too many requests", provider=NAME, status=answer.status)
    if answer.status == 404 and (cookie := cookie_of(answer)):  # noqa: PLR2004 - "not found"
        return CookieGivenError(cookie, status=answer.status)
    return None


def cookie_of(answer: Answer) -> str:
    """Return the cookies of an answer that a crumb belongs to, as a request sends them."""
    return "; ".join(_COOKIE.findall(answer.headers.get("set-cookie", "")))


def authorise(session: Secret | None) -> tuple[dict[str, str], dict[str, str]]:
    """Put a crumb among the parameters and its cookie into the header."""
    if session is None:
        return {}, {}
    crumb, _, cookie = session.reveal().partition(" ")
    return {"crumb": crumb} if crumb else {}, {"cookie": cookie} if cookie else {}


SPEC = ProviderSpec(
    name=NAME,
    base_url="https://query1.finance.yahoo.com",
    limits=LIMITS,
    concurrency=CONCURRENCY,
    authorise=authorise,
    complaint=complaint,
)
# The host that hands out the cookies.
DOOR = ProviderSpec(name=f"{NAME}_door", base_url="https://fc.yahoo.com", complaint=complaint)


class Yahoo:
    """Typed questions to Yahoo; `door` asks where cookies are given, else `client` does."""

    def __init__(self, client: Client, door: Client | None = None) -> None:
        self._client, self._door = client, door or client
        self._renewals = 0
        self._flights = Flights()

    async def quote(self, symbol: str, **how: Unpack[How]) -> Quote:
        """Return the latest price; raise NotFoundError for an unknown symbol."""
        found = await self._quotes((symbol,), how)
        if symbol not in found:
            raise NotFoundError(f"Yahoo does not know the symbol {symbol!r}", provider=NAME)
        return found[symbol]

    async def quotes(self, symbols: Iterable[str], **how: Unpack[How]) -> dict[str, Quote]:
        """Return the latest prices, 100 symbols a call; unknown symbols are absent."""
        parts = chunks(symbols, QUOTES_A_CALL)
        return _joined(await together(self._quotes(part, how) for part in parts))

    async def listings(self, symbols: Iterable[str], **how: Unpack[How]) -> dict[str, Fundamentals]:
        """Return companies as far as quotes tell of them, 100 a call; unknown ones are absent.

        Names, exchanges and sizes, and no sectors: those are in summaries, one call each.
        """
        rule: How = {"keep": FUNDAMENTALS, **how}
        parts = chunks(symbols, QUOTES_A_CALL)
        return _joined(await together(self._listings(part, rule) for part in parts))

    async def history(
        self,
        symbol: str,
        start: date,
        end: date,
        *,
        interval: Interval = Interval.DAY,
        **how: Unpack[How],
    ) -> list[Bar]:
        """Return the bars of `start` to `end`, oldest first; raise NotFoundError."""
        params = {
            "period1": _epoch(start),
            "period2": _epoch(end + timedelta(days=1)),
            "interval": interval.value,
        }
        return await ask(
            self._client,
            Request(f"/v8/finance/chart/{path_of(symbol)}", params=params),
            lambda answer: reading.read_chart(answer, interval),
            list[Bar],
            {"keep": HISTORY, **how},
        )

    async def charts(
        self,
        symbols: Iterable[str],
        start: date,
        end: date,
        *,
        interval: Interval = Interval.DAY,
        **how: Unpack[How],
    ) -> Partial[list[Bar]]:
        """Return whole bars of many symbols: one call each, five at once, failures apart."""

        async def one(symbol: str) -> list[Bar]:
            return await self.history(symbol, start, end, interval=interval, **how)

        return await each(tuple(symbols), one)

    async def histories(
        self,
        symbols: Iterable[str],
        span: str = "3mo",
        *,
        interval: Interval = Interval.DAY,
        **how: Unpack[How],
    ) -> dict[str, list[Bar]]:
        """Return the closes of many symbols, 20 a call, oldest first; unknown ones are absent.

        `span` is how far back: 1d, 5d, 1mo, 3mo, 6mo, 1y, 2y, 5y, 10y, ytd or max.
        """
        parts = chunks(symbols, SPARKS_A_CALL)
        return _joined(await together(self._sparks(part, span, interval, how) for part in parts))

    async def options(
        self, symbol: str, expires: date | None = None, **how: Unpack[How]
    ) -> OptionChain:
        """Return the contracts of one expiry, the next one unless given, and all expiries."""
        params = {} if expires is None else {"date": _epoch(expires)}
        request = Request(f"/v7/finance/options/{path_of(symbol)}", params=params)
        return await self._crumbed(
            lambda: ask(
                self._client,
                request,
                reading.read_options,
                OptionChain,
                {"keep": OPTIONS, **how},
            )
        )

    async def summary(self, symbol: str, **how: Unpack[How]) -> Fundamentals:
        """Return the company behind a symbol; raise NotFoundError for an unknown one."""
        request = Request(
            f"/v10/finance/quoteSummary/{path_of(symbol)}",
            params={"modules": ",".join(yahoo_summary.MODULES), "formatted": "false"},
        )
        return await self._crumbed(
            lambda: ask(
                self._client,
                request,
                lambda answer: yahoo_summary.read_summary(answer, symbol),
                Fundamentals,
                {"keep": FUNDAMENTALS, **how},
            )
        )

    async def summaries(self, symbols: Iterable[str], **how: Unpack[How]) -> Partial[Fundamentals]:
        """Return many companies: one call each, five at once, failures apart."""

        async def one(symbol: str) -> Fundamentals:
            return await self.summary(symbol, **how)

        return await each(tuple(symbols), one)

    async def _quotes(self, symbols: tuple[str, ...], how: How) -> dict[str, Quote]:
        request = Request("/v7/finance/quote", params={"symbols": ",".join(symbols)})
        return await self._crumbed(
            lambda: ask(
                self._client,
                request,
                reading.read_quotes,
                dict[str, Quote],
                {"keep": QUOTES, **how},
            )
        )

    async def _listings(self, symbols: tuple[str, ...], how: How) -> dict[str, Fundamentals]:
        params = {"symbols": ",".join(symbols), "fields": ",".join(yahoo_summary.FIELDS)}
        request = Request("/v7/finance/quote", params=params)
        kind = dict[str, Fundamentals]
        return await self._crumbed(
            lambda: ask(self._client, request, yahoo_summary.read_listings, kind, how)
        )

    async def _sparks(
        self, symbols: tuple[str, ...], span: str, interval: Interval, how: How
    ) -> dict[str, list[Bar]]:
        params = {"symbols": ",".join(symbols), "range": span, "interval": interval.value}
        try:
            return await ask(
                self._client,
                Request("/v7/finance/spark", params=params),
                lambda answer: reading.read_sparks(answer, interval),
                dict[str, list[Bar]],
                {"keep": HISTORY, **how},
            )
        except NotFoundError:  # none of them is known; where some are, the others are just absent
            return {}

    async def _crumbed(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Make a call that needs a crumb; where the crumb is refused, once more with a new one."""
        if not self._renewals:
            await self._renew(0)
        used = self._renewals
        try:
            return await call()
        except AuthenticationError:
            await self._renew(used)
            return await call()

    async def _renew(self, used: int) -> None:
        """Replace the crumb of renewal `used`, unless another caller has done so since."""
        if self._renewals == used:
            await self._flights.join("crumb", self._fetch_crumb)

    async def _fetch_crumb(self) -> None:
        """Take a cookie, then the crumb made for it: one is worth nothing without the other."""
        cookie = await self._cookie()
        self._client.use_key(Secret(f" {cookie}"))
        request = Request("/v1/test/getcrumb")
        crumb = await self._client.fetch(request, read_crumb, deadline_s=_RENEWAL_S)
        self._client.use_key(Secret(f"{crumb} {cookie}"))
        self._renewals += 1

    async def _cookie(self) -> str:
        try:
            return await self._door.fetch(Request("/"), cookie_of, deadline_s=_RENEWAL_S)
        except CookieGivenError as given:
            return given.cookie
        except NotFoundError:  # of the page, and not of what the caller asked for
            return ""


def read_crumb(answer: Answer) -> str:
    """Read the crumb; raise ValueError for a text that is none, such as an error or a page."""
    text = answer.body.decode().strip()
    if not _CRUMB.fullmatch(text):
        raise ValueError("the answer is not a crumb")
    return text


def path_of(symbol: str) -> str:
    """Return a symbol as one segment of a path ("^GSPC", "BRK/B")."""
    return quoted(symbol, safe="")


def _epoch(day: date) -> str:
    return f"{datetime.combine(day, time(), UTC).timestamp():.0f}"


def _joined(parts: Iterable[Mapping[str, T]]) -> dict[str, T]:
    return {symbol: value for part in parts for symbol, value in part.items()}
