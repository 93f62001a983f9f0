"""Reading a CSV file of somebody else's making, plain or gzip, without believing it.

The whole file must be readable and have the columns asked for; after that each row stands or falls
alone. A row's parser takes typed values from a `Record` and raises `Defect` for what is wrong; the
first defect is the one reported. Nothing is repaired or guessed here.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

Row = TypeVar("Row")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class DataFileError(Exception):
    """A file cannot be used as a whole; the message names the file and what is wrong."""


class Defect(Exception):  # noqa: N818 - a fault of the data, caught and reported, not of the program
    """One value of a row is unusable."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.value = value
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was kept out: where it is, and the value and the reason that kept it out."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Row]):
    """A file's good rows, and those kept out."""

    rows: list[Row]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a file, whose values are taken by column and type; each raises Defect."""

    line: int
    values: Mapping[str, str]
    surplus: int = 0  # fields beyond those of the header

    def text(self, column: str) -> str:
        """Return a value that must not be empty."""
        value = self.values[column].strip()
        if not value:
            raise Defect(column, value, "is empty")
        return value

    def rounded(self, column: str, places: int = 4) -> Decimal:
        """Return a number rounded to `places` decimals, for figures that are approximate."""
        try:
            return self._number(column).quantize(Decimal(1).scaleb(-places))
        except InvalidOperation:
            raise self.refuse(column, "is too large a number") from None

    def exact(self, column: str, places: int) -> Decimal:
        """Return a number that has no more than `places` decimals."""
        number = self.rounded(column, places)
        if number != self._number(column):
            raise self.refuse(column, f"has more than {places} decimals")
        return number

    def integer(self, column: str) -> int:
        """Return a whole number."""
        return int(self.exact(column, 0))

    def count(self, column: str) -> int:
        """Return a whole number of things, not below 0."""
        number = self.integer(column)
        if number < 0:
            raise self.refuse(column, "is negative")
        return number

    def price(self, column: str) -> Decimal:
        """Return an amount above 0, to the fourth decimal."""
        price = self.rounded(column)
        if price <= 0:
            raise self.refuse(column, "is not above 0")
        return price

    def real(self, column: str) -> float:
        """Return a measured number."""
        return float(self._number(column))

    def day(self, column: str) -> date:
        """Return a date written as 2014-06-05 or 20140605."""
        value = self.text(column)
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise Defect(column, value, "is not a date") from None

    def american_day(self, column: str) -> date:
        """Return a date written as 6/5/2014."""
        value = self.text(column)
        try:
            month, day, year = map(int, value.split("/"))
            return date(year, month, day)
        except ValueError:
            raise Defect(column, value, "is not a date") from None

    def known(self, column: str) -> bool:
        """Tell whether the column holds anything."""
        return bool(self.values[column].strip())

    def refuse(self, column: str, reason: str) -> Defect:
        """Return the defect of a column, to be raised."""
        return Defect(column, self.values[column], reason)

    def _number(self, column: str) -> Decimal:
        value = self.text(column)
        if not _NUMBER.fullmatch(value):
            raise Defect(column, value, "is not a number")
        return Decimal(value)


def read(
    path: Path,
    columns: Collection[str],
    parse: Callable[[Record], Row],
    key: Callable[[Row], Hashable],
) -> Loaded[Row]:
    """Parse every row of a CSV file; a row whose key came before is kept out.

    Raises DataFileError.
    """
    return sift(records(path, columns), parse, key)


def sift(
    lines: Iterable[Record], parse: Callable[[Record], Row], key: Callable[[Row], Hashable]
) -> Loaded[Row]:
    """Parse records, keeping apart those that cannot be."""
    rows: list[Row] = []
    rejected: list[Rejected] = []
    seen: dict[Hashable, int] = {}
    for record in lines:
        try:
            row = _new(record, parse, key, seen)
        except Defect as defect:
            rejected.append(Rejected(record.line, defect.column, defect.value, defect.reason))
        else:
            rows.append(row)
    return Loaded(rows, tuple(rejected))


def records(path: Path, columns: Collection[str]) -> Iterator[Record]:
    """Yield the lines of a CSV file below its header; raise DataFileError."""
    try:
        with _opened(path) as file:
            yield from _lines(path, csv.reader(file, strict=True), columns)
    except EOFError as error:
        raise DataFileError(f"{path}: the compressed file is cut short") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataFileError(f"{path}: the compressed file is damaged") from error
    except OSError as error:
        raise DataFileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataFileError(f"{path}: not UTF-8 (byte {error.object[error.start]:#04x})") from error
    except csv.Error as error:
        raise DataFileError(f"{path}: not CSV: {error}") from error


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _lines(path: Path, lines: CsvReader, columns: Collection[str]) -> Iterator[Record]:
    header = next(lines, None)
    if header is None:
        raise DataFileError(f"{path}: the file is empty")
    for column in columns:
        if column not in header:
            raise DataFileError(f"{path}: column {column!r} is missing")
    for fields in lines:
        if fields:
            values = dict(zip(header, fields, strict=False))
            yield Record(lines.line_num, values, len(fields) - len(header))


def _new(
    record: Record,
    parse: Callable[[Record], Row],
    key: Callable[[Row], Hashable],
    seen: dict[Hashable, int],
) -> Row:
    if record.surplus:
        many = "many" if record.surplus > 0 else "few"
        found = ",".join(record.values.values())
        raise Defect("", found, f"has {abs(record.surplus)} fields too {many}")
    row = parse(record)
    first = seen.setdefault(key(row), record.line)
    if first != record.line:
        raise Defect("", str(key(row)), f"repeats line {first}")
    return row
