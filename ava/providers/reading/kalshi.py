"""Kalshi's answers: markets, events, trades, candles and order books, exact to the last digit.

Kalshi writes money and counts as text ("0.4200", "100.00"); they are read as Decimals and never
pass through a float. Names lose their `_dollars` and `_fp`, which say what the type says here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import TypeVar

from msgspec import Struct, field

from ava.net.spec import Answer
from ava.providers import parse
from ava.providers.games import Exact

Level = tuple[Decimal, Decimal]  # price in dollars, contracts

_DOLLAR = Decimal(1)


class Period(IntEnum):
    """The lengths of a candle there are, in minutes."""

    MINUTE = 1
    HOUR = 60
    DAY = 1440


class Market(Exact, frozen=True, kw_only=True):
    """One question with its best prices, in dollars of the one that a contract may pay.

    As Kalshi says them: a bid of 0 and an ask of 1 are what stands where nobody offers.
    """

    ticker: str
    event_ticker: str
    status: str
    close_time: datetime
    yes_sub_title: str = ""
    result: str = ""
    market_type: str | None = None
    yes_bid: Decimal | None = field(name="yes_bid_dollars", default=None)
    yes_ask: Decimal | None = field(name="yes_ask_dollars", default=None)
    no_bid: Decimal | None = field(name="no_bid_dollars", default=None)
    no_ask: Decimal | None = field(name="no_ask_dollars", default=None)
    last_price: Decimal | None = field(name="last_price_dollars", default=None)
    volume: Decimal | None = field(name="volume_fp", default=None)
    volume_24h: Decimal | None = field(name="volume_24h_fp", default=None)
    open_interest: Decimal | None = field(name="open_interest_fp", default=None)
    strike_type: str | None = None
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None


class Event(Struct, frozen=True, kw_only=True):
    """What several markets are about; they come with it only where asked for."""

    event_ticker: str
    series_ticker: str
    title: str
    sub_title: str = ""
    mutually_exclusive: bool | None = None
    markets: tuple[Market, ...] | None = None


class Trade(Exact, frozen=True, kw_only=True):
    """One trade, as both sides paid for it."""

    trade_id: str
    ticker: str
    created_time: datetime
    taker_side: str | None = None
    count: Decimal = field(name="count_fp")
    yes_price: Decimal = field(name="yes_price_dollars")
    no_price: Decimal = field(name="no_price_dollars")


class Prices(Exact, frozen=True, kw_only=True):
    """Prices over a candle's length; None where nobody traded."""

    open: Decimal | None = field(name="open_dollars", default=None)
    high: Decimal | None = field(name="high_dollars", default=None)
    low: Decimal | None = field(name="low_dollars", default=None)
    close: Decimal | None = field(name="close_dollars", default=None)


class Candle(Exact, frozen=True, kw_only=True):
    """One candle; `end_period_ts` is its end in seconds since 1970."""

    end_period_ts: int
    price: Prices
    yes_bid: Prices | None = None
    yes_ask: Prices | None = None
    volume: Decimal | None = field(name="volume_fp", default=None)
    open_interest: Decimal | None = field(name="open_interest_fp", default=None)


class Orderbook(Struct, frozen=True, kw_only=True):
    """The bids on both sides; an ask is the other side's bid, seen from here."""

    yes: tuple[Level, ...] = ()
    no: tuple[Level, ...] = ()

    @property
    def yes_bid(self) -> Decimal | None:
        """The best price somebody pays for yes."""
        return _best(self.yes)

    @property
    def yes_ask(self) -> Decimal | None:
        """The best price at which yes can be had: a dollar less what is paid for no."""
        best = _best(self.no)
        return None if best is None else _DOLLAR - best

    @property
    def no_bid(self) -> Decimal | None:
        """The best price somebody pays for no."""
        return _best(self.no)

    @property
    def no_ask(self) -> Decimal | None:
        """The best price at which no can be had."""
        best = _best(self.yes)
        return None if best is None else _DOLLAR - best


class _Markets(Struct):
    markets: list[Market]
    cursor: str | None = None


class _Events(Struct):
    events: list[Event]
    cursor: str | None = None


class _Trades(Struct):
    trades: list[Trade]
    cursor: str | None = None


class _OneMarket(Struct):
    market: Market


class _Candles(Struct):
    candlesticks: list[Candle]


class _Sides(Struct):
    yes: list[Level] | None = field(name="yes_dollars", default=None)
    no: list[Level] | None = field(name="no_dollars", default=None)


class _Book(Struct):
    orderbook: _Sides = field(name="orderbook_fp")


T = TypeVar("T")
Page = tuple[list[T], str | None]


def read_markets(answer: Answer) -> Page[Market]:
    """Read a page of markets and the cursor of the next."""
    page = parse.read_json(answer, _Markets)
    return page.markets, page.cursor


def read_events(answer: Answer) -> Page[Event]:
    """Read a page of events and the cursor of the next."""
    page = parse.read_json(answer, _Events)
    return page.events, page.cursor


def read_trades(answer: Answer) -> Page[Trade]:
    """Read a page of trades and the cursor of the next."""
    page = parse.read_json(answer, _Trades)
    return page.trades, page.cursor


def read_market(answer: Answer) -> Market:
    """Read one market."""
    return parse.read_json(answer, _OneMarket).market


def read_candles(answer: Answer) -> list[Candle]:
    """Read the candles of a market."""
    return parse.read_json(answer, _Candles).candlesticks


def read_book(answer: Answer) -> Orderbook:
    """Read an order book; raise ValueError for a level that is no number."""
    sides = parse.read_json(answer, _Book).orderbook
    levels = [*(sides.yes or ()), *(sides.no or ())]
    if not all(value.is_finite() for level in levels for value in level):
        raise ValueError("the order book holds a price or a count that is no number")
    return Orderbook(yes=tuple(sides.yes or ()), no=tuple(sides.no or ()))


def _best(levels: Iterable[Level]) -> Decimal | None:
    """Return the highest price that anything stands at."""
    return max((price for price, count in levels if count > 0), default=None)
