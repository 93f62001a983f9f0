"""Durations are counted by name, slow statements logged, and literals never shown."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.clock import ManualClock
from ava.db.query import Query
from ava.db.redact import LONGEST, is_single, redact
from ava.db.timing import AD_HOC, QueryTimer

GAMES = Query("games", "All of them.", "SELECT 1")


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("select 'it''s', 1.5e-3 from t", "select ?, ? from t"),
        (r"select E'a\'b', 'c'", "select ?, ?"),
        ("select $$ 'x' $$, $a$ 1 $a$", "select ?, ?"),
        ('select a1, t2.b, "c 3" from t4', 'select a1, t2.b, "c 3" from t4'),
        ("select %s, %(limit)s, $1", "select %s, %(limit)s, $1"),
        ("select 1 -- key 42\n /* 'and' 43 */ from t", "select ? from t"),
        ("select 'never closed 42", "select ?"),
        ("select 0x1F, 1_000, .5, b'101', U&'x'", "select ?, ?, ?, ?, ?"),
        ("select $$ never closed 42", "select ?"),
    ],
)
def test_literals_and_comments_are_blanked(sql, shown):
    """Strings of every kind, numbers and comments go; names and placeholders stay."""
    assert redact(sql) == shown


@given(st.text(alphabet="ab'\\ $-/*\"\n", max_size=30))
def test_a_quoted_value_never_shows(value):
    """Whatever a value holds, quoting it as SQL hides it."""
    quoted = "'" + value.replace("'", "''") + "zebra'"
    assert "zebra" not in redact(f"select {quoted}, 1")
    assert redact(f"select {quoted}, 1") == "select ?, ?"


@given(st.text(max_size=2000))
def test_any_text_at_all_can_be_redacted(text):
    """The scanner neither fails nor grows its input without bound."""
    assert len(redact(text)) <= LONGEST


@pytest.mark.parametrize(
    ("sql", "single"),
    [
        ("select 1", True),
        ("select 1;\n", True),
        ("select ';'", True),
        ("select 1; select 2", False),
        ("-- nothing", False),
        ("", False),
    ],
)
def test_one_statement_is_told_from_none_and_several(sql, single):
    """Semicolons count outside literals and comments only."""
    assert is_single(sql) is single


def test_buckets_are_cumulative_and_hold_their_upper_bound():
    """A duration equal to a bound belongs under it, as in Prometheus."""
    timer = QueryTimer(buckets=(0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        timer.record(GAMES, seconds, rows=1)
    seen = timer.snapshot()["games"]
    assert dict(seen.buckets) == {0.1: 2, 1.0: 3, float("inf"): 4}
    assert (seen.count, seen.total_s) == (4, pytest.approx(7.65))


def test_statements_written_in_place_share_one_name():
    """Ad-hoc text never becomes a label, so labels stay few."""
    timer = QueryTimer()
    timer.record("SELECT 1", 0.1, rows=1)
    timer.record("SELECT 2", 0.1, rows=1)
    assert timer.snapshot().keys() == {AD_HOC}
    assert timer.snapshot()[AD_HOC].count == 2


def test_failures_are_counted_apart():
    """A statement without a number of rows is one that failed."""
    timer = QueryTimer()
    timer.record(GAMES, 0.1, rows=None)
    timer.record(GAMES, 0.1, rows=0)
    assert (timer.snapshot()["games"].failures, timer.snapshot()["games"].count) == (1, 2)


def test_a_slow_statement_is_logged_by_name(caplog):
    """The log line holds the name, the duration and the rows."""
    with caplog.at_level(logging.WARNING, "ava.db.slow"):
        QueryTimer(slow_s=1.0).record(GAMES, 1.234, rows=7)
    assert caplog.messages == ["slow statement: 1.234 s, 7 rows, games"]


def test_a_statement_as_slow_as_the_threshold_is_not_logged(caplog):
    """Slow is more than the threshold."""
    with caplog.at_level(logging.WARNING, "ava.db.slow"):
        QueryTimer(slow_s=1.0).record(GAMES, 1.0, rows=7)
    assert caplog.messages == []


@pytest.mark.parametrize("form", [str, str.encode])
def test_a_slow_ad_hoc_statement_is_logged_without_its_literals(form, caplog):
    """Values written into SQL do not reach the log."""
    with caplog.at_level(logging.WARNING, "ava.db.slow"):
        QueryTimer().record(form("SELECT 'secret' WHERE id = 4711"), 2.0, rows=None)
    assert caplog.messages == ["slow statement: 2.000 s, failed, ad_hoc: SELECT ? WHERE id = ?"]


@pytest.mark.anyio
async def test_every_statement_of_a_database_is_timed_by_the_injected_clock(platform_dsn, opened):
    """With a clock that stands still every statement takes no time, and each is counted."""
    async with opened(platform_dsn, clock=ManualClock()) as database:
        await database.fetch(Query("games", "All of them.", "SELECT 1 AS one"))
        await database.execute("SELECT 1")
        async with database.connection() as conn, conn.cursor() as cursor:
            await cursor.executemany(GAMES, [(), ()])
            async with cursor.copy("COPY stocks TO STDOUT") as copying:
                assert [row async for row in copying] == []
        seen = database.timer.snapshot()
    assert (seen["games"].count, seen[AD_HOC].count) == (2, 2)
    assert seen["games"].total_s == 0.0


@pytest.mark.anyio
async def test_parameters_never_reach_the_slow_log(platform_dsn, opened, caplog):
    """A slow statement's bound values are not part of what is logged."""
    async with opened(platform_dsn, slow_query_s=0.0) as database:
        with caplog.at_level(logging.WARNING, "ava.db.slow"):
            await database.fetch("SELECT %s::text AS value", ("secret",))
    assert any("SELECT %s::text AS value" in line for line in caplog.messages)
    assert "secret" not in caplog.text
