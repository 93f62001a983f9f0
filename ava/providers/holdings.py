"""What a brokerage answers: accounts, positions, options and their prices, in one vocabulary.

Money and quantities are Decimals, as exact as they were sent. Unknown is None: a contract without
a price has no value, and a sum that would need it has none either, rather than one that leaves it
out. The structs are plain data and go through the cache unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct, field

from ava.providers.games import Exact
from ava.providers.market import Right

_OCC = re.compile(r"(?P<root>[A-Z0-9.]{1,6}) *(?P<day>\d{6})(?P<right>[CP])(?P<strike>\d{8})")
_SHORT = "short"


class Account(Exact, frozen=True, kw_only=True):
    """An account and what it can spend."""

    account_number: str
    buying_power: Decimal | None = None
    cash: Decimal | None = None
    portfolio_cash: Decimal | None = None
    cash_held_for_options_collateral: Decimal | None = None


class Equity(Exact, frozen=True, kw_only=True):
    """What an account is worth, in the brokerage's own reckoning."""

    equity: Decimal | None = None
    market_value: Decimal | None = None
    extended_hours_equity: Decimal | None = None
    equity_previous_close: Decimal | None = None


class Position(Exact, frozen=True, kw_only=True):
    """Shares held; `instrument` is a URL whose last segment is the instrument's id."""

    instrument: str
    quantity: Decimal
    average_buy_price: Decimal | None = None
    symbol: str | None = None

    @property
    def instrument_id(self) -> str:
        """The id at the end of the URL."""
        return self.instrument.rstrip("/").rpartition("/")[2]


class OptionPosition(Exact, frozen=True, kw_only=True):
    """Contracts held, or owed where `type` is short; `average_price` is of a whole contract."""

    id: str
    chain_symbol: str
    option_id: str
    type: str
    quantity: Decimal
    average_price: Decimal | None = None
    multiplier: Decimal = field(name="trade_value_multiplier", default=Decimal(100))
    chain_id: str | None = None
    created_at: datetime | None = None

    @property
    def is_short(self) -> bool:
        """Whether the contracts are owed."""
        return self.type == _SHORT


class Instrument(Struct, frozen=True, kw_only=True):
    """A share's identity."""

    id: str
    symbol: str
    name: str | None = None
    simple_name: str | None = None
    tradable_chain_id: str | None = None


class OptionInstrument(Exact, frozen=True, kw_only=True):
    """An option contract's terms."""

    id: str
    chain_symbol: str
    expiration_date: date
    strike_price: Decimal
    type: Right
    chain_id: str | None = None
    state: str | None = None


class OptionChainInfo(Exact, frozen=True, kw_only=True):
    """The expiries that a symbol's options have."""

    id: str
    symbol: str
    expiration_dates: tuple[date, ...]
    trade_value_multiplier: Decimal | None = None


class OptionTerms(Struct, frozen=True, kw_only=True):
    """What an option's OCC symbol says."""

    underlying: str
    expires: date
    right: Right
    strike: Decimal


class OptionMark(Exact, frozen=True, kw_only=True):
    """A contract's market; greeks are None where the brokerage has none."""

    instrument_id: str
    symbol: str | None = None
    occ_symbol: str | None = None
    adjusted_mark_price: Decimal | None = None
    mark_price: Decimal | None = None
    bid_price: Decimal | None = None
    bid_size: int | None = None
    ask_price: Decimal | None = None
    ask_size: int | None = None
    break_even_price: Decimal | None = None
    volume: int | None = None
    open_interest: int | None = None
    implied_volatility: Decimal | None = None
    delta: Decimal | None = None
    gamma: Decimal | None = None
    theta: Decimal | None = None
    vega: Decimal | None = None
    chance_of_profit_short: Decimal | None = None

    @property
    def price(self) -> Decimal | None:
        """The price a contract is valued at, of one share."""
        return self.mark_price if self.adjusted_mark_price is None else self.adjusted_mark_price

    @property
    def terms(self) -> OptionTerms | None:
        """What the contract is, so that nobody need ask for it again."""
        return None if self.occ_symbol is None else read_occ(self.occ_symbol)


class StockQuote(Exact, frozen=True, kw_only=True):
    """A share's latest prices."""

    symbol: str
    last_trade_price: Decimal | None = None
    last_extended_hours_trade_price: Decimal | None = None
    bid_price: Decimal | None = None
    bid_size: int | None = None
    ask_price: Decimal | None = None
    ask_size: int | None = None
    previous_close: Decimal | None = None
    updated_at: datetime | None = None
    instrument: str | None = None

    @property
    def price(self) -> Decimal | None:
        """The latest price, of extended hours where there is one."""
        extended = self.last_extended_hours_trade_price
        return self.last_trade_price if extended is None else extended


class StockFigures(Exact, frozen=True, kw_only=True):
    """A company's figures as the brokerage shows them."""

    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal | None = None
    average_volume: Decimal | None = None
    high_52_weeks: Decimal | None = None
    low_52_weeks: Decimal | None = None
    market_cap: Decimal | None = None
    pe_ratio: Decimal | None = None
    dividend_yield: Decimal | None = None
    sector: str | None = None
    industry: str | None = None


class Holding(Struct, frozen=True, kw_only=True):
    """Shares held, with their symbol and quote where the brokerage knows them."""

    position: Position
    symbol: str | None
    quote: StockQuote | None

    @property
    def value(self) -> Decimal | None:
        """What the shares are worth; None without a price."""
        price = None if self.quote is None else self.quote.price
        return None if price is None else self.position.quantity * price


class OptionHolding(Struct, frozen=True, kw_only=True):
    """Contracts held, with their market and their underlying's quote where there are any."""

    position: OptionPosition
    mark: OptionMark | None
    underlying: StockQuote | None

    @property
    def value(self) -> Decimal | None:
        """What the contracts are worth, less than nothing for those owed; None without a price."""
        price = None if self.mark is None else self.mark.price
        if price is None:
            return None
        whole = self.position.quantity * self.position.multiplier * price
        return -whole if self.position.is_short else whole


class Portfolio(Struct, frozen=True, kw_only=True):
    """Everything an account holds, each with its price."""

    stocks: tuple[Holding, ...]
    options: tuple[OptionHolding, ...]

    @property
    def value(self) -> Decimal | None:
        """What all of it is worth; None where a single price is unknown."""
        stocks = [holding.value for holding in self.stocks]
        return _sum([*stocks, *(holding.value for holding in self.options)])


def read_occ(symbol: str) -> OptionTerms:
    """Read "AAA   260220P00010000"; raise ValueError for what is no OCC symbol."""
    found = _OCC.fullmatch(symbol.strip())
    if found is None:
        raise ValueError(f"{symbol!r} is not an option's OCC symbol")
    day = found["day"]
    return OptionTerms(
        underlying=found["root"],
        expires=date(2000 + int(day[:2]), int(day[2:4]), int(day[4:])),
        right=Right.CALL if found["right"] == "C" else Right.PUT,
        strike=Decimal(found["strike"]) / 1000,
    )


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for value in values:
        if value is None:
            return None
        total += value
    return total
