"""The month's credits: never exceeded, lasting to the end, and no sport left out."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ava.services.odds_budget import (
    TICK,
    ZONE,
    Credits,
    Synced,
    allowance,
    choose,
    day_of,
    days_left,
    is_open,
)
from ava.services.sports import Sport

COST = 3
NFL, NBA = Sport.NFL, Sport.NBA
QUOTAS = st.integers(0, 2_000)
MONTHS = st.tuples(st.integers(2024, 2030), st.integers(1, 12))


def next_month(year, month):
    """Return the first moment of the month after, where the provider is."""
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


@cache
def ticks(begins, ends):
    """Return the ticks of the schedule in a span."""
    return [at for n in range(-((begins - ends) // TICK)) if is_open(at := begins + n * TICK)]


def run(year, month, quota, games, spent=lambda _now: 0):
    """Run a month; return the syncs, and the credits left at the end; `spent` are others'."""
    begins, resets = datetime(year, month, 1, tzinfo=UTC), next_month(year, month)
    left, past = quota, []
    for now in ticks(begins, resets):
        left -= min(left, spent(now))
        for sport in choose(now, Credits(left, resets, COST), games, past):
            past.append(Synced(sport, now, left))
            left -= COST
    return past, left


@st.composite
def calendars(draw):
    """Draw a month, and games at any times of it."""
    year, month = draw(MONTHS)
    begins, resets = datetime(year, month, 1, tzinfo=UTC), next_month(year, month)
    minutes = int((resets - begins) / timedelta(minutes=1))
    starts = st.lists(st.integers(0, minutes), max_size=30)
    games = {sport: [begins + timedelta(minutes=m) for m in draw(starts)] for sport in Sport}
    return year, month, games


@settings(max_examples=20)  # a month is 1,800 ticks
@given(calendars(), QUOTAS)
def test_no_calendar_exceeds_a_quota(calendar, quota):
    """Whatever is played when, the credits of the month pay for every sync."""
    _, left = run(*calendar[:2], quota, calendar[2])
    assert left >= 0


@settings(max_examples=20)
@given(calendars(), st.integers(0, 500), st.integers(0, 2**32 - 1))
def test_credits_that_others_spend_are_not_spent_twice(calendar, quota, chance):
    """Somebody else uses the key as well: what is left then is all that is planned with."""

    def others(now):
        return 7 if hash((chance, now.timestamp())) % 50 == 0 else 0

    _, left = run(*calendar[:2], quota, calendar[2], others)
    assert left >= 0


@settings(max_examples=20)
@given(calendars())
def test_every_sport_with_a_game_today_is_synced_today(calendar):
    """500 credits are five syncs a day and more, which is one for each of four sports."""
    year, month, games = calendar
    past, _ = run(year, month, 500, games)
    first = datetime(year, month, 1, tzinfo=UTC).astimezone(ZONE)
    synced = {(one.sport, day_of(one.at).begins) for one in past}
    ends = next_month(year, month)
    for sport, starts in games.items():
        for start in starts:
            day = day_of(start)
            # The ticks of the day that lie before the game, and in this month.
            if any(at > first for at in ticks(day.begins, min(start, ends))):
                assert (sport, day.begins) in synced


@settings(max_examples=10)
@given(MONTHS, st.integers(COST, 200))
@example((2026, 2), 60)
def test_a_small_quota_still_goes_round(when, quota):
    """With games every day and few credits no sport is passed over for another."""
    begins, resets = datetime(*when, 1, tzinfo=UTC), next_month(*when)
    evenings = [begins + timedelta(days=n, hours=23) for n in range((resets - begins).days)]
    past, left = run(*when, quota, dict.fromkeys(Sport, evenings))
    for sport in Sport:
        turns = [n for n, one in enumerate(past) if one.sport is sport]
        for before, after in pairwise([-1, *turns, len(past)]):
            others = Counter(one.sport for one in past[before + 1 : after])
            assert max(others.values(), default=0) <= 2  # two: they were synced at one tick
    assert left < 2 * COST + quota % COST + quota / len(evenings)


def test_a_month_of_games_is_covered_to_its_last_day():
    """Nothing runs dry: the last days have as many syncs as the first."""
    begins, resets = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    evenings = [begins + timedelta(days=n, hours=23, minutes=30) for n in range(31)]
    past, left = run(2026, 1, 500, dict.fromkeys(Sport, evenings))
    days = Counter(day_of(one.at).begins for one in past)
    assert set(days.values()) <= {5, 6, 7}
    assert len(days) == 31
    assert left < 3 * COST
    assert resets > past[-1].at


def test_nothing_is_asked_for_when_nothing_is_played():
    """A sport without a game before the next morning costs nothing."""
    now = datetime(2026, 1, 5, 17, tzinfo=UTC)
    later = {NFL: [day_of(now).ends + timedelta(minutes=1)], NBA: []}
    assert choose(now, Credits(500, datetime(2026, 2, 1, tzinfo=UTC), COST), later, []) == []


def test_a_game_under_way_is_nothing_to_come():
    """Its odds are history."""
    now = datetime(2026, 1, 5, 17, tzinfo=UTC)
    credits_ = Credits(500, datetime(2026, 2, 1, tzinfo=UTC), COST)
    assert choose(now, credits_, {NFL: [now]}, []) == []


def test_no_game_begins_on_the_odds_of_the_morning():
    """On a Sunday of three kick-offs the odds at each are hours younger than the day's first."""
    kickoffs = [
        datetime(2026, 1, 11, 18, 0, tzinfo=UTC),
        datetime(2026, 1, 11, 21, 25, tzinfo=UTC),
        datetime(2026, 1, 12, 1, 20, tzinfo=UTC),
    ]
    past, _ = run(2026, 1, 500, {NFL: kickoffs})
    assert past[0].at == datetime(2026, 1, 11, 14, tzinfo=UTC)  # 09:00 in New York
    ages = [start - max(one.at for one in past if one.at < start) for start in kickoffs]
    assert max(ages) <= timedelta(hours=2)
    assert len(past) <= 7


def test_an_only_sync_waits_until_the_game_is_near():
    """Odds of the morning are worth little in the evening."""
    tip_off = datetime(2026, 1, 6, 0, 30, tzinfo=UTC)  # 19:30 in New York
    past, _ = run(2026, 1, 100, {NBA: [tip_off]})
    assert [one.at for one in past] == [tip_off - timedelta(hours=3)]


def test_a_game_after_the_last_tick_is_not_forgotten():
    """It starts between 23:00 and the next morning, so its day is the one before."""
    night = datetime(2026, 1, 6, 11, 0, tzinfo=UTC)  # 06:00 in New York
    past, _ = run(2026, 1, 100, {NBA: [night]})
    assert [day_of(one.at) for one in past] == [day_of(night)]


def test_of_scarce_syncs_the_one_who_waited_longest_comes_first():
    """The day allows one, and two play."""
    now = datetime(2026, 1, 5, 22, tzinfo=UTC)
    soon = {NFL: [now + timedelta(hours=1)], NBA: [now + timedelta(hours=2)]}
    past = [Synced(NBA, now - timedelta(days=3), 100), Synced(NFL, now - timedelta(days=1), 97)]
    credits_ = Credits(94, datetime(2026, 2, 1, tzinfo=UTC), COST)
    assert choose(now, credits_, soon, past) == [NBA]


@pytest.mark.parametrize(
    ("now", "opened"),
    [
        ("2026-03-08T12:59+00:00", False),  # daylight saving began that night
        ("2026-03-08T13:00+00:00", True),
        ("2026-03-07T13:59+00:00", False),
        ("2026-03-07T14:00+00:00", True),
        ("2026-11-01T14:00+00:00", True),  # and ended that night
        ("2026-11-01T13:59+00:00", False),
        ("2026-03-09T03:00+00:00", True),
        ("2026-03-09T03:01+00:00", False),
    ],
)
def test_the_hours_are_those_of_the_exchange(now, opened):
    """09:00 to 23:00 in New York, summer and winter."""
    assert is_open(datetime.fromisoformat(now)) is opened


@pytest.mark.parametrize(
    ("now", "days"),
    [
        ("2026-01-01T15:00+00:00", 31),
        ("2026-01-31T15:00+00:00", 1),
        ("2026-01-31T23:45+00:00", 1),
    ],
)
def test_the_days_of_a_month_are_counted_to_the_providers_midnight(now, days):
    """Credits come back in UTC, at 19:00 of New York's last evening."""
    assert days_left(datetime.fromisoformat(now), datetime(2026, 2, 1, tzinfo=UTC)) == days


def test_the_evening_after_the_reset_belongs_to_the_new_month():
    """At 20:00 in New York on the 31st there are 500 again, for 29 days."""
    now = datetime(2026, 2, 1, 1, tzinfo=UTC)
    resets = datetime(2026, 3, 1, tzinfo=UTC)
    assert days_left(now, resets) == 29
    past = [Synced(NFL, now - timedelta(hours=8), 4)]
    assert allowance(now, Credits(500, resets, COST), past) == 5
