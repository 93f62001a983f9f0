"""Yahoo's answers: a result list under one root name each, with nulls inside the columns.

Bars of a day or longer are stamped with the session's opening; here they begin at the midnight
before it, as other providers' do. Greeks are not sent, so they stay None.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from ava.errors import NotFoundError
from ava.net.spec import Answer
from ava.providers import parse
from ava.providers.market import (
    Bar,
    Interval,
    OptionChain,
    OptionContract,
    Quote,
    Right,
)
from ava.providers.parse import Loose, number

NAME = "yahoo"

Column = list[float | None]


class _Quote(Struct, rename="camel"):
    symbol: str
    currency: str | None = None
    regular_market_price: Loose = None
    regular_market_previous_close: Loose = None
    regular_market_open: Loose = None
    regular_market_day_high: Loose = None
    regular_market_day_low: Loose = None
    regular_market_volume: Loose = None
    regular_market_time: Loose = None
    bid: Loose = None
    ask: Loose = None
    earnings_timestamp: Loose = None


class _QuoteResponse(Struct):
    result: list[_Quote]


class _Quotes(Struct):
    response: _QuoteResponse = field(name="quoteResponse")


def read_quotes(answer: Answer) -> dict[str, Quote]:
    """Read /v7/finance/quote; a symbol without a price is left out, as an unknown one is."""
    rows = parse.read_json(answer, _Quotes).response.result
    return {row.symbol: found for row in rows if (found := _quote(row)) is not None}


def _quote(raw: _Quote) -> Quote | None:
    price = number(raw.regular_market_price)
    if price is None:
        return None
    return Quote(
        symbol=raw.symbol,
        price=price,
        previous_close=number(raw.regular_market_previous_close),
        open=number(raw.regular_market_open),
        high=number(raw.regular_market_day_high),
        low=number(raw.regular_market_day_low),
        volume=number(raw.regular_market_volume),
        bid=parse.positive(raw.bid),
        ask=parse.positive(raw.ask),
        at=parse.moment(raw.regular_market_time),
        currency=parse.known(raw.currency),
    )


class _Meta(Struct):
    zone: str | None = field(name="exchangeTimezoneName", default=None)


class _Prices(Struct):
    close: Column | None = None
    open: Column | None = None
    high: Column | None = None
    low: Column | None = None
    volume: Column | None = None


class _Adjusted(Struct):
    adjclose: Column | None = None


class _Indicators(Struct):
    quote: list[_Prices] = []
    adjclose: list[_Adjusted] = []


class _Series(Struct):
    meta: _Meta
    indicators: _Indicators
    timestamp: list[int] = []


class _ChartBody(Struct):
    result: list[_Series] | None = None


class _Chart(Struct):
    chart: _ChartBody


def read_chart(answer: Answer, interval: Interval) -> list[Bar]:
    """Read /v8/finance/chart; a chart without timestamps has no bars."""
    result = parse.read_json(answer, _Chart).chart.result
    if not result:
        raise NotFoundError("Yahoo has no chart of this symbol", provider=NAME)
    return _bars(result[0], interval)


class _Spark(Struct):
    symbol: str
    response: list[_Series] = []


class _SparkBody(Struct):
    result: list[_Spark] | None = None


class _Sparks(Struct):
    spark: _SparkBody


def read_sparks(answer: Answer, interval: Interval) -> dict[str, list[Bar]]:
    """Read /v7/finance/spark: closes alone, and nothing of an unknown symbol."""
    found = parse.read_json(answer, _Sparks).spark.result or []
    return {one.symbol: _bars(one.response[0], interval) for one in found if one.response}


def _bars(series: _Series, interval: Interval) -> list[Bar]:
    if not series.timestamp:
        return []
    size = len(series.timestamp)
    prices = series.indicators.quote[0]
    adjusted = series.indicators.adjclose
    columns = zip(
        series.timestamp,
        _column(prices.close, size),
        _column(prices.open, size),
        _column(prices.high, size),
        _column(prices.low, size),
        _column(prices.volume, size),
        _column(adjusted[0].adjclose if adjusted else None, size),
        strict=True,
    )
    zone = ZoneInfo(series.meta.zone or "America/New_York")
    return [
        Bar(
            at=_begin(stamp, interval, zone),
            close=close,
            open=opened,
            high=high,
            low=low,
            volume=volume,
            adjusted_close=adjusted_close,
        )
        for stamp, close, opened, high, low, volume, adjusted_close in columns
        if close is not None
    ]


def _column(values: Column | None, size: int) -> Column:
    """Return a column, or as many unknowns where it is not sent."""
    return [None] * size if values is None else values


def _begin(stamp: int, interval: Interval, zone: ZoneInfo) -> datetime:
    at = datetime.fromtimestamp(stamp, UTC)
    return at if interval.intraday else parse.midnight(at.astimezone(zone).date(), zone)


class _Contract(Struct, rename="camel"):
    contract_symbol: str
    strike: float
    expiration: int
    bid: Loose = None
    ask: Loose = None
    last_price: Loose = None
    volume: Loose = None
    open_interest: Loose = None
    implied_volatility: Loose = None
    in_the_money: bool | None = None
    last_trade_date: Loose = None


class _Expiry(Struct):
    calls: list[_Contract] = []
    puts: list[_Contract] = []


class _Chain(Struct, rename="camel"):
    underlying_symbol: str
    expiration_dates: list[int] = []
    quote: _Quote | None = None
    options: list[_Expiry] = []


class _ChainBody(Struct):
    result: list[_Chain] | None = None


class _Chains(Struct):
    chain: _ChainBody = field(name="optionChain")


def read_options(answer: Answer) -> OptionChain:
    """Read /v7/finance/options; nothing in the result is how an unknown symbol looks."""
    result = parse.read_json(answer, _Chains).chain.result
    if not result:
        raise NotFoundError("Yahoo has no options of this symbol", provider=NAME)
    raw = result[0]
    contracts = [
        _contract(one, raw.underlying_symbol, right)
        for expiry in raw.options
        for right, listed in ((Right.CALL, expiry.calls), (Right.PUT, expiry.puts))
        for one in listed
    ]
    return OptionChain(
        underlying=raw.underlying_symbol,
        underlying_price=None if raw.quote is None else number(raw.quote.regular_market_price),
        expirations=tuple(_date(stamp) for stamp in raw.expiration_dates),
        contracts=tuple(contracts),
        reports_at=None if raw.quote is None else parse.moment(raw.quote.earnings_timestamp),
    )


def _contract(raw: _Contract, underlying: str, right: Right) -> OptionContract:
    return OptionContract(
        symbol=raw.contract_symbol,
        underlying=underlying,
        right=right,
        strike=raw.strike,
        expires=_date(raw.expiration),
        bid=number(raw.bid),
        ask=number(raw.ask),
        last=number(raw.last_price),
        volume=number(raw.volume),
        open_interest=number(raw.open_interest),
        implied_volatility=number(raw.implied_volatility),
        in_the_money=raw.in_the_money,
        traded_at=parse.moment(raw.last_trade_date),
    )


def _date(stamp: int) -> date:
    """Return the day of an expiry, which is stamped with its midnight in UTC."""
    return datetime.fromtimestamp(stamp, UTC).date()
