"""Alpha Vantage: quotes, bars, companies, news and earnings for 25 calls a day.

Numbers arrive as text under numbered labels ("05. price"), and every refusal arrives as HTTP 200:
`complaint` tells them apart by their words. The order matters: the refusal of a burst also names
the 25 requests a day and the premium plans. The provider's texts repeat the key, so none of them
reaches an error unhidden. The provider has no call for several symbols, so there is no batch here.
"""

from __future__ import annotations

from datetime import date
from typing import Unpack

from msgspec import Struct, field

from ava.cache.keep import Keep
from ava.errors import (
    AuthenticationError,
    NotFoundError,
    PlanError,
    ProviderError,
    QuotaExhaustedError,
    RateLimitedError,
)
from ava.net.client import Client, Request
from ava.net.spec import Answer, Limit, Period, ProviderSpec, QuotaRule, Rate, Window
from ava.providers import parse
from ava.providers.asking import (
    DAY_S,
    EARNINGS,
    FUNDAMENTALS,
    HISTORY,
    HOUR_S,
    NEWS,
    How,
    ask,
)
from ava.providers.market import (
    Bar,
    EarningsDate,
    EarningsReport,
    Fundamentals,
    Interval,
    Match,
    NewsItem,
    Quote,
)
from ava.providers.reading import alpha_vantage as reading
from ava.section import Secret

NAME = reading.NAME

PER_SECOND = Window(1)
# 003.4 gives 0.2 a second with a burst of 5. The burst alone breaks the rule above, and 0.2 a
# second is 12 a minute, not the 5 that the document says; so it holds beside the rule.
SIGNALS = Rate(0.2, burst=5)

# With 25 calls a day a quote of 20 s would be gone with the first minutes of a session.
QUOTE = Keep(ttl_s=900, stale_s=DAY_S, negative_s=HOUR_S)
COMPACT = 100  # bars in an answer that is not "full"

_INTRADAY = {
    Interval.MINUTE: "1min",
    Interval.MINUTES_5: "5min",
    Interval.MINUTES_15: "15min",
    Interval.MINUTES_30: "30min",
    Interval.HOUR: "60min",
}
_HORIZONS = (3, 6, 12)


class _Refusal(Struct):
    information: str | None = field(name="Information", default=None)
    note: str | None = field(name="Note", default=None)
    message: str | None = field(name="Error Message", default=None)


def complaint(answer: Answer) -> ProviderError | None:
    """Find the refusal in an answer of any status; no text of the provider is repeated whole."""
    said = parse.refusal(answer, _Refusal)
    if said is None:
        return None
    if said.message is not None:
        return _bad_call(said.message, answer.status)
    text = said.information or said.note
    return None if text is None else _refused(text, answer.status)


def _bad_call(text: str, status: int) -> ProviderError:
    if "apikey" in text and "Invalid API call" not in text:
        return AuthenticationError(
            "Alpha Vantage says that the key is invalid or missing", provider=NAME, status=status
        )
    # Our calls are well formed, so what is left of "bad call or symbol" is the symbol.
    return NotFoundError(
        f"Alpha Vantage does not know the symbol: {parse.excerpt(text)}",
        provider=NAME,
        status=status,
    )


def _refused(text: str, status: int) -> ProviderError:
    """Read a refusal by its words, the burst first: its text names the other reasons as well."""
    low = text.lower()
    if "request per second" in low or "requests per second" in low or "burst pattern" in low:
        return _too_fast("more than one request a second", 1.0, status)
    if "per minute" in low:
        return _too_fast("too many requests a minute", 60.0, status)
    if "per day" in low:
        return QuotaExhaustedError(
            "Alpha Vantage says that the day's requests are spent", provider=NAME, status=status
        )
    if "premium endpoint" in low or "premium feature" in low:
        return PlanError(
            "Alpha Vantage answers this to paying customers only", provider=NAME, status=status
        )
    if "demo" in low:
        return AuthenticationError(
            "the demo key of Alpha Vantage answers its documented samples only",
            provider=NAME,
            status=status,
        )
    return ProviderError(
        f"Alpha Vantage refused: {parse.excerpt(text)}", provider=NAME, status=status
    )


def _too_fast(what: str, wait_s: float, status: int) -> RateLimitedError:
    return RateLimitedError(
        f"Alpha Vantage counted {what}", provider=NAME, status=status, retry_after_s=wait_s
    )


def authorise(key: Secret | None) -> tuple[dict[str, str], dict[str, str]]:
    """Put the key among the parameters, the only place it is taken from."""
    return ({} if key is None else {"apikey": key.reveal()}), {}


def spec(*limits: Limit, daily: int = 25) -> ProviderSpec:
    """Return the provider with the free plan's limits, and `limits` beside them.

    `spec(SIGNALS)` is the signal system's (003.4).
    """
    return ProviderSpec(
        name=NAME,
        base_url="https://www.alphavantage.co",
        limits=(PER_SECOND, *limits),
        quota=QuotaRule(daily, Period.DAY, "America/New_York"),
        authorise=authorise,
        complaint=complaint,
    )


SPEC = spec()


class AlphaVantage:
    """Typed questions to Alpha Vantage; each costs one call of the day's 25 unless cached."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def quote(self, symbol: str, **how: Unpack[How]) -> Quote:
        """Return the latest price; raise NotFoundError for an unknown symbol."""
        request = _call("GLOBAL_QUOTE", symbol=symbol)
        return await ask(self._client, request, reading.read_quote, Quote, {"keep": QUOTE, **how})

    async def daily(
        self, symbol: str, *, full: bool = False, adjusted: bool = False, **how: Unpack[How]
    ) -> list[Bar]:
        """Return daily bars, oldest first: the last 100, or with `full` (premium) all.

        Raises PlanError for `full` and `adjusted` on a free key.
        """
        function = "TIME_SERIES_DAILY_ADJUSTED" if adjusted else "TIME_SERIES_DAILY"
        request = _call(function, symbol=symbol, outputsize="full" if full else "compact")
        return await ask(
            self._client, request, reading.read_daily, list[Bar], {"keep": HISTORY, **how}
        )

    async def intraday(
        self, symbol: str, interval: Interval, *, month: str | None = None, **how: Unpack[How]
    ) -> list[Bar]:
        """Return bars shorter than a day, oldest first; `month` is YYYY-MM (premium)."""
        step = _INTRADAY[interval]
        extra = {} if month is None else {"month": month, "outputsize": "full"}
        request = _call("TIME_SERIES_INTRADAY", symbol=symbol, interval=step, **extra)
        return await ask(
            self._client,
            request,
            lambda answer: reading.read_series(answer, f"Time Series ({step})"),
            list[Bar],
            {"keep": HISTORY, **how},
        )

    async def history(self, symbol: str, start: date, end: date, **how: Unpack[How]) -> list[Bar]:
        """Return the daily bars of `start` to `end`, oldest first and never cut short.

        Where the last 100 do not reach back to `start`, all are asked for: a second call, which
        raises PlanError on a free key.
        """
        bars = await self.daily(symbol, **how)
        if len(bars) >= COMPACT and bars[0].at > parse.midnight(start):
            bars = await self.daily(symbol, full=True, **how)
        first, last = parse.midnight(start), parse.midnight(end)
        return [bar for bar in bars if first <= bar.at <= last]

    async def overview(self, symbol: str, **how: Unpack[How]) -> Fundamentals:
        """Return the company behind a symbol; raise NotFoundError for an unknown one."""
        request = _call("OVERVIEW", symbol=symbol)
        return await ask(
            self._client,
            request,
            reading.read_overview,
            Fundamentals,
            {"keep": FUNDAMENTALS, **how},
        )

    async def news(
        self, *symbols: str, topics: tuple[str, ...] = (), limit: int = 50, **how: Unpack[How]
    ) -> list[NewsItem]:
        """Return articles about all of `symbols` and `topics`, newest first, `limit` at most."""
        params = {"sort": "LATEST", "limit": str(min(limit, 1_000))}
        if symbols:
            params["tickers"] = ",".join(sorted(symbols))
        if topics:
            params["topics"] = ",".join(sorted(topics))
        only = symbols[0] if len(symbols) == 1 else None
        return await ask(
            self._client,
            _call("NEWS_SENTIMENT", **params),
            lambda answer: reading.read_news(answer, only),
            list[NewsItem],
            {"keep": NEWS, **how},
        )

    async def earnings(self, symbol: str, **how: Unpack[How]) -> list[EarningsReport]:
        """Return the quarters' results, newest first."""
        return await ask(
            self._client,
            _call("EARNINGS", symbol=symbol),
            reading.read_earnings,
            list[EarningsReport],
            {"keep": EARNINGS, **how},
        )

    async def earnings_calendar(
        self, symbol: str | None = None, *, months: int = 3, **how: Unpack[How]
    ) -> list[EarningsDate]:
        """Return the reports due within 3, 6 or 12 months, of one company or of all at once."""
        if months not in _HORIZONS:
            raise ValueError(f"the calendar reaches 3, 6 or 12 months ahead, not {months}")
        params = {"horizon": f"{months}month"} | ({} if symbol is None else {"symbol": symbol})
        return await ask(
            self._client,
            _call("EARNINGS_CALENDAR", **params),
            reading.read_calendar,
            list[EarningsDate],
            {"keep": EARNINGS, **how},
        )

    async def search(self, keywords: str, **how: Unpack[How]) -> list[Match]:
        """Return the symbols that fit, the best first."""
        request = _call("SYMBOL_SEARCH", keywords=keywords)
        return await ask(
            self._client, request, reading.read_matches, list[Match], {"keep": FUNDAMENTALS, **how}
        )


def _call(function: str, **params: str) -> Request:
    return Request("/query", params={"function": function, **params})
