"""Quotas: the provider's period, exact counts in a file, and what a provider tells."""

import asyncio
import sqlite3
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.clock import ManualClock
from ava.errors import QuotaExhaustedError
from ava.net.ledger import Ledger, LedgerError, LedgerQuota
from ava.net.quota import (
    TOLD_S,
    Book,
    Taking,
    end_of,
    observed,
    period_at,
    returned,
    taken,
    turned,
    used,
)
from ava.net.spec import Budget, Period, QuotaRule

pytestmark = pytest.mark.anyio

DAILY = QuotaRule(25, Period.DAY, "US/Eastern")
MONTHLY = QuotaRule(500, Period.MONTH)
INDIAN = QuotaRule(1, Period.DAY, "Asia/Kolkata")


@pytest.fixture
def clock():
    return ManualClock()  # 2026-01-05 14:30 UTC


@pytest.fixture
def path(tmp_path):
    return tmp_path / "quota.db"


@pytest.fixture
def quota(path, clock):
    return LedgerQuota("x", DAILY, path, clock=clock)


async def spend(quota, n):
    return [await quota.take() for _ in range(n)]


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "now", "period", "ends"),
    [
        (DAILY, "2026-01-05T04:59", "2026-01-04", "2026-01-05T05:00"),
        (DAILY, "2026-01-05T05:00", "2026-01-05", "2026-01-06T05:00"),
        (DAILY, "2026-03-08T12:00", "2026-03-08", "2026-03-09T04:00"),  # a day of 23 hours
        (DAILY, "2026-11-01T12:00", "2026-11-01", "2026-11-02T05:00"),  # and one of 25
        (MONTHLY, "2026-01-31T23:59", "2026-01-01", "2026-02-01T00:00"),
        (MONTHLY, "2026-02-28T12:00", "2026-02-01", "2026-03-01T00:00"),
        (MONTHLY, "2026-12-31T12:00", "2026-12-01", "2027-01-01T00:00"),
        (INDIAN, "2026-01-05T18:30", "2026-01-06", "2026-01-06T18:30"),
    ],
)  # fmt: skip
def test_a_period_is_the_provider_s(rule, now, period, ends):
    """It begins at midnight in the provider's zone, whatever this machine's is."""
    assert period_at(rule, utc(now)) == period
    assert end_of(rule, period) == utc(ends)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from([DAILY, MONTHLY]))  # noqa: DTZ001 - made aware below
def test_periods_follow_each_other_without_a_gap(moment, rule):
    """The end of a period is the first moment of the next."""
    now = moment.replace(tzinfo=UTC)
    ends = end_of(rule, period_at(rule, now))
    assert now < ends
    assert period_at(rule, ends) > period_at(rule, now)


async def test_twenty_five_a_day_and_no_more(quota):
    """The twenty-sixth is refused, with the moment from which there are more."""
    await spend(quota, 25)
    with pytest.raises(QuotaExhaustedError, match="25 units left this day") as caught:
        await quota.take()
    assert caught.value.resets_at == utc("2026-01-06T05:00")
    assert await quota.left() == 0
    stats = quota.stats()
    assert (stats.limit, stats.left, stats.taken, stats.refused) == (25, 0, 25, 1)


async def test_a_restart_remembers(quota, path, clock):
    """Another process on the same file goes on counting where this one was."""
    await spend(quota, 20)
    other = LedgerQuota("x", DAILY, path, clock=clock)
    assert other.stats().left is None
    assert await other.left() == 5
    await spend(other, 5)
    with pytest.raises(QuotaExhaustedError):
        await quota.take()


async def test_there_are_more_at_the_provider_s_midnight(quota, clock):
    """Not at this machine's midnight, nor 24 hours after the first call."""
    await spend(quota, 25)
    await clock.advance(9.6 * 3600)  # 00:06 UTC
    with pytest.raises(QuotaExhaustedError):
        await quota.take()
    await clock.advance(4.9 * 3600)  # 00:00 in New York
    await spend(quota, 25)


async def test_a_clock_that_goes_back_reopens_no_day(quota, path, clock):
    """The count stays with the latest day it has seen."""
    await clock.advance(24 * 3600)
    await spend(quota, 25)
    earlier = LedgerQuota("x", DAILY, path, clock=ManualClock())
    with pytest.raises(QuotaExhaustedError):
        await earlier.take()


async def test_a_cost_is_taken_whole_or_not_at_all(path, clock):
    """Three units do not fit where two are left; two do."""
    quota = LedgerQuota("x", QuotaRule(5, Period.MONTH), path, clock=clock)
    await quota.take(3)
    with pytest.raises(QuotaExhaustedError):
        await quota.take(3)
    await quota.take(2)
    assert await quota.left() == 0
    with pytest.raises(ValueError, match="at least one"):
        await quota.take(0)


async def test_a_request_that_never_left_is_given_back(quota, clock):
    """Its units can be taken again, unless its day is over."""
    taking = await quota.take()
    await quota.give_back(taking)
    assert await quota.left() == 25
    old = await quota.take()
    await clock.advance(24 * 3600)
    await quota.take()
    await quota.give_back(old)
    assert await quota.left() == 24


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_take_counts_nothing(quota, path, clock, turns):
    """Wherever it is cancelled, the units are back before the caller goes on."""
    task = asyncio.create_task(quota.take())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await LedgerQuota("x", DAILY, path, clock=clock).left() == 25


async def test_concurrent_takes_share_the_last_units(quota):
    """Of 60 at once, 25 get a unit."""
    results = await asyncio.gather(*(quota.take() for _ in range(60)), return_exceptions=True)
    assert sum(isinstance(result, Taking) for result in results) == 25


async def test_names_are_counted_apart(quota, path, clock):
    """Two providers share a file and no count."""
    await spend(quota, 25)
    assert await LedgerQuota("y", DAILY, path, clock=clock).left() == 25


async def test_a_file_that_cannot_be_written_refuses(tmp_path, clock):
    """What cannot be counted is not called, and the error names the file."""
    quota = LedgerQuota("x", DAILY, tmp_path, clock=clock)
    with pytest.raises(LedgerError, match=tmp_path.name):
        await quota.take()


def test_a_crash_between_reading_and_writing_leaves_the_count(path):
    """A transaction that does not end is undone, and the next one is not kept waiting."""
    ledger = Ledger(path)
    ledger.change("x", lambda _: Book("2026-01-05", 7))
    dying = sqlite3.connect(path, isolation_level=None)
    dying.execute("BEGIN IMMEDIATE")
    dying.execute("UPDATE quota SET used = 0")
    dying.close()
    assert ledger.change("x", lambda _: None) is None
    assert ledger.change("x", lambda book: book) == Book("2026-01-05", 7)


def test_a_ledger_keeps_its_name(path):
    """It is drawn once for a file, and differs from another's."""
    assert Ledger(path).identity() == Ledger(path).identity()
    assert Ledger(path).identity() != Ledger(path.with_name("other.db")).identity()


async def test_a_worse_figure_of_the_provider_is_adopted(quota):
    """Calls made elsewhere with the same key count too."""
    await spend(quota, 3)
    await quota.observe(Budget(remaining=4))
    assert await quota.left() == 4
    await quota.observe(Budget(used=24))
    assert await quota.left() == 1
    await quota.take()
    with pytest.raises(QuotaExhaustedError):
        await quota.take()


async def test_a_better_figure_never_frees_what_was_counted_here(quota):
    """The provider may not yet have counted the calls under way."""
    takings = await spend(quota, 10)
    await quota.observe(Budget(remaining=20, used=5), takings[-1])
    assert await quota.left() == 15


async def test_an_older_answer_does_not_overtake_a_newer_one(quota, clock):
    """A better figure counts only from a request sent after the worse one was told."""
    early = await quota.take()
    await clock.advance(1)
    await quota.observe(Budget(remaining=5))
    await quota.observe(Budget(remaining=9), early)
    await quota.observe(Budget(remaining=9))
    assert await quota.left() == 5
    await clock.advance(1)
    late = await quota.take()
    await quota.observe(Budget(remaining=9), late)
    assert await quota.left() == 9


async def test_an_answer_of_yesterday_says_nothing_of_today(quota, clock):
    """A figure belongs to the day in which its request was sent."""
    yesterday = await quota.take()
    await clock.advance(24 * 3600)
    await quota.observe(Budget(remaining=0), yesterday)
    assert await quota.left() == 25


async def test_what_was_told_is_forgotten_after_an_hour(quota, clock):
    """A quota that looks spent would ask nobody, and so never hear that it is not."""
    await quota.observe(Budget(remaining=0))
    with pytest.raises(QuotaExhaustedError):
        await quota.take()
    await clock.advance(TOLD_S)
    await quota.take()
    assert await quota.left() == 24


async def test_an_answer_that_tells_nothing_changes_nothing(quota):
    """An empty budget is no figure, least of all zero."""
    await quota.take()
    await quota.observe(Budget(cost=3))
    assert await quota.left() == 24


DAYS = ["2026-01-05", "2026-01-06", "2026-01-07"]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["take", "return", "tell"]),
        st.integers(1, 6),
        st.sampled_from(DAYS),
        st.booleans(),
    ),
    max_size=80,
)


@given(EVENTS)
def test_no_history_takes_more_than_the_limit(events):
    """Takings that are not given back never exceed the limit of their day."""
    book, out, limit = Book(DAYS[0]), [], 10
    for at, (event, number, day, flag) in enumerate(events):
        book = turned(book, day)
        if event == "take" and (after := taken(book, number, limit, float(at))) is not None:
            book = after
            out.append(Taking(number, book.period, float(at)))
        elif event == "return" and out:
            taking = out.pop(number % len(out))
            book = returned(book, taking)
        elif event == "tell":
            taking = out[number % len(out)] if out and flag else None
            book = observed(book, Budget(remaining=number), limit, float(at), taking)
        held = sum(taking.cost for taking in out if taking.period == book.period)
        assert held <= book.used <= used(book, float(at))
        assert all(
            sum(taking.cost for taking in out if taking.period == each) <= limit for each in DAYS
        )
