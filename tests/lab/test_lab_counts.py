"""What the driver really sends is counted exactly by a proxy in front of a real server."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql


@pytest.fixture
def wired(lab):
    """A connection to a database of its own through a counting proxy, and the proxy."""
    name, proxy = lab.create_database(), lab.proxy()
    with psycopg.connect(lab.dsn_via(proxy, name), autocommit=True) as connection:
        connection.execute("CREATE TABLE prices (id int, price numeric)")
        proxy.reset_counts()
        yield connection, proxy


def crossed(proxy):
    counts = proxy.counts()
    return counts.statements, counts.round_trips


def test_opening_a_connection_is_no_statement(lab):
    """Connecting is counted as a connection and as nothing else."""
    proxy = lab.proxy()
    psycopg.connect(lab.dsn_via(proxy)).close()
    counts = proxy.counts()
    assert (counts.connections, counts.statements, counts.round_trips) == (1, 0, 0)


def test_a_refused_request_for_encryption_does_not_disturb(lab):
    """A client that would rather encrypt is counted like any other after the refusal."""
    proxy = lab.proxy()
    dsn = psycopg.conninfo.make_conninfo(lab.dsn_via(proxy), sslmode="prefer")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT 1")
    assert crossed(proxy) == (1, 1)


def test_a_simple_query_is_one_of_each(wired):
    """A Query message is one statement and one round trip."""
    connection, proxy = wired
    psycopg.ClientCursor(connection).execute("SELECT %s", [1])
    assert crossed(proxy) == (1, 1)


def test_an_extended_query_is_one_of_each(wired):
    """Parse, Bind, Describe and Execute are together one statement and one round trip."""
    connection, proxy = wired
    connection.execute("SELECT %s::int", [1], binary=True)
    assert crossed(proxy) == (1, 1)


def test_a_loop_of_statements_is_a_round_trip_each(wired):
    """Fifty statements one by one are fifty round trips."""
    connection, proxy = wired
    for number in range(50):
        connection.execute("INSERT INTO prices VALUES (%s, 1)", [number], prepare=False)
    assert crossed(proxy) == (50, 50)


def test_executemany_is_a_statement_per_row_and_one_round_trip(wired):
    """The driver sends all rows without waiting in between."""
    connection, proxy = wired
    rows = [(number, 1) for number in range(50)]
    connection.cursor().executemany("INSERT INTO prices VALUES (%s, %s)", rows)
    assert crossed(proxy) == (50, 1)


def test_a_pipeline_is_one_round_trip(wired):
    """Statements in pipeline mode share the round trip of its end."""
    connection, proxy = wired
    with connection.pipeline():
        for number in range(7):
            connection.execute("INSERT INTO prices VALUES (%s, 1)", [number], prepare=False)
    assert crossed(proxy) == (7, 1)


def test_a_transaction_counts_its_begin_and_commit(wired):
    """What opens and closes a transaction crosses the network like any statement."""
    connection, proxy = wired
    with connection.transaction():
        connection.execute("SELECT 1")
    assert crossed(proxy) == (3, 3)


def test_copied_rows_are_one_statement(wired):
    """COPY carries any number of rows in one statement, and its data is not read as messages."""
    connection, proxy = wired
    with connection.cursor().copy("COPY prices FROM STDIN") as copy:
        for number in range(1000):
            copy.write_row((number, "1.5"))
    assert crossed(proxy) == (1, 1)


def test_an_error_is_a_round_trip_as_well(wired):
    """A statement that fails has crossed and was answered."""
    connection, proxy = wired
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("no such table")))
    assert crossed(proxy) == (1, 1)
