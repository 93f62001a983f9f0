"""Massive's answers: one-letter names, epochs in ms for bars and in ns for trades and snapshots."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from ava.errors import NotFoundError
from ava.net.spec import Answer
from ava.providers import parse
from ava.providers.market import Bar, Interval, Match, OptionContract, Quote, Right
from ava.providers.parse import Loose, number, positive

NAME = "massive"


class BarPage(Struct, frozen=True):
    """Bars, and where there are more."""

    rows: list[Bar]
    next: str | None = None


class ContractPage(Struct, frozen=True):
    """Option contracts, and where there are more."""

    rows: list[OptionContract]
    next: str | None = None


class MatchPage(Struct, frozen=True):
    """Symbols, and where there are more."""

    rows: list[Match]
    next: str | None = None


class _Aggregate(Struct):
    c: Loose = None
    o: Loose = None
    h: Loose = None
    l: Loose = None  # noqa: E741 - the provider's name
    v: Loose = None
    t: Loose = None
    symbol: str | None = field(name="T", default=None)


class _Aggregates(Struct):
    results: list[_Aggregate] = []
    next_url: str | None = None


def read_bars(answer: Answer, interval: Interval) -> BarPage:
    """Read /v2/aggs/.../range; where nothing traded there are no results."""
    raw = parse.read_json(answer, _Aggregates)
    return BarPage([_bar(row, interval) for row in raw.results], raw.next_url)


def _bar(raw: _Aggregate, interval: Interval) -> Bar:
    return Bar(
        at=_begin(raw.t, interval),
        close=parse.required(number(raw.c), "close"),
        open=number(raw.o),
        high=number(raw.h),
        low=number(raw.l),
        volume=number(raw.v),
    )


def _begin(stamp: Loose, interval: Interval) -> datetime:
    """Return when a bar begins; some daily ones are stamped with the session's end."""
    at = parse.required(parse.moment(stamp, parse.MILLISECOND), "time")
    return at if interval.intraday else parse.midnight(at.astimezone(parse.NEW_YORK).date())


def read_grouped(answer: Answer) -> dict[str, Bar]:
    """Read /v2/aggs/grouped: a day's bar of every stock."""
    rows = parse.read_json(answer, _Aggregates).results
    return {parse.required(row.symbol, "ticker"): _bar(row, Interval.DAY) for row in rows}


def read_previous(answer: Answer, symbol: str) -> Quote:
    """Read /v2/aggs/.../prev; no result is how an unknown symbol looks."""
    rows = parse.read_json(answer, _Aggregates).results
    if not rows:
        raise NotFoundError(f"Massive has no bar of {symbol!r}", provider=NAME)
    raw = rows[0]
    return Quote(
        symbol=symbol,
        price=parse.required(number(raw.c), "close"),
        open=number(raw.o),
        high=number(raw.h),
        low=number(raw.l),
        volume=number(raw.v),
        session=_begin(raw.t, Interval.DAY).astimezone(parse.NEW_YORK).date(),
    )


class _Trade(Struct):
    p: Loose = None
    t: Loose = None


class _Ends(Struct):
    bid: Loose = field(name="p", default=None)
    ask: Loose = field(name="P", default=None)


class _Snapshot(Struct, rename="camel"):
    ticker: str
    updated: Loose = None
    day: _Aggregate = field(default_factory=_Aggregate)
    prev_day: _Aggregate = field(default_factory=_Aggregate)
    last_trade: _Trade = field(default_factory=_Trade)
    last_quote: _Ends = field(default_factory=_Ends)


class _Snapshots(Struct):
    tickers: list[_Snapshot] = []


def read_snapshots(answer: Answer) -> dict[str, Quote]:
    """Read /v2/snapshot; a symbol without any price is left out, as an unknown one is."""
    rows = parse.read_json(answer, _Snapshots).tickers
    return {row.ticker: found for row in rows if (found := _quote(row)) is not None}


def _quote(raw: _Snapshot) -> Quote | None:
    """Return the snapshot's quote; before the first trade of a day its prices are 0."""
    price = positive(raw.last_trade.p) or positive(raw.day.c)
    if price is None:
        return None
    return Quote(
        symbol=raw.ticker,
        price=price,
        previous_close=positive(raw.prev_day.c),
        open=positive(raw.day.o),
        high=positive(raw.day.h),
        low=positive(raw.day.l),
        volume=number(raw.day.v),
        bid=positive(raw.last_quote.bid),
        ask=positive(raw.last_quote.ask),
        at=parse.moment(raw.updated, parse.NANOSECOND),
    )


class _LastTrade(Struct):
    price: Loose = None
    timestamp: Loose = None


class _LastCrypto(Struct):
    symbol: str
    last: _LastTrade


def read_last_crypto(answer: Answer) -> Quote:
    """Read /v1/last/crypto."""
    raw = parse.read_json(answer, _LastCrypto)
    return Quote(
        symbol=raw.symbol,
        price=parse.required(positive(raw.last.price), "price"),
        at=parse.moment(raw.last.timestamp, parse.MILLISECOND),
    )


class _Details(Struct):
    ticker: str
    contract_type: str
    expiration_date: str
    strike_price: float


class _Greeks(Struct):
    delta: Loose = None
    gamma: Loose = None
    theta: Loose = None
    vega: Loose = None


class _OptionQuote(Struct):
    bid: Loose = None
    ask: Loose = None


class _OptionDay(Struct):
    close: Loose = None
    volume: Loose = None


class _Underlying(Struct):
    ticker: str | None = None


class _Option(Struct):
    details: _Details
    day: _OptionDay = field(default_factory=_OptionDay)
    greeks: _Greeks = field(default_factory=_Greeks)
    last_quote: _OptionQuote = field(default_factory=_OptionQuote)
    underlying_asset: _Underlying = field(default_factory=_Underlying)
    implied_volatility: Loose = None
    open_interest: Loose = None
    break_even_price: Loose = None


class _Options(Struct):
    results: list[_Option] = []
    next_url: str | None = None


def read_contracts(answer: Answer, underlying: str) -> ContractPage:
    """Read /v3/snapshot/options; greeks are absent where the model found none."""
    raw = parse.read_json(answer, _Options)
    return ContractPage([_contract(row, underlying) for row in raw.results], raw.next_url)


def _contract(raw: _Option, underlying: str) -> OptionContract:
    return OptionContract(
        symbol=raw.details.ticker,
        underlying=raw.underlying_asset.ticker or underlying,
        right=Right(raw.details.contract_type),
        strike=raw.details.strike_price,
        expires=parse.required(parse.day(raw.details.expiration_date), "expiration_date"),
        bid=number(raw.last_quote.bid),
        ask=number(raw.last_quote.ask),
        last=positive(raw.day.close),
        volume=number(raw.day.volume),
        open_interest=number(raw.open_interest),
        implied_volatility=positive(raw.implied_volatility),
        delta=number(raw.greeks.delta),
        gamma=number(raw.greeks.gamma),
        theta=number(raw.greeks.theta),
        vega=number(raw.greeks.vega),
        break_even=number(raw.break_even_price),
    )


class _Ticker(Struct):
    ticker: str
    name: str
    type: str | None = None
    locale: str | None = None
    currency_name: str | None = None


class _Tickers(Struct):
    results: list[_Ticker] = []
    next_url: str | None = None


def read_tickers(answer: Answer) -> MatchPage:
    """Read /v3/reference/tickers."""
    raw = parse.read_json(answer, _Tickers)
    rows = [
        Match(
            symbol=row.ticker,
            name=row.name,
            type=row.type,
            region=row.locale,
            currency=None if row.currency_name is None else row.currency_name.upper(),
        )
        for row in raw.results
    ]
    return MatchPage(rows, raw.next_url)
