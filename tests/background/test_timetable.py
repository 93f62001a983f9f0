"""Ticks are those of the exchange's clock, summer and winter, and every moment has one."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.background.job import discover
from ava.background.timetable import EXCHANGE, At, Every, quarter_hours

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
TABLES = [job.timetable for job in discover().values()]
SIX = At((time(6),), "daily at 06:00")


def moment(text):
    """Read a moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "following"),
    [
        ("2026-01-05T10:59", "2026-01-05T11:00"),  # 06:00 in winter is 11:00 of UTC
        ("2026-01-05T11:00", "2026-01-06T11:00"),
        ("2026-03-07T11:00", "2026-03-08T10:00"),  # clocks went forward in the night
        ("2026-10-31T10:00", "2026-11-01T11:00"),  # and back
    ],
)
def test_six_in_the_morning_is_six_in_new_york(now, following):
    """A cron in UTC would be an hour off for eight months of the year."""
    assert SIX.following(moment(now)) == moment(following)


@given(MOMENTS, st.sampled_from(TABLES))
def test_every_moment_lies_between_two_ticks(now, table):
    """The last tick is not after it, the next one is, and there is none between them."""
    latest, following = table.latest(now), table.following(now)
    assert latest <= now < following
    assert table.following(latest) == following
    assert table.latest(following - timedelta(microseconds=1)) == latest


@given(MOMENTS, st.integers(0, 899))
def test_two_workers_name_the_same_tick(now, apart):
    """Whoever looks before the next tick says the same, to the second."""
    table = Every(900)
    other = table.latest(now) + timedelta(seconds=apart)
    assert table.latest(other) == table.latest(now)


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01", "2026-07-01"])
def test_odds_have_57_ticks_on_every_day(day):
    """From 09:00 to 23:00 by quarters of an hour, whatever clocks did in the night."""
    table = discover()["odds_sync"].timetable
    at = datetime.fromisoformat(day).replace(tzinfo=EXCHANGE).astimezone(UTC)
    ticks = []
    while (at := table.following(at)).astimezone(EXCHANGE).date().isoformat() == day:
        ticks.append(at.astimezone(EXCHANGE).time())
    assert ticks == list(quarter_hours(time(9), time(23)))
    assert len(ticks) == 57


def test_a_time_that_the_night_skips_is_the_moment_after():
    """02:30 is not on the clocks of 8 March 2026."""
    table = At((time(2, 30),), "")
    assert table.following(moment("2026-03-08T05:00")) == moment("2026-03-08T07:30")


def test_a_time_that_the_night_has_twice_comes_once():
    """01:30 is on the clocks of 1 November 2026 twice."""
    table = At((time(1, 30),), "")
    first = table.following(moment("2026-11-01T04:00"))
    assert first == moment("2026-11-01T05:30")
    assert table.following(first) == moment("2026-11-02T06:30")


def test_the_maintenance_of_a_quarter_stands_in_for_a_months():
    """On one day of the year there is one of the two."""
    jobs = discover()
    monthly, quarterly = (jobs[f"maintenance_{p}"].timetable for p in ("monthly", "quarterly"))
    now = moment("2025-12-31T12:00")
    assert quarterly.following(now).date().isoformat() == "2026-01-01"
    assert monthly.following(now).date().isoformat() == "2026-02-01"


def test_a_timetable_without_a_day_is_refused():
    """Nobody waits for 30 February."""
    with pytest.raises(ValueError, match="no day fits"):
        At((time(1),), "never", days=frozenset({30}), months=frozenset({2})).following(
            moment("2026-01-01T00:00")
        )
