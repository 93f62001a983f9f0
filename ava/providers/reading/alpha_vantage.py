"""Alpha Vantage's answers: numbers as text under numbered labels, series newest first.

An unknown symbol is an empty object, which is NotFoundError here and never a quote without a price.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, field

from ava.errors import NotFoundError
from ava.net.spec import Answer
from ava.providers import parse
from ava.providers.market import (
    Bar,
    EarningsDate,
    EarningsReport,
    Fundamentals,
    Match,
    NewsItem,
    Quote,
)
from ava.providers.parse import Loose, number

NAME = "alpha_vantage"


def _unnumbered(row: Mapping[str, str]) -> dict[str, str]:
    """Drop the numbers from labels: they differ between functions ("5. volume", "6. volume")."""
    return {label.partition(". ")[2] or label: value for label, value in row.items()}


class _QuoteBody(Struct):
    quote: dict[str, str] = field(name="Global Quote")


def read_quote(answer: Answer) -> Quote:
    """Read GLOBAL_QUOTE; an empty quote is how an unknown symbol looks."""
    row = _unnumbered(parse.read_json(answer, _QuoteBody).quote)
    if not row:
        raise NotFoundError("Alpha Vantage has no quote of this symbol", provider=NAME)
    return Quote(
        symbol=row["symbol"],
        price=parse.required(number(row["price"]), "price"),
        previous_close=number(row.get("previous close")),
        open=number(row.get("open")),
        high=number(row.get("high")),
        low=number(row.get("low")),
        volume=number(row.get("volume")),
        session=parse.day(row.get("latest trading day")),
    )


def read_daily(answer: Answer) -> list[Bar]:
    """Read either function of daily bars."""
    return read_series(answer, "Time Series (Daily)")


def read_series(answer: Answer, name: str) -> list[Bar]:
    """Read bars, which come newest first and stamped with the exchange's date or wall clock."""
    body = parse.read_json(answer, dict[str, msgspec.Raw])
    rows = msgspec.json.decode(body[name], type=dict[str, dict[str, str]])
    zone = ZoneInfo(_zone(body))
    return [_bar(stamp, _unnumbered(rows[stamp]), zone) for stamp in sorted(rows)]


def _zone(body: Mapping[str, msgspec.Raw]) -> str:
    meta = _unnumbered(msgspec.json.decode(body["Meta Data"], type=dict[str, str]))
    return meta.get("Time Zone", "US/Eastern").replace("US/Eastern", "America/New_York")


def _bar(stamp: str, row: Mapping[str, str], zone: ZoneInfo) -> Bar:
    return Bar(
        at=parse.local_moment(stamp, zone),
        open=number(row.get("open")),
        high=number(row.get("high")),
        low=number(row.get("low")),
        close=parse.required(number(row.get("close")), "close"),
        volume=number(row.get("volume")),
        adjusted_close=number(row.get("adjusted close")),
    )


class _Overview(Struct):
    symbol: str | None = field(name="Symbol", default=None)
    name: str | None = field(name="Name", default=None)
    exchange: str | None = field(name="Exchange", default=None)
    currency: str | None = field(name="Currency", default=None)
    country: str | None = field(name="Country", default=None)
    sector: str | None = field(name="Sector", default=None)
    industry: str | None = field(name="Industry", default=None)
    market_cap: Loose = field(name="MarketCapitalization", default=None)
    shares: Loose = field(name="SharesOutstanding", default=None)
    ebitda: Loose = field(name="EBITDA", default=None)
    pe: Loose = field(name="PERatio", default=None)
    forward_pe: Loose = field(name="ForwardPE", default=None)
    eps: Loose = field(name="EPS", default=None)
    dividend_yield: Loose = field(name="DividendYield", default=None)
    profit_margin: Loose = field(name="ProfitMargin", default=None)
    beta: Loose = field(name="Beta", default=None)
    target: Loose = field(name="AnalystTargetPrice", default=None)
    year_high: Loose = field(name="52WeekHigh", default=None)
    year_low: Loose = field(name="52WeekLow", default=None)
    latest_quarter: str | None = field(name="LatestQuarter", default=None)
    ex_dividend: str | None = field(name="ExDividendDate", default=None)


def read_overview(answer: Answer) -> Fundamentals:
    """Read OVERVIEW; `{}` is how an unknown symbol looks."""
    raw = parse.read_json(answer, _Overview)
    if raw.symbol is None:
        raise NotFoundError("Alpha Vantage has no overview of this symbol", provider=NAME)
    return Fundamentals(
        symbol=raw.symbol,
        name=parse.known(raw.name),
        exchange=parse.known(raw.exchange),
        currency=parse.known(raw.currency),
        country=parse.known(raw.country),
        sector=parse.known(raw.sector),
        industry=parse.known(raw.industry),
        market_cap=number(raw.market_cap),
        shares_outstanding=number(raw.shares),
        ebitda=number(raw.ebitda),
        pe=number(raw.pe),
        forward_pe=number(raw.forward_pe),
        eps=number(raw.eps),
        dividend_yield=number(raw.dividend_yield),
        profit_margin=number(raw.profit_margin),
        beta=number(raw.beta),
        target_price=number(raw.target),
        year_high=number(raw.year_high),
        year_low=number(raw.year_low),
        latest_quarter=parse.day(raw.latest_quarter),
        ex_dividend=parse.day(raw.ex_dividend),
    )


class _TickerSentiment(Struct):
    ticker: str
    ticker_sentiment_score: Loose = None


class _Article(Struct):
    title: str
    url: str
    time_published: str
    source: str | None = None
    summary: str | None = None
    overall_sentiment_score: Loose = None
    ticker_sentiment: list[_TickerSentiment] = []


class _Feed(Struct):
    feed: list[_Article]


def read_news(answer: Answer, symbol: str | None = None) -> list[NewsItem]:
    """Read NEWS_SENTIMENT; the sentiment is that of `symbol` where there is one."""
    return [_news_item(raw, symbol) for raw in parse.read_json(answer, _Feed).feed]


def _news_item(raw: _Article, symbol: str | None) -> NewsItem:
    scores = {one.ticker: one.ticker_sentiment_score for one in raw.ticker_sentiment}
    score = raw.overall_sentiment_score if symbol is None else scores.get(symbol)
    return NewsItem(
        title=raw.title,
        url=raw.url,
        at=parse.local_moment(raw.time_published, ZoneInfo("UTC")),
        source=parse.known(raw.source),
        summary=parse.known(raw.summary),
        symbols=tuple(scores),
        sentiment=number(score),
    )


class _Quarter(Struct, rename="camel"):
    fiscal_date_ending: str
    reported_date: str | None = None
    reported_eps: Loose = field(name="reportedEPS", default=None)
    estimated_eps: Loose = field(name="estimatedEPS", default=None)
    surprise: Loose = None
    report_time: str | None = None


class _Earnings(Struct):
    symbol: str | None = None
    quarters: list[_Quarter] = field(name="quarterlyEarnings", default_factory=list)


def read_earnings(answer: Answer) -> list[EarningsReport]:
    """Read EARNINGS; `{}` is how an unknown symbol looks."""
    raw = parse.read_json(answer, _Earnings)
    if raw.symbol is None:
        raise NotFoundError("Alpha Vantage has no earnings of this symbol", provider=NAME)
    return [
        EarningsReport(
            fiscal_end=parse.required(parse.day(quarter.fiscal_date_ending), "fiscalDateEnding"),
            reported=parse.day(quarter.reported_date),
            eps=number(quarter.reported_eps),
            estimate=number(quarter.estimated_eps),
            surprise=number(quarter.surprise),
            time=parse.report_time(quarter.report_time),
        )
        for quarter in raw.quarters
    ]


def read_calendar(answer: Answer) -> list[EarningsDate]:
    """Read EARNINGS_CALENDAR, the one answer that is CSV."""
    rows = csv.DictReader(answer.body.decode().splitlines(), strict=True)
    missing = {"symbol", "reportDate"} - set(rows.fieldnames or ())
    if missing:
        raise ValueError(f"the calendar has no column {', '.join(sorted(missing))}")
    return [_calendar_row(row) for row in rows]


def _calendar_row(row: Mapping[str, str]) -> EarningsDate:
    return EarningsDate(
        symbol=row["symbol"],
        day=parse.required(parse.day(row["reportDate"]), "reportDate"),
        time=parse.report_time(row.get("timeOfTheDay")),
        fiscal_end=parse.day(row.get("fiscalDateEnding")),
        eps_estimate=number(row.get("estimate")),
        currency=parse.known(row.get("currency")),
    )


class _Matches(Struct):
    found: list[dict[str, str]] = field(name="bestMatches")


def read_matches(answer: Answer) -> list[Match]:
    """Read SYMBOL_SEARCH."""
    rows = [_unnumbered(row) for row in parse.read_json(answer, _Matches).found]
    return [
        Match(
            symbol=row["symbol"],
            name=row["name"],
            type=parse.known(row.get("type")),
            region=parse.known(row.get("region")),
            currency=parse.known(row.get("currency")),
            score=number(row.get("matchScore")),
        )
        for row in rows
    ]
