"""The market that the providers of prices look at: one price a symbol, whoever asks.

Companies, closes and volatilities are the data set's (`SMALL`: 520 symbols, ten years). Between
its seconds the price of a symbol moves a few tenths of a per cent around its last close, by a draw
that is fixed by seed, symbol and second: any provider asked at that moment tells the same. Bars end
with the day before the clock's, so history does not change while a simulation runs.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import numpy as np

from perf.lab.dataset.sessions import FRIDAY
from perf.lab.dataset.sizes import Size
from perf.lab.dataset.world import World, build
from perf.lab.providers.options import Contract, make_chain

_NEW_YORK = ZoneInfo("America/New_York")
_SWING = 0.004  # the furthest a price is from its close
_CRYPTO = {"BTC": 64_000.0, "ETH": 3_200.0, "SOL": 140.0}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A symbol at a moment; prices are dollars in whole cents."""

    symbol: str
    price: float
    previous: float
    opened: float
    high: float
    low: float
    volume: int
    bid: float
    ask: float

    @property
    def change(self) -> float:
        """The price less the previous close."""
        return round(self.price - self.previous, 2)

    @property
    def percent(self) -> float:
        """The change in per cent of the previous close."""
        return round(100 * (self.price - self.previous) / self.previous, 4)


@dataclass(frozen=True, slots=True)
class Bar:
    """One session of a symbol."""

    day: date
    opened: float
    high: float
    low: float
    close: float
    volume: int

    @property
    def opened_at(self) -> int:
        """Seconds since 1970 at half past nine in New York."""
        day = self.day
        return int(datetime(day.year, day.month, day.day, 9, 30, tzinfo=_NEW_YORK).timestamp())


class Market:
    """The symbols and what they cost."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.symbols: list[str] = world.symbols.tolist()
        self._index = {symbol: index for index, symbol in enumerate(self.symbols)}
        self._chains: dict[str, list[Contract]] = {}

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._index

    @cached_property
    def today(self) -> date:
        """The day the clock started on."""
        day: date = self._world.today.astype(object)
        return day

    def name(self, symbol: str) -> str:
        """Return the company's name."""
        return str(self._world.names[self._index[symbol]])

    def sector(self, symbol: str) -> str:
        """Return the company's sector."""
        return str(self._world.sectors[self._index[symbol]])

    def rank(self, symbol: str) -> int:
        """Return the symbol's place in popularity, from 0."""
        return self._index[symbol]

    def shares(self, symbol: str) -> float:
        """Return the millions of shares there are."""
        return round(20 + 15_000 / (self._index[symbol] + 1), 2)

    def price(self, symbol: str, now: float) -> float:
        """Return the price of a stock at `now`."""
        close = float(self._world.closes[self._index[symbol], -1]) / 100
        return round(close * (1 + self._swing(symbol, now)), 2)

    def coin(self, symbol: str, now: float) -> float | None:
        """Return the price of a coin in dollars, None for one that is not traded here."""
        base = _CRYPTO.get(symbol)
        return None if base is None else round(base * (1 + self._swing(symbol, now)), 2)

    @property
    def coins(self) -> list[str]:
        """The coins traded."""
        return list(_CRYPTO)

    def snapshot(self, symbol: str, now: float) -> Snapshot:
        """Return a stock at `now`."""
        price = self.price(symbol, now)
        previous = float(self._world.closes[self._index[symbol], -2]) / 100
        opened = round(previous * (1 + self._swing(symbol + "^", 0.0)), 2)
        spread = max(0.01, round(price * 0.0002, 2))
        return Snapshot(
            symbol,
            price,
            previous,
            opened,
            high=round(max(price, opened) * 1.003, 2),
            low=round(min(price, opened) * 0.997, 2),
            volume=_drawn(f"{symbol}:volume", 50_000_000) + 10_000,
            bid=round(price - spread, 2),
            ask=round(price + spread, 2),
        )

    def bars(self, symbol: str, first: date | None = None, last: date | None = None) -> list[Bar]:
        """Return the sessions from `first` to `last`, both included, up to the day before today."""
        row = self._world.closes[self._index[symbol]]
        days = self._world.days
        low = 1 if first is None else max(1, int(np.searchsorted(days, np.datetime64(first))))
        end = (
            len(days) if last is None else int(np.searchsorted(days, np.datetime64(last), "right"))
        )
        end = min(end, int(np.searchsorted(days, self._world.today)))
        return [
            _bar(symbol, days[place].astype(object), int(row[place - 1]), int(row[place]))
            for place in range(low, end)
        ]

    def last(self, symbol: str, count: int = 1) -> list[Bar]:
        """Return the last `count` sessions."""
        day: date = self._world.days[-count - 2].astype(object)
        return self.bars(symbol, day)[-count:]

    def spans(self, symbol: str, first: date, last: date, step: str) -> list[Bar]:
        """Return the bars of each day, "week" or "month" from `first` to `last`."""
        days = self.bars(symbol, first, last)
        if step == "day":
            return days
        found = groupby(days, key=lambda bar: _span(bar.day, step))
        return [_joined(start, list(several)) for start, several in found]

    def intraday(self, symbol: str, day: Bar, minutes: int) -> list[tuple[int, Bar]]:
        """Cut a session into bars, each with the seconds since 1970 that it begins at."""
        steps = max(1, 390 // minutes)
        path = [day.opened + (day.close - day.opened) * step / steps for step in range(steps + 1)]
        wobble = [_drawn(f"{symbol}:{day.day}:{step}", 21) - 10 for step in range(steps + 1)]
        prices = [
            round(min(day.high, max(day.low, price * (1 + off / 10_000))), 2)
            for price, off in zip(path, wobble, strict=True)
        ]
        return [
            (
                day.opened_at + step * minutes * 60,
                Bar(day.day, start, max(start, end), min(start, end), end, day.volume // steps),
            )
            for step, (start, end) in enumerate(pairwise(prices))
        ]

    def chain(self, symbol: str) -> list[Contract]:
        """Return the options on a stock, by expiration, strike, and puts before calls."""
        if symbol not in self._chains:
            index = self._index[symbol]
            self._chains[symbol] = make_chain(
                symbol,
                spot=float(self._world.closes[index, -1]) / 100,
                volatility=float(self._world.volatility[index]),
                today=self._world.today,
            )
        return self._chains[symbol]

    def earnings(self, symbol: str) -> list[Report]:
        """Return the quarterly reports, newest first; the one to come has no actual figure."""
        base = 0.4 + _drawn(f"{symbol}:eps", 300) / 100
        start = self.today.year * 4 + (self.today.month - 1) // 3
        return [self._report(symbol, start - ago, base) for ago in range(9)]

    def _report(self, symbol: str, quarter: int, base: float) -> Report:
        year, number = divmod(quarter, 4)
        ends = date(year + number // 3, (3 * number + 3) % 12 + 1, 1) - timedelta(days=1)
        reported = ends + timedelta(days=20 + _drawn(f"{symbol}:{quarter}:day", 25))
        reported += timedelta(
            days=(7 - reported.weekday()) % 7 if reported.weekday() > FRIDAY else 0
        )
        estimate = round(base + _drawn(f"{symbol}:{quarter}:estimate", 40) / 100, 2)
        surprise = (_drawn(f"{symbol}:{quarter}:actual", 31) - 15) / 100
        known = reported < self.today
        when = ("bmo", "amc", "amc", "")[_drawn(f"{symbol}:when", 4)]
        return Report(
            ends, reported, estimate, round(estimate + surprise, 2) if known else None, when
        )

    def _swing(self, name: str, now: float) -> float:
        drawn = _drawn(f"{self._world.seed}:{name}:{now:.0f}", 2001)
        return _SWING * (drawn - 1000) / 1000


@dataclass(frozen=True, slots=True)
class Report:
    """One quarter's earnings a share; `when` is bmo, amc or unknown."""

    ends: date
    reported: date
    estimate: float
    actual: float | None
    when: str


@lru_cache(maxsize=2)
def market(seed: int, today: date) -> Market:
    """Return the market of that seed as it stands on `today`; one for all providers of a server."""
    return Market(build(Size.SMALL, seed, today))


def day_of(now: float) -> date:
    """Return the date of a moment, in UTC."""
    return datetime.fromtimestamp(now, UTC).date()


def _drawn(what: str, sides: int) -> int:
    """Return a number below `sides` that `what` stands for."""
    return zlib.crc32(what.encode()) % sides


def _bar(symbol: str, day: date, before: int, close: int) -> Bar:
    opened = max(1, before + (_drawn(f"{symbol}:{day}:gap", 61) - 30) * before // 10_000)
    reach = 1 + _drawn(f"{symbol}:{day}:reach", 80) / 10_000
    return Bar(
        day,
        opened / 100,
        round(max(opened, close) * reach) / 100,
        max(1, round(min(opened, close) / reach)) / 100,
        close / 100,
        10_000 + _drawn(f"{symbol}:{day}:volume", 50_000_000),
    )


def _span(day: date, step: str) -> date:
    """Return the first day of the week or month that `day` lies in."""
    return day.replace(day=1) if step == "month" else day - timedelta(days=day.weekday())


def _joined(start: date, bars: list[Bar]) -> Bar:
    return Bar(
        start,
        bars[0].opened,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum(bar.volume for bar in bars),
    )
