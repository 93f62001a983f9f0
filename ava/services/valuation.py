"""What holdings are worth, what they cost and what they earned, as far as that is known.

Pure: a brokerage's portfolio in, a view of it out. All money is Decimal, multiplied and added as it
was sent. Unknown is None and spreads: a holding without a price has no value, and a total that
would need it has none either and names it, so that nobody takes a part of the sum for the whole.
What is owed counts against: a short contract has a negative value, and its cost is the premium
received, negative too, so that profit is always value less cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from ava.providers.holdings import Holding, OptionHolding, OptionTerms, Portfolio


class Valued(Struct, frozen=True, kw_only=True):
    """A holding in money; `name` is its symbol, or its id where the brokerage has no symbol."""

    name: str
    value: Decimal | None
    cost: Decimal | None
    profit: Decimal | None


class Shares(Valued, frozen=True, kw_only=True):
    """Shares held; prices are of one share, and `quoted_at` is how old theirs is."""

    symbol: str | None
    quantity: Decimal
    average_price: Decimal | None
    price: Decimal | None
    quoted_at: datetime | None


class Greeks(Struct, frozen=True, kw_only=True):
    """How a contract's price moves, of one share; each may be unknown."""

    delta: Decimal | None
    gamma: Decimal | None
    theta: Decimal | None
    vega: Decimal | None
    implied_volatility: Decimal | None


class Contracts(Valued, frozen=True, kw_only=True):
    """Option contracts held, or owed where `side` is short.

    `price`, `bid`, `ask` and `break_even` are of one share, `average_price` of a whole contract.
    """

    underlying: str
    side: str
    terms: OptionTerms | None
    quantity: Decimal
    multiplier: Decimal
    average_price: Decimal | None
    price: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    break_even: Decimal | None
    underlying_price: Decimal | None
    greeks: Greeks | None


class Totals(Struct, frozen=True, kw_only=True):
    """Sums over holdings; one is None where a holding lacks what it needs, which are named."""

    value: Decimal | None
    cost: Decimal | None
    profit: Decimal | None
    unpriced: tuple[str, ...] = ()
    uncosted: tuple[str, ...] = ()


class PortfolioView(Struct, frozen=True, kw_only=True):
    """Everything an account holds, valued."""

    stocks: tuple[Shares, ...]
    options: tuple[Contracts, ...]
    stock_totals: Totals
    option_totals: Totals
    totals: Totals


def valued(portfolio: Portfolio) -> PortfolioView:
    """Return a portfolio with its money."""
    stocks = tuple(map(_shares, portfolio.stocks))
    options = tuple(map(_contracts, portfolio.options))
    return PortfolioView(
        stocks=stocks,
        options=options,
        stock_totals=total(stocks),
        option_totals=total(options),
        totals=total((*stocks, *options)),
    )


def total(holdings: Sequence[Valued]) -> Totals:
    """Add holdings up; nothing held is worth nothing, which is known."""
    unpriced = tuple(held.name for held in holdings if held.value is None)
    uncosted = tuple(held.name for held in holdings if held.cost is None)
    value = _sum(holdings, lambda held: held.value)
    cost = _sum(holdings, lambda held: held.cost)
    return Totals(
        value=value, cost=cost, profit=_less(value, cost), unpriced=unpriced, uncosted=uncosted
    )


def _shares(holding: Holding) -> Shares:
    held, quote = holding.position, holding.quote
    cost = _times(held.average_buy_price, held.quantity)
    return Shares(
        name=holding.symbol or held.instrument_id,
        value=holding.value,
        cost=cost,
        profit=_less(holding.value, cost),
        symbol=holding.symbol,
        quantity=held.quantity,
        average_price=held.average_buy_price,
        price=None if quote is None else quote.price,
        quoted_at=None if quote is None else quote.updated_at,
    )


def _contracts(holding: OptionHolding) -> Contracts:
    held, mark, underlying = holding.position, holding.mark, holding.underlying
    cost = _premium(holding)
    return Contracts(
        name=held.id if mark is None or mark.occ_symbol is None else mark.occ_symbol,
        value=holding.value,
        cost=cost,
        profit=_less(holding.value, cost),
        underlying=held.chain_symbol,
        side=held.type,
        terms=_terms(holding),
        quantity=held.quantity,
        multiplier=held.multiplier,
        average_price=held.average_price,
        price=None if mark is None else mark.price,
        bid=None if mark is None else mark.bid_price,
        ask=None if mark is None else mark.ask_price,
        break_even=None if mark is None else mark.break_even_price,
        underlying_price=None if underlying is None else underlying.price,
        greeks=_greeks(holding),
    )


def _premium(holding: OptionHolding) -> Decimal | None:
    """Return what contracts cost, less than nothing where the premium was received.

    The brokerage tells the premium of a short position with either sign, so the side decides.
    """
    held = holding.position
    if held.average_price is None:
        return None
    paid = held.quantity * abs(held.average_price)
    return -paid if held.is_short else paid


def _terms(holding: OptionHolding) -> OptionTerms | None:
    """Return what the contracts are; an adjusted contract's name may say nothing we can read."""
    try:
        return None if holding.mark is None else holding.mark.terms
    except ValueError:
        return None


def _greeks(holding: OptionHolding) -> Greeks | None:
    mark = holding.mark
    if mark is None:
        return None
    return Greeks(
        delta=mark.delta,
        gamma=mark.gamma,
        theta=mark.theta,
        vega=mark.vega,
        implied_volatility=mark.implied_volatility,
    )


def _sum(holdings: Sequence[Valued], part: Callable[[Valued], Decimal | None]) -> Decimal | None:
    parts = [part(held) for held in holdings]
    known = [money for money in parts if money is not None]
    return sum(known, Decimal(0)) if len(known) == len(parts) else None


def _times(price: Decimal | None, quantity: Decimal) -> Decimal | None:
    return None if price is None else price * quantity


def _less(value: Decimal | None, cost: Decimal | None) -> Decimal | None:
    return None if value is None or cost is None else value - cost
