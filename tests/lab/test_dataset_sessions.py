"""Times of the data set agree with the calendar, without a time-zone database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.lab.dataset.sessions import (
    new_york,
    recent,
    session_close,
    session_open,
    weekday,
    weekdays,
    written_order,
)

DAYS = st.dates(date(1987, 1, 1), date(2037, 12, 31))


@pytest.fixture(scope="module")
def zone():
    try:
        return ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        pytest.skip("this machine has no time-zone database to compare with")


@given(day=DAYS)
def test_noon_in_new_york_is_the_database_s(zone, day):
    """Since 1987, both rules of daylight saving included, noon is at the hour it was."""
    ours = new_york(np.array([day], dtype="datetime64[D]"), 12 * 3600)[0].item()
    theirs = datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC)
    assert ours.replace(tzinfo=UTC) == theirs


def test_dates_before_the_known_rules_are_refused():
    """1986 changed its clocks on other days; guessing would be an hour wrong."""
    with pytest.raises(ValueError, match="before 1987"):
        new_york(np.array(["1986-12-31"], dtype="datetime64[D]"), 0)


@given(DAYS)
def test_weekdays_are_those_of_the_calendar(day):
    """Monday is 0, and no weekend is among the trading days."""
    assert weekday(np.array([day], dtype="datetime64[D]"))[0] == day.weekday()
    days = weekdays(np.datetime64(day), np.datetime64(day) + np.timedelta64(13, "D")).tolist()
    expected = [day + timedelta(days=n) for n in range(14)]
    assert days == [each for each in expected if each.weekday() < 5]


def test_a_session_lasts_six_and_a_half_hours():
    """09:30 to 16:00, which is 14:30 to 21:00 UTC in winter."""
    day = np.array(["2026-01-15"], dtype="datetime64[D]")
    assert session_open(day)[0].item() == datetime(2026, 1, 15, 14, 30)  # noqa: DTZ001 - numpy is naive
    assert session_close(day)[0].item() == datetime(2026, 1, 15, 21)  # noqa: DTZ001 - numpy is naive


@given(st.integers(0, 2**32))
def test_rows_reach_the_table_nearly_in_order(seed):
    """Most rows are written as they happen, a few late: order is near but not perfect."""
    random = np.random.default_rng(seed)
    moments = np.datetime64("2026-01-01T00:00:00") + np.arange(5_000).astype("timedelta64[m]")
    written = moments[written_order(random, moments)]
    in_order = np.mean(np.diff(written).astype(np.int64) > 0)
    assert 0.9 < in_order < 1
    assert np.array_equal(np.sort(written), moments)


@given(st.integers(0, 2**32))
def test_moments_crowd_towards_now(seed):
    """More than half of the moments lie in the last third of the span, none outside it."""
    now = np.datetime64("2026-01-01T21:00:00")
    age = now - recent(np.random.default_rng(seed), now, 2_000, days=30)
    assert age.min() >= np.timedelta64(0, "s")
    assert age.max() <= np.timedelta64(30, "D")
    assert np.mean(age < np.timedelta64(10, "D")) > 0.5
