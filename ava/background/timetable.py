"""When a job is due: pure answers to "which tick was the last" and "which is the next".

Times of day are those of the exchange's clock, so a job at 06:00 is at 06:00 in summer and winter;
cron expressions, which procrastinate reads in UTC, cannot say that. A tick is a moment: two
workers that ask at different times within its span name the same one, and that name is what makes
it run once. On the night clocks go forward a time that does not exist is the moment after the gap,
and on the night they go back one that exists twice is its first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

EXCHANGE: Final = ZoneInfo("America/New_York")
_DAY = timedelta(days=1)
_FURTHEST = 800  # days to the next tick: those of 29 February and a half


class Timetable(Protocol):
    """When something is due, for ever."""

    def latest(self, now: datetime) -> datetime:
        """Return the last tick at or before `now`, in UTC."""
        ...

    def following(self, now: datetime) -> datetime:
        """Return the first tick after `now`, in UTC."""
        ...

    def __str__(self) -> str:
        """Say in words when that is."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """Round the clock, each so many seconds."""

    seconds: int

    def latest(self, now: datetime) -> datetime:
        """Return the last multiple of the interval."""
        return datetime.fromtimestamp(now.timestamp() // self.seconds * self.seconds, UTC)

    def following(self, now: datetime) -> datetime:
        """Return the next multiple of the interval."""
        return self.latest(now) + timedelta(seconds=self.seconds)

    def __str__(self) -> str:
        """Say the interval."""
        minutes, seconds = divmod(self.seconds, 60)
        return f"every {self.seconds} s" if seconds else f"every {minutes} min"


@dataclass(frozen=True, slots=True)
class At:
    """At times of day on the exchange's clock, on all days or those that all conditions allow.

    `weekdays` count from Monday as 0, `days` are days of the month. `said` describes it.
    """

    times: tuple[time, ...]
    said: str
    weekdays: frozenset[int] | None = None
    days: frozenset[int] | None = None
    months: frozenset[int] | None = None

    def latest(self, now: datetime) -> datetime:
        """Return the last such moment."""
        today = now.astimezone(EXCHANGE).date() + _DAY  # what a gap moves may cross midnight
        for back in range(_FURTHEST):
            passed = [at for at in self._moments(today - back * _DAY) if at <= now]
            if passed:
                return passed[-1]
        raise self._never()

    def following(self, now: datetime) -> datetime:
        """Return the next such moment."""
        today = now.astimezone(EXCHANGE).date() - _DAY
        for ahead in range(_FURTHEST):
            coming = [at for at in self._moments(today + ahead * _DAY) if at > now]
            if coming:
                return coming[0]
        raise self._never()

    def __str__(self) -> str:
        """Say what the timetable says of itself."""
        return self.said

    def _moments(self, day: date) -> list[datetime]:
        if not self._allows(day):
            return []
        local = (datetime.combine(day, at, EXCHANGE) for at in self.times)
        return sorted({at.astimezone(UTC) for at in local})

    def _allows(self, day: date) -> bool:
        conditions = (
            (self.weekdays, day.weekday()),
            (self.days, day.day),
            (self.months, day.month),
        )
        return all(allowed is None or value in allowed for allowed, value in conditions)

    def _never(self) -> ValueError:
        return ValueError(f"no day fits the timetable {self.said!r}")


def quarter_hours(first: time, last: time) -> tuple[time, ...]:
    """Return the quarter hours of a day from `first` to `last`, both included."""
    every = (time(minute // 60, minute % 60) for minute in range(0, 24 * 60, 15))
    return tuple(at for at in every if first <= at <= last)


def soonest(timetables: Iterable[Timetable], now: datetime) -> datetime:
    """Return the first tick of any of them after `now`."""
    return min(table.following(now) for table in timetables)
