"""Orders, what became of them, and what is held after that: plain data and plain functions.

An order's id is made from what it was decided on, so deciding twice gives the same order and a
broker that knows ids fills it once. Positions are the sum of fills and nothing else: they can be
computed again from the fills at any time, and must then be the same. All amounts are Decimals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from ava.db.local_rows import to_micros

_CENTI = Decimal("0.00000001")  # as exact as the stores keep a price
ZERO = Decimal(0)


class Side(StrEnum):
    """What an order does."""

    BUY = "buy"
    SELL = "sell"


@dataclass(frozen=True, slots=True)
class Order:
    """Something decided: at this price, at that moment, on that signal."""

    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Fill:
    """An order that was executed, as a whole."""

    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    filled_at: datetime

    @property
    def signed(self) -> Decimal:
        """The quantity, negative for what was sold."""
        return self.quantity if self.side is Side.BUY else -self.quantity


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held of a symbol (negative: owed), its average price, and the profit taken so far."""

    symbol: str
    quantity: Decimal = ZERO
    average_price: Decimal = ZERO
    realised: Decimal = ZERO


def order_id(model: str, symbol: str, decided_at: datetime) -> str:
    """Return the id of the one order that a model can decide on for a symbol at a moment."""
    return f"{model}:{symbol}:{to_micros(decided_at)}"


def applied(held: Holding, fill: Fill) -> Holding:
    """Return the holding after a fill.

    Adding to it averages the price; taking from it realises the difference to the average price;
    going through zero closes it and opens the rest at the fill's price.
    """
    if fill.symbol != held.symbol:
        raise ValueError(f"a fill of {fill.symbol} changes no holding of {held.symbol}")
    quantity = held.quantity + fill.signed
    if held.quantity * fill.signed >= ZERO:
        cost = abs(held.quantity) * held.average_price + fill.quantity * fill.price
        average = _exact(cost / abs(quantity)) if quantity else ZERO
        return replace(held, quantity=quantity, average_price=average)
    closed = min(abs(held.quantity), fill.quantity)
    gain = (
        fill.price - held.average_price if held.quantity > ZERO else held.average_price - fill.price
    )
    average = held.average_price
    if quantity == ZERO:
        average = ZERO
    elif (quantity > ZERO) is not (held.quantity > ZERO):
        average = fill.price
    realised = held.realised + _exact(closed * gain)
    return Holding(held.symbol, quantity, average, realised)


def holdings(fills: Iterable[Fill]) -> dict[str, Holding]:
    """Return what is held after the fills, by symbol."""
    held: dict[str, Holding] = {}
    for fill in fills:
        held[fill.symbol] = applied(held.get(fill.symbol, Holding(fill.symbol)), fill)
    return held


def _exact(amount: Decimal) -> Decimal:
    return amount.quantize(_CENTI, ROUND_HALF_EVEN)
