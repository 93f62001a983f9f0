"""Tables in flight: named columns that become COPY text, a bounded chunk at a time.

A table is data about to be loaded: its name, its columns, how many rows, and a way to write them.
Generators hand over numpy columns, readers of files hand over rows of Python values; from here on
they are the same. Unknown is written as NULL: a masked value of a numpy column, or None. It refuses
columns of unequal length, and never holds more than one chunk of text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Block = tuple[Column, ...]

NULL = "\\N"
_CHUNK_ROWS = 16_384
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPED = str.maketrans(_ESCAPES)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows bound for one table of the database; `write` starts them again from the first."""

    name: str
    columns: tuple[str, ...]
    rows: int
    write: Callable[[], Iterator[bytes]]

    def chunks(self) -> Iterator[bytes]:
        """Yield the rows as COPY text, whole lines at a time."""
        return self.write()


def columnar(
    name: str,
    columns: str,
    rows: int,
    blocks: Callable[[], Iterable[Block]],
    *,
    places: int = 4,
) -> Table:
    """Return a table of numpy columns, in the order of the blank-separated names in `columns`.

    `places` is the number of decimals of every floating-point column.
    """
    names = tuple(columns.split())

    def write() -> Iterator[bytes]:
        for block in blocks():
            if len(block) != len(names):
                raise ValueError(f"table {name} has {len(names)} columns, a block {len(block)}")
            for start in range(0, len(block[0]), _CHUNK_ROWS):
                part = [column[start : start + _CHUNK_ROWS] for column in block]
                yield _lines(_texts(column, places) for column in part)

    return Table(name, names, rows, write)


def from_rows(name: str, columns: str, rows: Sequence[Sequence[object]]) -> Table:
    """Return a table of rows of Python values: str, int, bool, Decimal, date, datetime or None."""

    def write() -> Iterator[bytes]:
        remaining = iter(rows)
        while part := list(islice(remaining, _CHUNK_ROWS)):
            lines = ("\t".join(map(field, row)) + "\n" for row in part)
            yield "".join(lines).encode()

    return Table(name, tuple(columns.split()), len(rows), write)


def field(value: object) -> str:
    """Write one value the way COPY reads it in text format."""
    match value:
        case None:
            return NULL
        case bool():
            return "t" if value else "f"
        case str():
            return value.translate(_ESCAPED)
        case date():  # a datetime is one too
            return value.isoformat()
        case _:
            return str(value)


def words(values: Iterable[str | None]) -> Column:
    """Return a text column; None is NULL."""
    return np.array(list(values), dtype=object)


def unknown_where(values: Column, unknown: npt.NDArray[np.bool_]) -> Column:
    """Return `values` with NULL wherever `unknown` holds."""
    if values.dtype.kind == "O":
        known = values.copy()
        known[unknown] = None
        return known
    return np.ma.MaskedArray(values, mask=unknown)


def _lines(columns: Iterable[list[str]]) -> bytes:
    rows = zip(*columns, strict=True)
    return "\n".join(chain(map("\t".join, rows), ("",))).encode()


def _texts(column: Column, places: int) -> list[str]:
    if isinstance(column, np.ma.MaskedArray):
        texts = _texts(column.data, places)
        for index in np.flatnonzero(np.ma.getmaskarray(column)):
            texts[index] = NULL
        return texts
    match column.dtype.kind:
        case "f":
            return list(map(f"%.{places}f".__mod__, column.tolist()))
        case "b":
            return ["t" if value else "f" for value in column.tolist()]
        case "M":
            return _moments(column)
        case "O":
            return _escaped(column.tolist())
        case _:
            return list(map(str, column.tolist()))


def _moments(column: Column) -> list[str]:
    whole_days = np.datetime_data(column.dtype)[0] == "D"
    texts = np.datetime_as_string(column, timezone="naive" if whole_days else "UTC")
    return list(map(str, texts))


def _escaped(values: list[Any]) -> list[str]:
    """Escape a text column, quickly where nothing in it needs escaping."""
    if None not in values and not any(mark in "".join(values) for mark in _ESCAPES):
        return values
    return list(map(field, values))
