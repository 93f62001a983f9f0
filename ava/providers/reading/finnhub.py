"""Finnhub's answers: terse names, and zeros or an empty object for an unknown symbol."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct, field

from ava.errors import NotFoundError
from ava.net.spec import Answer
from ava.providers import parse
from ava.providers.market import (
    Bar,
    EarningsDate,
    Fundamentals,
    Interval,
    NewsItem,
    Quote,
    Recommendation,
)
from ava.providers.parse import Loose, number, positive

NAME = "finnhub"

_MILLION = 1e6
_DAY_S = 86_400


class _Quote(Struct):
    c: Loose = None
    h: Loose = None
    l: Loose = None  # noqa: E741 - the provider's name
    o: Loose = None
    pc: Loose = None
    t: int | None = None


def read_quote(answer: Answer, symbol: str) -> Quote:
    """Read /quote, which does not repeat the symbol; zeros are how an unknown one looks."""
    raw = parse.read_json(answer, _Quote)
    at, price = parse.moment(raw.t), number(raw.c)
    if at is None and not price:
        raise NotFoundError(f"Finnhub does not know the symbol {symbol!r}", provider=NAME)
    return Quote(
        symbol=symbol,
        price=parse.required(price, "price"),
        previous_close=positive(raw.pc),
        open=positive(raw.o),
        high=positive(raw.h),
        low=positive(raw.l),
        at=at,
    )


class _Profile(Struct, rename="camel"):
    ticker: str | None = None
    name: str | None = None
    exchange: str | None = None
    currency: str | None = None
    country: str | None = None
    finnhub_industry: str | None = None
    market_capitalization: Loose = None
    share_outstanding: Loose = None


def read_profile(answer: Answer) -> Fundamentals:
    """Read /stock/profile2, whose amounts are in millions; `{}` is an unknown symbol."""
    raw = parse.read_json(answer, _Profile)
    if raw.ticker is None:
        raise NotFoundError("Finnhub has no profile of this symbol", provider=NAME)
    return Fundamentals(
        symbol=raw.ticker,
        name=parse.known(raw.name),
        exchange=parse.known(raw.exchange),
        currency=parse.known(raw.currency),
        country=parse.known(raw.country),
        industry=parse.known(raw.finnhub_industry),
        market_cap=parse.scaled(raw.market_capitalization, _MILLION),
        shares_outstanding=parse.scaled(raw.share_outstanding, _MILLION),
    )


class _Metrics(Struct):
    metric: dict[str, Loose] = {}


def read_metrics(answer: Answer) -> dict[str, float]:
    """Read /stock/metric; some of its figures are dates, which are left out."""
    raw = parse.read_json(answer, _Metrics)
    if not raw.metric:
        raise NotFoundError("Finnhub has no figures of this symbol", provider=NAME)
    return {
        name: float(value)
        for name, value in raw.metric.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


class _Article(Struct):
    headline: str
    url: str
    datetime: Loose = None
    source: str | None = None
    summary: str | None = None
    related: str | None = None


def read_news(answer: Answer) -> list[NewsItem]:
    """Read /company-news."""
    return [
        NewsItem(
            title=raw.headline,
            url=raw.url,
            at=parse.moment(raw.datetime),
            source=parse.known(raw.source),
            summary=parse.known(raw.summary),
            symbols=tuple(filter(None, (raw.related or "").split(","))),
        )
        for raw in parse.read_json(answer, list[_Article])
    ]


class _Report(Struct, rename="camel"):
    symbol: str
    date: str
    hour: str | None = None
    eps_actual: Loose = None
    eps_estimate: Loose = None
    revenue_actual: Loose = None
    revenue_estimate: Loose = None


class _Calendar(Struct):
    reports: list[_Report] | None = field(name="earningsCalendar")


def read_calendar(answer: Answer) -> list[EarningsDate]:
    """Read /calendar/earnings."""
    return [
        EarningsDate(
            symbol=raw.symbol,
            day=parse.required(parse.day(raw.date), "date"),
            time=parse.report_time(raw.hour),
            eps_estimate=number(raw.eps_estimate),
            eps_actual=number(raw.eps_actual),
            revenue_estimate=number(raw.revenue_estimate),
            revenue_actual=number(raw.revenue_actual),
        )
        for raw in parse.read_json(answer, _Calendar).reports or ()
    ]


class _Recommendation(Struct, rename="camel"):
    symbol: str
    period: str
    strong_buy: int
    buy: int
    hold: int
    sell: int
    strong_sell: int


def read_recommendations(answer: Answer) -> list[Recommendation]:
    """Read /stock/recommendation."""
    return [
        Recommendation(
            symbol=raw.symbol,
            period=parse.required(parse.day(raw.period), "period"),
            strong_buy=raw.strong_buy,
            buy=raw.buy,
            hold=raw.hold,
            sell=raw.sell,
            strong_sell=raw.strong_sell,
        )
        for raw in parse.read_json(answer, list[_Recommendation])
    ]


class _Candles(Struct):
    s: str
    t: list[int] = []
    o: list[float | None] = []
    h: list[float | None] = []
    l: list[float | None] = []  # noqa: E741 - the provider's name
    c: list[float | None] = []
    v: list[float | None] = []


def read_candles(answer: Answer, interval: Interval) -> list[Bar]:
    """Read /stock/candle, columns of equal length; "no_data" is an empty history."""
    raw = parse.read_json(answer, _Candles)
    if raw.s == "no_data":
        return []
    if raw.s != "ok":
        raise ValueError(f"the candles have the unknown status {raw.s!r}")
    columns = zip(raw.t, raw.o, raw.h, raw.l, raw.c, raw.v, strict=True)
    return [
        Bar(at=_begin(t, interval), open=o, high=h, low=low, close=c, volume=v)
        for t, o, h, low, c, v in columns
        if c is not None
    ]


def _begin(stamp: int, interval: Interval) -> datetime:
    """Return when a bar begins; longer ones are stamped with a date, at midnight here or there."""
    at = datetime.fromtimestamp(stamp, UTC)
    if interval.intraday:
        return at
    dated = at if stamp % _DAY_S == 0 else at.astimezone(parse.NEW_YORK)
    return parse.midnight(dated.date())
