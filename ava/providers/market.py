"""What market-data providers answer, in one vocabulary.

Every provider's own names and quirks end in these structs, so that a caller, a cache and the
gateway's failover need not know who answered. What a provider does not say is None: never 0, never
an empty text. Prices are floats in the quote's currency; times are aware and in UTC; rates and
yields are fractions (0.05 is 5 %). The structs are plain data and go through the cache unchanged.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct


class Interval(StrEnum):
    """The length of a bar."""

    MINUTE = "1m"
    MINUTES_5 = "5m"
    MINUTES_15 = "15m"
    MINUTES_30 = "30m"
    HOUR = "1h"
    DAY = "1d"
    WEEK = "1wk"
    MONTH = "1mo"

    @property
    def intraday(self) -> bool:
        """Whether a session holds several such bars."""
        return self not in {Interval.DAY, Interval.WEEK, Interval.MONTH}


class Right(StrEnum):
    """What an option gives: to buy, or to sell."""

    CALL = "call"
    PUT = "put"


class ReportTime(StrEnum):
    """When in its day a company reports."""

    BEFORE_OPEN = "before_open"
    DURING = "during"
    AFTER_CLOSE = "after_close"


class Quote(Struct, frozen=True, kw_only=True):
    """The latest price; `at` is its moment, or `session` the day where only that is known."""

    symbol: str
    price: float
    previous_close: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None
    bid: float | None = None
    ask: float | None = None
    at: datetime | None = None
    session: date | None = None
    currency: str | None = None


class Bar(Struct, frozen=True, kw_only=True):
    """Prices of one interval that begins at `at`.

    A bar of a day or longer begins at midnight of the exchange, whatever the provider stamps it
    with. A provider that sends closes alone leaves the rest None.
    """

    at: datetime
    close: float
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None
    adjusted_close: float | None = None


class OptionContract(Struct, frozen=True, kw_only=True):
    """One listed option with its market and, where the provider has them, its greeks.

    `traded_at` is the last trade, which may lie long before the quotes.
    """

    symbol: str
    underlying: str
    right: Right
    strike: float
    expires: date
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    volume: float | None = None
    open_interest: float | None = None
    implied_volatility: float | None = None
    delta: float | None = None
    gamma: float | None = None
    theta: float | None = None
    vega: float | None = None
    break_even: float | None = None
    in_the_money: bool | None = None
    traded_at: datetime | None = None


class OptionChain(Struct, frozen=True, kw_only=True):
    """The contracts of one expiry, and every expiry there is.

    `reports_at` is the earnings report that the provider tells of, made or to come.
    """

    underlying: str
    underlying_price: float | None
    expirations: tuple[date, ...]
    contracts: tuple[OptionContract, ...]
    reports_at: datetime | None = None


class Fundamentals(Struct, frozen=True, kw_only=True):
    """A company as its provider describes it; amounts in whole units of `currency`."""

    symbol: str
    name: str | None = None
    exchange: str | None = None
    currency: str | None = None
    country: str | None = None
    sector: str | None = None
    industry: str | None = None
    market_cap: float | None = None
    shares_outstanding: float | None = None
    ebitda: float | None = None
    pe: float | None = None
    forward_pe: float | None = None
    eps: float | None = None
    dividend_yield: float | None = None
    profit_margin: float | None = None
    beta: float | None = None
    target_price: float | None = None
    year_high: float | None = None
    year_low: float | None = None
    latest_quarter: date | None = None
    ex_dividend: date | None = None


class NewsItem(Struct, frozen=True, kw_only=True):
    """One article; `sentiment` is between -1 and 1, for the symbol asked about where given."""

    title: str
    url: str
    at: datetime | None = None
    source: str | None = None
    summary: str | None = None
    symbols: tuple[str, ...] = ()
    sentiment: float | None = None


class EarningsDate(Struct, frozen=True, kw_only=True):
    """A report that is due, or was made."""

    symbol: str
    day: date
    time: ReportTime | None = None
    fiscal_end: date | None = None
    eps_estimate: float | None = None
    eps_actual: float | None = None
    revenue_estimate: float | None = None
    revenue_actual: float | None = None
    currency: str | None = None


class EarningsReport(Struct, frozen=True, kw_only=True):
    """One quarter's result against what was expected of it."""

    fiscal_end: date
    reported: date | None = None
    eps: float | None = None
    estimate: float | None = None
    surprise: float | None = None
    time: ReportTime | None = None


class Recommendation(Struct, frozen=True, kw_only=True):
    """How many analysts say what, in the month that begins at `period`."""

    symbol: str
    period: date
    strong_buy: int
    buy: int
    hold: int
    sell: int
    strong_sell: int


class Match(Struct, frozen=True, kw_only=True):
    """A symbol that fits a search; `score` is between 0 and 1."""

    symbol: str
    name: str
    type: str | None = None
    region: str | None = None
    currency: str | None = None
    score: float | None = None
