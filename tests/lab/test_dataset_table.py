"""Tables become COPY text that reads back as what went in."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from perf.lab.dataset import load_rows
from perf.lab.dataset.table import columnar, field, from_rows, unknown_where, words

# PostgreSQL text holds no NUL, and UTF-8 no lone surrogates.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def text_of(table):
    return b"".join(table.chunks()).decode()


def undone(escaped):
    """Read a COPY field by PostgreSQL's own rules."""
    marks = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
    rest = iter(escaped)
    return "".join(marks[next(rest)] if mark == "\\" else mark for mark in rest)


@given(TEXT)
def test_escaped_text_reads_back(text):
    """Escaping loses nothing and leaves no character that ends a field or a row."""
    escaped = field(text)
    assert undone(escaped) == text
    assert not set("\t\n\r") & set(escaped)


@given(st.lists(st.none() | TEXT, min_size=1))
def test_text_columns_and_rows_write_the_same(values):
    """A numpy column and a list of Python values give the same bytes."""
    column = columnar("t", "a", len(values), lambda: [(words(values),)])
    assert text_of(column) == text_of(from_rows("t", "a", [(value,) for value in values]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(values=st.lists(st.none() | TEXT, min_size=1, max_size=20))
def test_postgres_reads_back_what_was_written(database, values):
    """PostgreSQL itself returns every text and every NULL unchanged."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE written (place int, value text)")
        load_rows(connection, [from_rows("written", "place value", list(enumerate(values)))])
        rows = connection.execute("SELECT value FROM written ORDER BY place").fetchall()
    assert [value for (value,) in rows] == values


def test_each_type_is_written_as_copy_reads_it(database):
    """Numbers, times, truth and the unknown arrive as the values they were."""
    columns = (
        np.array([1, -2]),
        np.array([0.1, 2.00005]),
        np.array([True, False]),
        np.array(["2024-02-29", "1999-12-31"], dtype="datetime64[D]"),
        np.array(["2024-02-29T12:30:00.5", "1999-12-31T23:59:59"], dtype="datetime64[us]"),
        unknown_where(np.array([7, 8]), np.array([False, True])),
        unknown_where(words(["a", "b"]), np.array([True, False])),
    )
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET TIME ZONE 'Asia/Kathmandu'")
        connection.execute(
            "CREATE TEMPORARY TABLE written (i int, f numeric, b boolean, d date, "
            "m timestamptz, u int, t text)"
        )
        load_rows(connection, [columnar("written", "i f b d m u t", 2, lambda: [columns])])
        rows = connection.execute("SELECT * FROM written ORDER BY i DESC").fetchall()
    assert rows == [
        (
            1,
            Decimal("0.1000"),
            True,
            date(2024, 2, 29),
            datetime(2024, 2, 29, 12, 30, 0, 500_000, tzinfo=UTC),
            7,
            None,
        ),
        (
            -2,
            Decimal("2.0000"),
            False,
            date(1999, 12, 31),
            datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
            None,
            "b",
        ),
    ]


def test_a_large_block_is_written_in_bounded_chunks():
    """No chunk holds more than 16,384 rows, and together they hold all of them."""
    table = columnar("t", "a", 50_000, lambda: [(np.arange(50_000),)])
    chunks = list(table.chunks())
    assert max(chunk.count(b"\n") for chunk in chunks) == 16_384
    assert b"".join(chunks).split() == [str(number).encode() for number in range(50_000)]


def test_an_empty_block_writes_nothing():
    """A table without rows has no chunks."""
    assert list(columnar("t", "a", 0, lambda: [(np.arange(0),)]).chunks()) == []


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ((np.arange(2),), "has 2 columns, a block 1"),
        ((np.arange(2), np.arange(3)), "argument 2 is longer"),
    ],
    ids=["too few", "unequal"],
)
def test_a_block_that_does_not_fit_its_table_is_refused(block, why):
    """A missing column or columns of unequal length raise instead of shifting values."""
    with pytest.raises(ValueError, match=why):
        list(columnar("t", "a b", 2, lambda: [block]).chunks())


def test_identifiers_are_quoted(database):
    """A table and a column with names that need quotes are loaded all the same."""
    with psycopg.connect(database, autocommit=True) as connection:
        name = sql.Identifier('odd "name"')
        connection.execute(sql.SQL('CREATE TEMPORARY TABLE {} ("order" int)').format(name))
        report = load_rows(connection, [from_rows('odd "name"', "order", [(1,), (2,)])])
    assert report.rows == {'odd "name"': 2}
