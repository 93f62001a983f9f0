"""What a column of a batch accepts, and how its values travel as one typed array.

A column is checked as a whole: where every value has exactly the type the driver wants, nothing is
done. Everything finer (ranges, digits, NUL) is left to the server and looked at value by value
only after a refusal, to say which value it was. Nothing is guessed: a naive timestamp, a number in
a string or a boolean in a number column is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any

from ava.errors import BadValueError

_NUMERIC = re.compile(r"numeric\((\d+), ?(\d+)\)")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name and its type as the schema writes it, such as `numeric(14, 4)`."""

    name: str
    kind: str
    _as_is: frozenset[type] = field(init=False, repr=False)
    _convert: Callable[[Any], Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        as_is, convert = _rule(self.kind)
        object.__setattr__(self, "_as_is", as_is)
        object.__setattr__(self, "_convert", convert)

    def array(self, values: Sequence[Any], first_row: int = 0) -> Sequence[Any]:
        """Return the values as the driver takes them; raise BadValueError for a wrong type."""
        if {*map(type, values)} - {NoneType} <= self._as_is:
            return values
        return self.checked(values, first_row)

    def checked(self, values: Sequence[Any], first_row: int = 0) -> list[Any]:
        """Return the same after a look at every value; raise BadValueError for the first bad."""
        return [self._one(value, row) for row, value in enumerate(values, first_row)]

    def _one(self, value: Any, row: int) -> Any:
        if value is None:
            return None
        try:
            return self._convert(value)
        except ValueError as error:
            shown = repr(value)
            shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
            raise BadValueError(
                f"row {row} of the batch: {self.name} is {shown}, {error}; nothing was written",
                row=row,
                column=self.name,
            ) from None


def gather(
    columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], first_row: int = 0
) -> dict[str, list[Any]]:
    """Turn rows into columns; raise BadValueError for a row that lacks one or has another."""
    names = {column.name for column in columns}
    for row, given in enumerate(rows, first_row):
        if given.keys() != names:
            amiss = min(given.keys() ^ names)
            what = "lacks" if amiss in names else "has the unknown column"
            raise BadValueError(
                f"row {row} of the batch {what} {amiss}; nothing was written",
                row=row,
                column=amiss,
            )
    return {name: [given[name] for given in rows] for name in names}


def _rule(kind: str) -> tuple[frozenset[type], Callable[[Any], Any]]:
    """Return the Python types that pass as they are, and the conversion for all others."""
    numeric = _NUMERIC.fullmatch(kind)
    if numeric:
        digits, scale = int(numeric[1]), int(numeric[2])
        return frozenset({Decimal}), lambda value: _numeric(value, digits, scale)
    if kind in _INTEGERS:
        bits = _INTEGERS[kind]
        return frozenset({int}), lambda value: _integer(value, bits)
    try:
        return _RULES[kind]
    except KeyError:
        known = ", ".join([*_RULES, *_INTEGERS, "numeric(p, s)"])
        raise ValueError(f"no batch column can be of type {kind!r}; known are {known}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("which is no text")
    if "\0" in value:
        raise ValueError("and text cannot hold a NUL character")
    return str.__str__(value)


def _integer(value: Any, bits: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("which is no whole number")
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise ValueError(f"which {bits} bits cannot hold")
    return int(value)


def _numeric(value: Any, digits: int | None = None, scale: int = 0) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("which is no number")
    # Through text, a float keeps the digits it shows: 0.1 and not 0.1000000000000000055.
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    if digits is None or exact.is_nan():
        return Decimal(exact)
    # The server rounds half up to `scale` decimals before it looks at the size.
    too_large = Decimal(10) ** (digits - scale) - Decimal(5).scaleb(-scale - 1)
    if exact.copy_abs() >= too_large:
        raise ValueError(f"which {digits} digits with {scale} decimals cannot hold")
    return Decimal(exact)


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("which is no number")
    return float(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("which is neither true nor false")
    return value


def _instant(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError("which is no time with a time zone")
    return value


def _date(value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("which is no date")
    return value


def _json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"which JSON cannot hold ({error})") from error


_INTEGERS = {"smallint": 16, "integer": 32, "bigint": 64}
_RULES: dict[str, tuple[frozenset[type], Callable[[Any], Any]]] = {
    "text": (frozenset({str}), _text),
    "numeric": (frozenset({Decimal}), _numeric),
    "double precision": (frozenset({float}), _double),
    "boolean": (frozenset({bool}), _boolean),
    "date": (frozenset({date}), _date),
    # Awareness of the time zone is not in the type, and JSON always has to be written.
    "timestamptz": (frozenset(), _instant),
    "jsonb": (frozenset(), _json),
}
