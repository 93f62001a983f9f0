"""Sessions of the exchange: the table against the library, and moments around each change."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.cache.sessions import AlwaysOpen, new_york
from ava.cache.sessions_build import FIRST, LAST, TABLE, build

# The library is older than the pandas it runs on, which warns about how it is used.
pytestmark = pytest.mark.filterwarnings("ignore:Series.values:DeprecationWarning")

NY = ZoneInfo("America/New_York")
SECOND = timedelta(seconds=1)


def at(text):
    """Return a moment told on New York's clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=NY)


@pytest.fixture(scope="module")
def schedule():
    """Every session of the table's years as the library knows it: opening and close in UTC."""
    table = exchange_calendars.get_calendar("XNYS", start=str(FIRST), end=str(LAST)).schedule
    return {
        day.date(): (opens.to_pydatetime(), closes.to_pydatetime())
        for day, opens, closes in zip(table.index, table["open"], table["close"], strict=True)
    }


def test_every_day_of_the_table_is_as_the_library_has_it(schedule):
    """From 1990 to 2040 no day differs: sessions, openings, closes."""
    days = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
    ours = {s.day: (s.opens, s.closes) for s in map(new_york().session_of, days) if s}
    assert len(schedule) > 12_000
    assert ours == schedule


def test_the_next_change_is_the_one_of_the_librarys_next_session(schedule):
    """From one second before the close of each day, close and opening follow as scheduled."""
    moments = list(schedule.values())
    for (_, closes), (opens, _) in pairwise(moments):
        assert new_york().next_close(closes - SECOND) == closes
        assert new_york().next_open(closes - SECOND) == opens


def test_the_file_is_what_the_script_builds():
    """Nobody edits the table by hand; only the library's version may differ."""
    kept = json.loads(TABLE.read_text(encoding="utf-8"))
    assert {**build(), "source": ""} == {**kept, "source": ""}


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2025-07-03T12:59:59", True),  # the eve of a holiday closes at one
        ("2025-07-03T13:00:00", False),
        ("2025-07-04T11:00:00", False),  # Independence Day
        ("2025-11-27T11:00:00", False),  # Thanksgiving
        ("2025-11-28T12:59:59", True),
        ("2025-11-28T14:00:00", False),
        ("2012-10-29T11:00:00", False),  # the hurricane
        ("2001-09-12T11:00:00", False),
        ("2025-01-09T11:00:00", False),  # a day of mourning
        ("2026-03-06T09:30:00", True),  # standard time
        ("2026-03-06T09:29:59", False),
        ("2026-03-09T09:30:00", True),  # daylight-saving time since the day before
        ("2026-03-09T09:29:59", False),
        ("2026-03-09T15:59:59", True),
        ("2026-03-09T16:00:00", False),
        ("2026-03-07T11:00:00", False),  # a Saturday
    ],
)
def test_moments_around_holidays_early_closes_and_clock_changes(moment, is_open):
    """The opening belongs to the session, the close does not."""
    assert new_york().is_open(at(moment)) is is_open
    assert new_york().is_open(at(moment).astimezone(UTC)) is is_open


@given(st.datetimes(datetime(1995, 1, 1), datetime(2039, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_an_open_market_closes_next_and_a_closed_one_opens_next(moment):
    """Whichever state holds, it lasts until the next change and not a second longer."""
    market = new_york()
    opens, closes = market.next_open(moment), market.next_close(moment)
    assert moment < opens
    assert moment < closes
    assert market.is_open(moment) is (closes < opens)
    assert market.is_open(opens)
    assert not market.is_open(closes)
    assert market.is_open(min(opens, closes) - SECOND / 1000) is (closes < opens)


def test_the_last_session_of_a_year_is_followed_by_the_first_of_the_next():
    """A search runs over the end of a year."""
    assert new_york().next_open(at("2025-12-31T10:00:00")) == at("2026-01-02T09:30:00")
    assert new_york().next_close(at("2025-12-31T17:00:00")) == at("2026-01-02T16:00:00")


def test_a_moment_is_judged_by_its_instant_not_by_the_zone_it_is_told_in():
    """New Year's Eve in New York can be the next year in Tokyo."""
    tokyo = datetime(2026, 1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert new_york().is_open(tokyo)  # 11:00 of 31 December in New York


@pytest.mark.parametrize("year", [1975, 2041, 2060])
def test_outside_the_table_the_weeks_rule_answers_and_says_so(year):
    """A holiday is not known there; weekdays and week-ends still are."""
    christmas = date(year, 12, 25)
    weekday = next(d for d in (christmas + timedelta(n) for n in range(7)) if d.weekday() == 2)
    session = new_york().session_of(weekday)
    assert not new_york().covers(weekday)
    assert session is not None
    assert (session.closes - session.opens) == timedelta(hours=6, minutes=30)
    assert new_york().session_of(weekday + timedelta(3)) is None


def test_the_table_covers_its_first_and_last_day():
    """Both ends are included."""
    assert new_york().covers(FIRST)
    assert new_york().covers(LAST)
    assert not new_york().covers(LAST + timedelta(1))


@pytest.mark.parametrize("market", [new_york(), AlwaysOpen()])
@pytest.mark.parametrize("question", ["is_open", "next_open"])
def test_a_moment_without_a_zone_is_refused(market, question):
    """A naive time could be meant in any zone."""
    with pytest.raises(ValueError, match="no zone"):
        getattr(market, question)(datetime(2026, 1, 5, 12))  # noqa: DTZ001 - the point


def test_a_market_round_the_clock_is_open_on_christmas_night():
    """Crypto knows no session."""
    assert AlwaysOpen().is_open(at("2025-12-25T03:00:00"))
    assert AlwaysOpen().next_open(at("2025-12-25T03:00:00")) is None


def test_serving_never_loads_pandas():
    """The library that made the table stays out of the process that reads it."""
    code = (
        "import sys, datetime as d; from ava.cache.sessions import new_york;"
        "new_york().is_open(d.datetime(2026,1,5,15,tzinfo=d.UTC));"
        "sys.exit('pandas' in sys.modules or 'exchange_calendars' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
