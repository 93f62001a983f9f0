"""Finnhub: quotes, companies, news, earnings and recommendations; 60 calls a minute, 30 a second.

The key travels in a header, so that no address holds it. An unknown symbol is answered with zeros
or an empty object, which is NotFoundError here and never a price of 0. There is no call for several
symbols. Free keys have no candles: `candles` raises PlanError for them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Unpack

from msgspec import Struct

from ava.errors import PlanError, ProviderError
from ava.net.client import Client, Request
from ava.net.spec import Answer, ProviderSpec, Window
from ava.providers import parse
from ava.providers.asking import EARNINGS, FUNDAMENTALS, HISTORY, NEWS, QUOTES, How, ask
from ava.providers.market import (
    Bar,
    EarningsDate,
    Fundamentals,
    Interval,
    NewsItem,
    Quote,
    Recommendation,
)
from ava.providers.reading import finnhub as reading
from ava.section import Secret

NAME = reading.NAME

LIMITS = (Window(60, 60.0), Window(30))  # both are documented

_RESOLUTIONS = {
    Interval.MINUTE: "1",
    Interval.MINUTES_5: "5",
    Interval.MINUTES_15: "15",
    Interval.MINUTES_30: "30",
    Interval.HOUR: "60",
    Interval.DAY: "D",
    Interval.WEEK: "W",
    Interval.MONTH: "M",
}


class _Refusal(Struct):
    error: str


def complaint(answer: Answer) -> ProviderError | None:
    """Find the plan's refusal; the other statuses say what they mean."""
    if answer.status != 403:  # noqa: PLR2004 - HTTP's number for "forbidden"
        return None
    said = parse.refusal(answer, _Refusal)
    text = "" if said is None else f": {parse.excerpt(said.error)}"
    return PlanError(
        f"the plan of this Finnhub key lacks this{text}", provider=NAME, status=answer.status
    )


def authorise(key: Secret | None) -> tuple[dict[str, str], dict[str, str]]:
    """Put the key into its header."""
    return {}, ({} if key is None else {"X-Finnhub-Token": key.reveal()})


SPEC = ProviderSpec(
    name=NAME,
    base_url="https://finnhub.io/api/v1",
    limits=LIMITS,
    authorise=authorise,
    complaint=complaint,
)


class Finnhub:
    """Typed questions to Finnhub."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def quote(self, symbol: str, **how: Unpack[How]) -> Quote:
        """Return the latest price; raise NotFoundError for an unknown symbol."""
        return await ask(
            self._client,
            Request("/quote", params={"symbol": symbol}),
            lambda answer: reading.read_quote(answer, symbol),
            Quote,
            {"keep": QUOTES, **how},
        )

    async def profile(self, symbol: str, **how: Unpack[How]) -> Fundamentals:
        """Return the company behind a symbol; raise NotFoundError for an unknown one."""
        return await ask(
            self._client,
            Request("/stock/profile2", params={"symbol": symbol}),
            reading.read_profile,
            Fundamentals,
            {"keep": FUNDAMENTALS, **how},
        )

    async def metrics(self, symbol: str, **how: Unpack[How]) -> dict[str, float]:
        """Return the basic figures under Finnhub's own names, without the unknown ones."""
        return await ask(
            self._client,
            Request("/stock/metric", params={"symbol": symbol, "metric": "all"}),
            reading.read_metrics,
            dict[str, float],
            {"keep": FUNDAMENTALS, **how},
        )

    async def news(self, symbol: str, start: date, end: date, **how: Unpack[How]) -> list[NewsItem]:
        """Return the articles about a company from `start` to `end`, as Finnhub orders them."""
        params = {"symbol": symbol, "from": start.isoformat(), "to": end.isoformat()}
        return await ask(
            self._client,
            Request("/company-news", params=params),
            reading.read_news,
            list[NewsItem],
            {"keep": NEWS, **how},
        )

    async def earnings_calendar(
        self, start: date, end: date, *, symbol: str | None = None, **how: Unpack[How]
    ) -> list[EarningsDate]:
        """Return the reports from `start` to `end`, of one company or of all at once."""
        params = {"from": start.isoformat(), "to": end.isoformat()}
        return await ask(
            self._client,
            Request("/calendar/earnings", params=params | _maybe_symbol(symbol)),
            reading.read_calendar,
            list[EarningsDate],
            {"keep": EARNINGS, **how},
        )

    async def recommendations(self, symbol: str, **how: Unpack[How]) -> list[Recommendation]:
        """Return the analysts' counts by month, newest first."""
        return await ask(
            self._client,
            Request("/stock/recommendation", params={"symbol": symbol}),
            reading.read_recommendations,
            list[Recommendation],
            {"keep": FUNDAMENTALS, **how},
        )

    async def history(
        self,
        symbol: str,
        start: date,
        end: date,
        *,
        interval: Interval = Interval.DAY,
        **how: Unpack[How],
    ) -> list[Bar]:
        """Return the bars of `start` to `end`, oldest first; free keys get PlanError."""
        first, last = parse.midnight(start), parse.midnight(end + timedelta(days=1))
        # A day may be stamped with its midnight in UTC, which comes before New York's.
        params = {
            "symbol": symbol,
            "resolution": _RESOLUTIONS[interval],
            "from": f"{datetime.combine(start, time(), UTC).timestamp():.0f}",
            "to": f"{last.timestamp() - 1:.0f}",
        }
        bars = await ask(
            self._client,
            Request("/stock/candle", params=params),
            lambda answer: reading.read_candles(answer, interval),
            list[Bar],
            {"keep": HISTORY, **how},
        )
        return [bar for bar in bars if first <= bar.at < last]


def _maybe_symbol(symbol: str | None) -> dict[str, str]:
    return {} if symbol is None else {"symbol": symbol}
