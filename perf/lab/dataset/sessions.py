"""Days and times: weekdays, New York sessions in UTC, and moments that crowd towards now.

Everything here is integer arithmetic on numpy dates, so that it gives the same answer on every
machine, whatever time-zone database that has. It knows the daylight-saving rules of the United
States since 1987 and refuses earlier dates. Exchange holidays are not modelled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from perf.lab.dataset.table import Ints

Days = npt.NDArray[np.datetime64]
Moments = npt.NDArray[np.datetime64]

SESSION_S = 23_400  # 09:30 to 16:00
DAY = np.timedelta64(1, "D")  # numpy wants a unit: a bare integer beside a date is on its way out
DAY_S = 86_400
FRIDAY, SATURDAY = 4, 5
_OPEN_S = 34_200
_LATE_SHARE = 0.03
_OLD_RULE, _PRESENT_RULE = 1987, 2007
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
_SUNDAY = 6


def weekday(days: Days) -> Ints:
    """Return the day of the week of each date, Monday 0 to Sunday 6."""
    ordinal = days.astype("datetime64[D]").astype(np.int64)
    return (ordinal + _EPOCH_WEEKDAY) % 7


def weekdays(first: np.datetime64, last: np.datetime64) -> Days:
    """Return Monday to Friday from `first` to `last`, both included."""
    days = np.arange(first, last + DAY, DAY)
    return np.asarray(days[weekday(days) < SATURDAY])


def new_york(days: Days, seconds: npt.NDArray[Any] | int) -> Moments:
    """Return the UTC moments at which New York's clocks show `seconds` after midnight.

    A day on which the clocks change counts wholly as the time they change to.
    """
    behind_s = np.where(_summer(days), 4, 5) * 3600
    midnight = days.astype("datetime64[s]").astype(np.int64)
    moments: Moments = (midnight + behind_s + seconds).astype("datetime64[s]")
    return moments


def session_open(days: Days) -> Moments:
    """Return the UTC moments at which trading opens."""
    return new_york(days, _OPEN_S)


def session_close(days: Days) -> Moments:
    """Return the UTC moments at which trading closes."""
    return new_york(days, _OPEN_S + SESSION_S)


def recent(random: np.random.Generator, now: np.datetime64, n: int, days: float) -> Moments:
    """Draw `n` moments of the last `days`, more of them lately, in the order they were written."""
    age_us = np.rint(random.random(n) ** 2 * (days * DAY_S * 1e6)).astype(np.int64)
    moments = now.astype("datetime64[us]") - age_us.astype("timedelta64[us]")
    return np.asarray(moments[written_order(random, moments)])


def written_order(random: np.random.Generator, moments: Moments) -> Ints:
    """Return the order in which rows of these moments reach a table.

    Most come seconds after they happened; a few are imported days later, so physical order
    follows time closely but not perfectly.
    """
    late = random.random(len(moments)) < _LATE_SHARE
    delay_s = random.exponential(np.where(late, 3.0 * DAY_S, 2.0))
    delay = np.rint(delay_s * 1e6).astype(np.int64).astype("timedelta64[us]")
    return np.argsort(moments.astype("datetime64[us]") + delay, kind="stable")


def _summer(days: Days) -> npt.NDArray[np.bool_]:
    year = days.astype("datetime64[Y]").astype(np.int64) + 1970
    if np.any(year < _OLD_RULE):
        raise ValueError(f"daylight saving before {_OLD_RULE} is not known here: {days.min()}")
    present = year >= _PRESENT_RULE
    starts = np.where(present, _sunday(year, 3, 8), _sunday(year, 4, 1))
    ends = np.where(present, _sunday(year, 11, 1), _sunday(year, 10, 25))
    ordinal = days.astype("datetime64[D]").astype(np.int64)
    return (starts <= ordinal) & (ordinal < ends)


def _sunday(year: Ints, month: int, day: int) -> Ints:
    """Return the first Sunday on or after that day of each year, as days since 1970."""
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    firsts: Days = months.astype("datetime64[D]")
    dates: Days = firsts + (day - 1) * DAY
    ordinal: Ints = dates.astype(np.int64)
    return ordinal + (_SUNDAY - weekday(dates)) % 7
