"""The limits of simulated providers: windows that slide, buckets, and credits of a period."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.lab.providers.limits import Bucket, Credits, Window

GAPS = st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60)


def admit(gauge, moments, slack_s=0.0):
    """Return the moments that pass."""
    passed = []
    for now in moments:
        gauge.arrive(now)
        if gauge.wait(now, slack_s) <= 0:
            gauge.take(now)
            passed.append(now)
    return passed


def added(gaps):
    """Return the moments with those gaps between them."""
    moments, now = [], 100.0
    for gap in gaps:
        now += gap
        moments.append(now)
    return moments


@given(GAPS, st.integers(1, 5))
def test_no_window_holds_more_than_its_permits(gaps, permits):
    """However calls arrive, any `per_s` seconds see at most `permits` that passed."""
    passed = admit(Window(permits, 2.0), added(gaps))
    for first, last in zip(passed, passed[permits:], strict=False):
        assert last - first >= 2.0 - 1e-5


@given(GAPS)
def test_a_window_refuses_only_when_it_must(gaps):
    """A refused call had all permits taken in the window before it."""
    moments = added(gaps)
    passed = admit(Window(3, 2.0), moments)
    for now in set(moments) - set(passed):
        assert sum(now - 2.0 < other <= now for other in passed) >= 3


@given(GAPS)
def test_the_wait_of_a_window_is_enough_and_no_more(gaps):
    """After the wait that is told the call passes, and a little before it does not."""
    window = Window(2, 2.0)
    admit(window, added(gaps))
    now = added(gaps)[-1]
    wait = window.wait(now, 0.0)
    if wait > 1e-3:
        assert window.wait(now + wait - 1e-3, 0.0) > 0
    assert window.wait(now + wait + 1e-6, 0.0) == 0.0


def test_slack_forgives_that_much_and_no_more():
    """With 0.1 s of slack a second call may come 0.9 s after the first, not 0.8."""
    assert len(admit(Window(1, 1.0), [0.0, 0.91], 0.1)) == 2
    assert len(admit(Window(1, 1.0), [0.0, 0.85], 0.1)) == 1


@given(GAPS)
def test_a_bucket_grants_its_size_and_its_rate(gaps):
    """Over any stretch at most size + rate x time calls pass."""
    passed = admit(Bucket(2.0, 4.0), added(gaps))
    for place, first in enumerate(passed):
        for count, last in enumerate(passed[place:], 1):
            assert count <= 4.0 + 2.0 * (last - first) + 1e-3


def test_busiest_counts_what_was_refused_too():
    """Five calls at once are five, though two passed."""
    window = Window(2, 1.0)
    assert len(admit(window, [1.0] * 5)) == 2
    assert window.busiest == 5


def test_credits_come_back_with_the_day_of_their_zone():
    """New York's day ends at five in the morning UTC in winter."""
    day = Credits(25, "day", "America/New_York")
    evening = datetime(2026, 1, 6, 4, 59, tzinfo=UTC).timestamp()
    day.spend(25, evening)
    assert day.left(evening) == 0
    assert day.left(evening + 120) == 25
    assert day.total == 25


def test_credits_of_a_month_come_back_on_the_first():
    """And the last call of a month may overdraw."""
    month = Credits(10, "month")
    last = datetime(2026, 1, 31, 23, 59, tzinfo=UTC).timestamp()
    month.spend(12, last)
    assert month.left(last) == -2
    assert month.left(last + 120) == 10


def test_a_period_that_is_none_is_an_error():
    """There are days and months."""
    with pytest.raises(KeyError):
        Credits(10, "week")
