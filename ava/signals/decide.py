"""From what a model says to what is done about it: a signal, and the order that follows from it.

A signal is an opinion with its reason; an order is the difference between what is held and what the
opinion asks to hold. Both are plain functions of what was seen, so a replay decides as the day did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

import numpy as np
from msgspec import Struct

from ava.signals.features import Features
from ava.signals.orders import ZERO, Holding, Order, Side, order_id
from ava.signals.predictor import FLAT, Predictions

_CENT = Decimal("0.0001")  # prices carry four decimals, as exchanges quote them
LEAST_PRICE = float(_CENT)  # what is worth less cannot be told from nothing
MOST_PRICE = 1e9  # what is worth more is an error, and no store has room for it


class Action(StrEnum):
    """What a signal says to do."""

    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Signal:
    """An opinion of a model on a symbol at a moment; `confidence` is between 0 and 1."""

    symbol: str
    at: datetime
    action: Action
    price: Decimal
    predicted_price: Decimal | None
    confidence: float
    reason: str
    model: str


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an opinion is acted on, and how much is put on it.

    `notional` is what a position is worth when it is opened; an order below `least` of value is not
    worth its costs. Shares are whole unless `fractional`; nothing is sold that is not held unless
    `short`.
    """

    confidence: float = 0.25
    notional: Decimal = Decimal(1_000)
    least: Decimal = Decimal(50)
    fractional: bool = False
    short: bool = False


def signals_of(
    symbols: Sequence[str], seen: Features, said: Predictions, at: Sequence[datetime], model: str
) -> list[Signal]:
    """Return one signal a symbol, in the order of the symbols; `at` are the moments of its prices.

    The same price decided on twice is thereby the same signal, and leads to the same order.
    """
    return [
        Signal(
            symbol=symbol,
            at=at[i],
            action=_action(float(said.score[i])),
            price=exact_price(float(seen.price[i])),
            predicted_price=_price(float(said.price[i])),
            confidence=_share(float(said.confidence[i])),
            reason=_reason(seen, i),
            model=model,
        )
        for i, symbol in enumerate(symbols)
    ]


def order_for(signal: Signal, held: Holding, rule: Rule) -> Order | None:
    """Return the order that brings a holding to what a signal asks for, or None for none."""
    if signal.action is Action.HOLD or signal.confidence < rule.confidence:
        return None
    missing = _wanted(signal, rule) - held.quantity
    # A signal to buy sells nothing of what is held above its size, and the other way round.
    if missing == ZERO or (missing > ZERO) is not (signal.action is Action.BUY):
        return None
    if abs(missing) * signal.price < rule.least:
        return None
    return Order(
        order_id=order_id(signal.model, signal.symbol, signal.at),
        symbol=signal.symbol,
        side=Side.BUY if missing > ZERO else Side.SELL,
        quantity=abs(missing),
        price=signal.price,
        decided_at=signal.at,
    )


def exact_price(price: float) -> Decimal:
    """Return a price with the four decimals that stores keep."""
    return Decimal(repr(price)).quantize(_CENT)


def _wanted(signal: Signal, rule: Rule) -> Decimal:
    """Return what is to be held, negative for what is to be owed."""
    if signal.action is Action.SELL and not rule.short:
        return ZERO
    step = _CENT if rule.fractional else Decimal(1)
    size = (rule.notional / signal.price).quantize(step, ROUND_DOWN)
    return size if signal.action is Action.BUY else -size


def _action(score: float) -> Action:
    if score > FLAT:
        return Action.BUY
    return Action.SELL if score < -FLAT else Action.HOLD


def _price(price: float) -> Decimal | None:
    return exact_price(price) if LEAST_PRICE <= price <= MOST_PRICE else None


def _share(confidence: float) -> float:
    """Return a confidence between 0 and 1, whatever a model takes for one."""
    return min(1.0, max(0.0, confidence)) if np.isfinite(confidence) else 0.0


def _reason(seen: Features, i: int) -> str:
    if not np.isfinite(seen.volatility[i]):
        return f"too little is known: {seen.count[i]} prices"
    return (
        f"momentum {seen.momentum[i]:+.2f}, stretch {seen.stretch[i]:+.2f}, "
        f"volatility {seen.volatility[i]:.3%} a step"
    )
