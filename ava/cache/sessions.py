"""When an exchange is open: New York's sessions, with its holidays and early closes.

The week's rule (Monday to Friday, 09:30 to 16:00 on New York's clocks) and what departs from it, a
table of full closures and other hours from 1990 to 2040, made by `ava.cache.sessions_build`. Years
are laid out as UTC seconds when first asked for, so a question is one bisection.

Outside the table's years the week's rule alone answers: a cache that takes a holiday of 2041 for a
session keeps prices too short, which costs some calls; one that raises serves nothing. `covers`
says which of the two an answer is. Closures that the exchange decides on after the table was made
are not known: build it anew. A moment without a zone is refused.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Protocol
from zoneinfo import ZoneInfo

_SATURDAY = 5
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Session:
    """One day's trading, in UTC: open from `opens`, closed from `closes` on."""

    day: date
    opens: datetime
    closes: datetime


class Sessions(Protocol):
    """What freshness asks of a market's calendar."""

    def is_open(self, at: datetime) -> bool:
        """Say whether the market trades at that moment."""
        ...

    def next_open(self, at: datetime) -> datetime | None:
        """Return the first opening after `at`, None where it never opens anew."""
        ...


class AlwaysOpen:
    """A market round the clock, as crypto currencies have."""

    __slots__ = ()

    def is_open(self, at: datetime) -> bool:
        """Return True at any moment."""
        _utc(at)
        return True

    def next_open(self, at: datetime) -> datetime | None:
        """Return None: what never closes does not open."""
        _utc(at)
        return None


@dataclass(frozen=True, slots=True)
class Table:
    """The week's hours on the clocks of `zone`, and the days that depart from them."""

    zone: ZoneInfo
    usual: tuple[time, time]
    first: date
    last: date
    closed: frozenset[date]
    hours: Mapping[date, tuple[time, time]]


class ExchangeSessions:
    """The sessions of an exchange that trades on weekdays; all answers are in UTC."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._years: dict[int, list[float]] = {}

    def covers(self, day: date) -> bool:
        """Say whether holidays of that day would be known, or the week's rule answers alone."""
        return self._table.first <= day <= self._table.last

    def session_of(self, day: date) -> Session | None:
        """Return the session of a day of the exchange's zone, None when it does not trade."""
        table = self._table
        if day.weekday() >= _SATURDAY or day in table.closed:
            return None
        opens, closes = (
            datetime.combine(day, at, table.zone).astimezone(UTC)
            for at in table.hours.get(day, table.usual)
        )
        return Session(day, opens, closes)

    def is_open(self, at: datetime) -> bool:
        """Say whether the exchange trades: from the opening on, and no longer at the close."""
        # Openings stand at even places, so an odd count of past changes means open.
        return bisect_right(self._of_year(_utc(at).year), at.timestamp()) % 2 == 1

    def next_open(self, at: datetime) -> datetime:
        """Return the first opening after `at`."""
        return self._next(at, 0)

    def next_close(self, at: datetime) -> datetime:
        """Return the first close after `at`."""
        return self._next(at, 1)

    def _next(self, at: datetime, parity: int) -> datetime:
        year = _utc(at).year
        changes = self._of_year(year)
        place = bisect_right(changes, at.timestamp())
        place += (place - parity) % 2
        if place >= len(changes):
            changes, place = self._of_year(year + 1), parity
        return datetime.fromtimestamp(changes[place], UTC)

    def _of_year(self, year: int) -> list[float]:
        """Return the UTC seconds of the year's openings and closes, alternating."""
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = list(self._laid_out(year))
        return known

    def _laid_out(self, year: int) -> list[float]:
        first = date(year, 1, 1)
        days = (first + n * _DAY for n in range((date(year, 12, 31) - first).days + 1))
        sessions = filter(None, map(self.session_of, days))
        return [at.timestamp() for s in sessions for at in (s.opens, s.closes)]


@lru_cache(maxsize=1)
def new_york() -> ExchangeSessions:
    """Return the sessions of the New York Stock Exchange, read once."""
    raw = json.loads(files("ava.cache").joinpath("sessions.json").read_text(encoding="utf-8"))
    day = date.fromisoformat
    return ExchangeSessions(
        Table(
            zone=ZoneInfo(raw["zone"]),
            usual=(time.fromisoformat(raw["opens"]), time.fromisoformat(raw["closes"])),
            first=day(raw["first"]),
            last=day(raw["last"]),
            closed=frozenset(map(day, raw["closed"])),
            hours={day(key): _hours(text) for key, text in raw["hours"].items()},
        )
    )


def _hours(text: str) -> tuple[time, time]:
    opens, closes = map(time.fromisoformat, text.split("-"))
    return opens, closes


def _utc(at: datetime) -> datetime:
    """Return the moment in UTC, in which each session lies within one day and so in one year."""
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no zone, so it is not one moment")
    return at.astimezone(UTC)
