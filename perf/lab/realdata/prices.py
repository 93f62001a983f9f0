"""Prices: daily and minute bars, and closes without bars.

Bars are stamped in UTC, days at their close and minutes at their start, as the sources mean them;
source times are New York's. Prices keep four decimals. A bar whose high or low does not contain its
open and close is kept out, as is a price of zero or less. Nothing is adjusted for splits or
dividends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from perf.lab.dataset.sessions import new_york
from perf.lab.realdata.reader import DataFileError, Loaded, Record, read, records

_MINUTE_MS = 60_000
_DAY_MS = 1440 * _MINUTE_MS
_CLOSE = timedelta(hours=16)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bar:
    """What a symbol traded at in one interval."""

    symbol: str
    timestamp: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class Close:
    """A closing price of which no more is known."""

    symbol: str
    day: date
    close: Decimal


@dataclass(frozen=True, slots=True)
class _Columns:
    """How a file names what a bar is made of."""

    open: str = "open"
    high: str = "high"
    low: str = "low"
    close: str = "close"
    volume: str = "volume"

    def named(self) -> tuple[str, ...]:
        return self.open, self.high, self.low, self.close, self.volume


_LOWER = _Columns()
_TITLE = _Columns("Open", "High", "Low", "Close", "Volume")


@lru_cache(maxsize=16_384)
def midnight(day: date) -> datetime:
    """Return New York's midnight in UTC; the hours after it are those of the same day."""
    moment = new_york(np.array([day], dtype="datetime64[D]"), 0)[0]
    return _EPOCH + timedelta(seconds=int(moment.astype(np.int64)))


def closing(day: date) -> datetime:
    """Return the close of a session in UTC."""
    return midnight(day) + _CLOSE


def daily_bars(path: Path) -> Loaded[Bar]:
    """Load `equity_daily_ohlcv_raw.csv.gz` or `etf_daily_ohlcv_2014_2015.csv`.

    Raises DataFileError.
    """

    def parse(record: Record) -> Bar:
        return _bar(record, record.text("symbol"), closing(record.day("date")), _LOWER)

    return read(path, ("symbol", "date", *_LOWER.named()), parse, _identity)


def minute_bars(path: Path) -> Loaded[Bar]:
    """Load `equity_minute_ohlcv_spy.csv.gz`; raise DataFileError."""

    def parse(record: Record) -> Bar:
        since_ms = record.integer("ms_since_midnight")
        if since_ms % _MINUTE_MS or not 0 <= since_ms < _DAY_MS:
            raise record.refuse("ms_since_midnight", "is not the start of a minute")
        at = midnight(record.day("date")) + timedelta(milliseconds=since_ms)
        return _bar(record, record.text("symbol"), at, _LOWER)

    return read(path, ("symbol", "date", "ms_since_midnight", *_LOWER.named()), parse, _identity)


def index_bars(path: Path, symbol: str) -> Loaded[Bar]:
    """Load `index_daily_ohlcv_sp500_1999_2018.csv.gz`, which names no symbol.

    Raises DataFileError.
    """

    def parse(record: Record) -> Bar:
        return _bar(record, symbol, closing(record.american_day("Date")), _TITLE)

    return read(path, ("Date", *_TITLE.named()), parse, _identity)


def named_bars(path: Path) -> Loaded[Bar]:
    """Load `known_bad_identical_series_2016_2017.csv.gz`; raise DataFileError.

    Its rows look right one by one; `quality.identical_series` says what is wrong with them.
    """

    def parse(record: Record) -> Bar:
        return _bar(record, record.text("Name"), closing(record.day("Date")), _TITLE)

    return read(path, ("Date", "Name", *_TITLE.named()), parse, _identity)


def daily_closes(path: Path) -> Loaded[Close]:
    """Load `us_large_cap20_daily_close_1990_2009.csv.gz`, one column a symbol.

    Raises DataFileError.
    """
    first = next(records(path, ["Date"]), None)
    if first is None:
        raise DataFileError(f"{path}: the file holds no rows")
    symbols = [column for column in first.values if column != "Date"]
    loaded = [read(path, ["Date"], partial(_close, symbol), _close_identity) for symbol in symbols]
    return Loaded(
        [row for part in loaded for row in part.rows],
        tuple(reject for part in loaded for reject in part.rejected),
    )


def _bar(record: Record, symbol: str, timestamp: datetime, columns: _Columns) -> Bar:
    opened, high, low, close = (record.price(column) for column in columns.named()[:4])
    if high < max(opened, close):
        raise record.refuse(columns.high, "is below the open or the close")
    if low > min(opened, close):
        raise record.refuse(columns.low, "is above the open or the close")
    return Bar(symbol, timestamp, opened, high, low, close, record.count(columns.volume))


def _close(symbol: str, record: Record) -> Close:
    return Close(symbol, record.day("Date"), record.price(symbol))


def _identity(bar: Bar) -> tuple[str, datetime]:
    return bar.symbol, bar.timestamp


def _close_identity(close: Close) -> tuple[str, date]:
    return close.symbol, close.day
