"""The rows of the local store, and how they become numbers SQLite keeps exactly.

A time is whole microseconds since 1970 in UTC, a price or quantity whole hundred-millionths (one
satoshi; up to 92 billion). Both ways are exact: a value that would have to be rounded is refused,
never rounded in silence, and so is a time without a zone, which means another moment on another
machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from typing import Any, TypeVar, cast, get_type_hints

from ava.errors import BadValueError

Value = int | float | str

SCALE = Decimal(100_000_000)
LARGEST = 2**63 - 1
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """What a symbol traded at in the interval that begins at `timestamp`."""

    symbol: str
    timestamp: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    source: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of a symbol: `direction` is up, down or flat, `confidence` 0 to 1."""

    symbol: str
    timestamp: datetime
    model: str
    direction: str
    predicted_price: Decimal
    confidence: float


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade done, to buy or to sell; its id, the caller's own, makes a repeat harmless."""

    trade_id: str
    symbol: str
    action: str
    quantity: Decimal
    price: Decimal
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of a symbol; `quantity` is negative for a short position."""

    symbol: str
    quantity: Decimal
    average_price: Decimal
    updated_at: datetime


Row = Bar | Prediction | Trade | Position
R = TypeVar("R", Bar, Prediction, Trade, Position)

# The type of each column, in the order of the statements' columns.
_COLUMNS: Mapping[type, Mapping[str, Any]] = {
    kind: get_type_hints(kind) for kind in (Bar, Prediction, Trade, Position)
}


def to_values(row: Row, number: int | None = None) -> dict[str, Value]:
    """Return what is stored of a row; raise BadValueError with its column and `number`."""
    values: dict[str, Value] = {}
    for name, kind in _COLUMNS[type(row)].items():
        value = getattr(row, name)
        try:
            values[name] = _stored(kind, value)
        except (TypeError, ValueError, DecimalException) as error:
            raise BadValueError(
                f"{type(row).__name__}.{name} cannot be {value!r}: {_why(error)}",
                row=number,
                column=name,
            ) from error
    return values


def from_values(kind: type[R], values: tuple[Any, ...]) -> R:
    """Return the row that `to_values` stored, in the order of its fields."""
    types = _COLUMNS[kind].values()
    return kind(*(_loaded(each, value) for each, value in zip(types, values, strict=True)))


def to_micros(moment: datetime) -> int:
    """Return whole microseconds since 1970; raise ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone, give one such as datetime.UTC")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the moment in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def to_units(amount: Decimal) -> int:
    """Return whole hundred-millionths; raise an error for what would have to be rounded."""
    return _fits(int(_EXACT.to_integral_exact(_EXACT.multiply(amount, SCALE))))


def from_units(units: int) -> Decimal:
    """Return the amount exactly."""
    return _EXACT.divide(Decimal(units), SCALE)


def _stored(kind: Any, value: Any) -> Value:
    if not isinstance(value, kind) and not (kind in {Decimal, float} and type(value) is int):
        raise TypeError(f"it must be of type {kind.__name__}")
    if kind is datetime:
        return to_micros(value)
    if kind is Decimal:
        if not Decimal(value).is_finite():
            raise ValueError("it is no finite number")
        return to_units(Decimal(value))
    return _fits(value) if kind is int else cast("float | str", value)


def _fits(number: int) -> int:
    if not -LARGEST <= number <= LARGEST:
        raise ValueError("it is too large")
    return number


def _loaded(kind: Any, value: Any) -> Any:
    if kind is datetime:
        return from_micros(value)
    if kind is Decimal:
        return from_units(value)
    return value


def _why(error: Exception) -> str:
    if isinstance(error, DecimalException):
        return "more than 8 decimals would have to be rounded"
    return str(error)
