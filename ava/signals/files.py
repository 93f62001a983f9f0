"""Files of past prices, read as they are: bars, trades, quotes, closes side by side.

What a file holds is told by its column names. Rows come out in the order of time, as ticks; a row
that cannot be right is left out and counted by what is wrong with it, so a report can say what a
replay rests on. Files of trades and quotes are streamed; bars, of which there are few, are read as
a whole, because files keep one symbol after the other. A file without times or prices is refused.

Two rules need more than one row. Of a quote that names one side only, the other side is the one
last seen. And where several symbols have one and the same series of prices, which is right is not
known, so all of them are left out.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from ava.errors import AvaError
from ava.signals.decide import MOST_PRICE
from ava.signals.source import Tick

ALIKE = 20  # closes in a row that two different things never share
_AMERICAN = "%m/%d/%Y"  # all other files keep to ISO 8601


class PriceFileError(AvaError):
    """A file is no file of prices, or cannot be read."""


class Row(NamedTuple):
    """A price of a symbol."""

    at: datetime
    symbol: str
    tick: Tick


class _BadRowError(Exception):
    """A row is left out; the argument is what it is counted as."""


@dataclass(slots=True)
class PriceFile:
    """A file, its symbols, and what was wrong with its rows so far."""

    path: Path
    zone: ZoneInfo
    faults: Counter[str] = field(default_factory=Counter)
    read: int = 0

    def symbols(self) -> list[str]:
        """Return the symbols the file has prices of, in the order they come."""
        with _opened(self.path) as rows:
            form = _form(next(rows, []), self.path)
            if form.wide:
                return list(form.wide)
            if form.symbol is None:
                return [form.name]
            at = form.symbol
            return list(dict.fromkeys(row[at] for row in rows if len(row) > at))

    def rows(self) -> Iterator[Row]:
        """Yield the good rows by time; count the others in `faults`."""
        with _opened(self.path) as rows:
            form = _form(next(rows, []), self.path)
            found = self._in_order(self._parsed(rows, form), form)
            yield from found if form.streamed else self._sorted(found)

    def _parsed(self, rows: Iterable[list[str]], form: _Form) -> Iterator[Row]:
        day = lru_cache(maxsize=64)(lambda text: _day(text, self.zone))
        quotes = _Quotes()
        for row in rows:
            self.read += 1
            try:
                yield from _read(row, form, day, quotes)
            except _BadRowError as bad:
                self.faults[str(bad)] += 1
            except (ValueError, IndexError):
                self.faults["unreadable"] += 1

    def _in_order(self, rows: Iterable[Row], form: _Form) -> Iterator[Row]:
        """Leave out what is older than its symbol's last row, and bars that come twice."""
        last: dict[str, datetime] = {}
        for row in rows:
            before = last.get(row.symbol)
            if before is not None and row.at < before:
                self.faults["out of order"] += 1
            elif before is not None and row.at == before and not form.streamed:
                self.faults["duplicate"] += 1
            else:
                last[row.symbol] = row.at
                yield row

    def _sorted(self, rows: Iterable[Row]) -> Iterator[Row]:
        series: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            series[row.symbol].append(row)
        for symbol in _copies(series):
            self.faults["same as another symbol"] += len(series.pop(symbol))
        yield from sorted((row for part in series.values() for row in part), key=_moment)


def _moment(row: Row) -> tuple[datetime, str]:
    return row.at, row.symbol


def _copies(series: dict[str, list[Row]]) -> list[str]:
    """Return the symbols whose series of closes is another's, bar for bar."""
    alike: defaultdict[tuple[Any, ...], list[str]] = defaultdict(list)
    for symbol, rows in series.items():
        if len(rows) >= ALIKE:
            alike[tuple((row.at, row.tick.price) for row in rows)].append(symbol)
    return [symbol for symbols in alike.values() if len(symbols) > 1 for symbol in symbols]


@dataclass(frozen=True, slots=True)
class _Form:
    """Where in a row things stand; `wide` are columns that each hold one symbol's price."""

    name: str
    day: int
    ms: int | None = None
    symbol: int | None = None
    price: int | None = None
    bid: int | None = None
    ask: int | None = None
    bar: tuple[int, int, int] | None = None
    volume: int | None = None
    suspicious: int | None = None
    wide: dict[str, int] = field(default_factory=dict)

    @property
    def streamed(self) -> bool:
        """Whether these are trades or quotes, which come by time and are many."""
        return self.ms is not None and self.bar is None


def _form(header: Sequence[str], path: Path) -> _Form:
    places = {name.strip().lower(): at for at, name in enumerate(header)}
    day = places.get("datetime", places.get("date"))
    if day is None:
        raise PriceFileError(f"{path.name} has no column of times (date, datetime): {header[:8]}")
    name = path.name.partition(".")[0]
    bar = [places[part] for part in ("open", "high", "low") if part in places]
    bid, ask = (places.get(side, places.get(f"{side}_close")) for side in ("bid", "ask"))
    form = _Form(
        name=name,
        day=day,
        ms=places.get("ms_since_midnight"),
        symbol=places.get("symbol", places.get("name")),
        price=places.get("close", places.get("price")),
        bid=bid,
        ask=ask,
        bar=(bar[0], bar[1], bar[2]) if len(bar) == 3 else None,  # noqa: PLR2004 - all of them
        volume=places.get("volume", places.get("size")),
        suspicious=places.get("suspicious"),
    )
    if form.price is not None or (bid is not None and ask is not None):
        return form
    if form.symbol is None and len(header) > 1:
        wide = {column: at for at, column in enumerate(header) if at != day}
        return _Form(name=name, day=day, wide=wide)
    raise PriceFileError(f"{path.name} has no column of prices (close, price, bid): {header[:8]}")


def _read(
    row: list[str], form: _Form, day: Callable[[str], datetime], quotes: _Quotes
) -> Iterator[Row]:
    if form.suspicious is not None and row[form.suspicious] not in {"", "0"}:
        raise _BadRowError("marked as suspicious")
    at = day(row[form.day])
    if form.ms is not None:
        at += timedelta(milliseconds=int(row[form.ms]))
    if form.wide:
        for symbol, place in form.wide.items():
            if row[place]:
                yield Row(at, symbol, Tick(_price(float(row[place])), at))
        return
    symbol = form.name if form.symbol is None else row[form.symbol]
    if not symbol:
        raise _BadRowError("unreadable")
    yield Row(at, symbol, _tick(row, form, symbol, at, quotes))


def _tick(row: list[str], form: _Form, symbol: str, at: datetime, quotes: _Quotes) -> Tick:
    if form.price is None and form.bid is not None and form.ask is not None:
        return Tick(quotes.middle(symbol, float(row[form.bid]), float(row[form.ask])), at)
    price = _price(float(row[form.price or 0]))
    volume = float(row[form.volume]) if form.volume is not None and row[form.volume] else None
    if form.bar is None:
        return Tick(price, at, volume=volume)
    opened, high, low = (_price(float(row[place])) for place in form.bar)
    if not low <= min(opened, price) <= max(opened, price) <= high:
        raise _BadRowError("high or low within open and close")
    return Tick(price, at, opened, high, low, volume)


class _Quotes:
    """Both sides of each symbol's quote, as last seen."""

    def __init__(self) -> None:
        self._sides: dict[str, tuple[float, float]] = {}

    def middle(self, symbol: str, bid: float, ask: float) -> float:
        """Return the middle of the quote; a side of 0 is one that did not change."""
        known = self._sides.get(symbol, (0.0, 0.0))
        bid, ask = bid or known[0], ask or known[1]
        if bid < 0 or ask < 0:
            raise _BadRowError("price not above 0")
        self._sides[symbol] = (bid, ask)
        if not bid or not ask:
            raise _BadRowError("one side of a quote, and the other not known yet")
        if bid > ask:
            raise _BadRowError("crossed quote")
        return _price((bid + ask) / 2)


def _price(price: float) -> float:
    if not price > 0:
        raise _BadRowError("price not above 0")
    if price > MOST_PRICE:
        raise _BadRowError("price too large")
    return price


def _day(text: str, zone: ZoneInfo) -> datetime:
    """Return a moment; one without a zone of its own is that of `zone`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.strptime(text, _AMERICAN)  # noqa: DTZ007 - the zone follows
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[list[str]]]:
    """Open a file, packed or not, as rows of text; raise PriceFileError where that fails."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            plain = cast("IO[bytes]", gzip.GzipFile(fileobj=raw) if packed else raw)
            yield csv.reader(TextIOWrapper(plain, encoding="utf-8", newline=""))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise PriceFileError(f"{path} cannot be read: {error}") from None
