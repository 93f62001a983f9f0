"""Where the documents are wrong: each claim runs the example that must occur if they are.

Everything here is the documents' own code and statements on the smallest data that shows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
from psycopg import errors

from perf.claim import Plan, claim, counter_example
from perf.claims.document import monitoring
from perf.claims.document.odds import DocumentOdds, sync_by_loop
from perf.instruments import Occurrence, Witness
from perf.lab.lab import Lab

_GAMES = """
    CREATE TABLE games (home_team text, away_team text, game_status text, moneyline_home int,
        moneyline_away int, spread_home numeric, spread_odds_home int, spread_odds_away int,
        over_under numeric, over_odds int, under_odds int, last_synced timestamptz)
"""


def _fresh(lab: Lab) -> psycopg.Connection[Any]:
    return lab.keep(psycopg.connect(lab.dsn(lab.create_database()), autocommit=True))


def _rolled_back(connection: psycopg.Connection[Any], example: Callable[[], Occurrence]) -> Witness:
    """Return a witness that leaves nothing behind, so that it can be run twice."""

    def run() -> Occurrence:
        with connection.transaction(force_rollback=True):
            return example()

    return Witness(run)


@claim(
    id="D5.refuted.current-date-index-predicate",
    rows=["D5"],
    title="An index cannot be limited to the last 365 days by CURRENT_DATE",
    source="002.2",
    target=counter_example(),
)
def current_date_predicate(lab: Lab) -> Plan:
    """Run the document's CREATE INDEX on the document's table."""
    connection = _fresh(lab)

    def example() -> Occurrence:
        connection.execute("CREATE TABLE portfolio_history (date date, portfolio_value numeric)")
        message = _error_of(connection, monitoring.DATE_RANGE_INDEX, errors.InvalidObjectDefinition)
        return Occurrence(
            message is not None,
            "PostgreSQL refuses the statement: a predicate must be immutable, CURRENT_DATE is not",
            {"sql": {"before": monitoring.DATE_RANGE_INDEX}, "server": message},
        )

    return _rolled_back(connection, example)


@claim(
    id="D8.refuted.bloat-always-zero",
    rows=["D8"],
    title="get_table_bloat() reports 0 % for a table of which nine tenths are dead",
    source="002 migration 007",
    target=counter_example(),
)
def bloat_always_zero(lab: Lab) -> Plan:
    """Delete nine tenths of a table and ask the document's function."""
    connection = _fresh(lab)
    connection.execute(monitoring.TABLE_BLOAT)
    connection.execute(
        "CREATE TABLE quotes AS SELECT g AS id, 'x' AS t FROM generate_series(1, 20000) g"
    )
    connection.execute("DELETE FROM quotes WHERE id % 10 <> 0")

    def example() -> Occurrence:
        row = connection.execute(
            "SELECT bloat_pct, recommendation FROM get_table_bloat() "
            "WHERE table_name = 'public.quotes'"
        ).fetchone()
        reported = None if row is None else float(row[0])
        return Occurrence(
            reported == 0,
            "it subtracts the main fork's size from itself, so the answer is 0 whatever the table",
            {"reported_pct": reported, "dead_pct": 90, "recommendation": row and row[1]},
        )

    return Witness(example)


@claim(
    id="D8.refuted.unused-indexes-fails",
    rows=["D8"],
    title="check_unused_indexes() as printed fails at its first call",
    source="002 migration 007",
    target=counter_example(),
)
def unused_indexes_fails(lab: Lab) -> Plan:
    """Create the document's function and call it."""
    connection = _fresh(lab)

    def example() -> Occurrence:
        connection.execute(monitoring.UNUSED_INDEXES)
        call: LiteralString = "SELECT * FROM check_unused_indexes()"
        message = _error_of(connection, call, errors.UndefinedColumn)
        return Occurrence(
            message is not None,
            "pg_stat_user_indexes has relname and indexrelname, not tablename and indexname",
            {"server": message},
        )

    return _rolled_back(connection, example)


@claim(
    id="D8.refuted.unused-indexes-names-keys",
    rows=["D8"],
    title="check_unused_indexes(), its column names mended, offers primary keys for dropping",
    source="002 migration 007",
    target=counter_example(),
)
def unused_indexes_names_keys(lab: Lab) -> Plan:
    """Let the mended function look at a table with a key and a unique constraint."""
    connection = _fresh(lab)

    def example() -> Occurrence:
        connection.execute(monitoring.UNUSED_INDEXES_RUNNABLE)
        connection.execute("CREATE TABLE orders (id bigint PRIMARY KEY, number text UNIQUE)")
        rows = connection.execute("SELECT index_name FROM check_unused_indexes()").fetchall()
        names = sorted(row[0] for row in rows)
        return Occurrence(
            "orders_pkey" in names,
            "an index that enforces a constraint is needed even if no query has read it",
            {"listed": names},
        )

    return _rolled_back(connection, example)


@claim(
    id="D8.refuted.foreign-key-by-substring",
    rows=["D8"],
    title="The foreign-key check takes an index on user_id for one on id",
    source="002.8",
    target=counter_example(),
)
def foreign_key_by_substring(lab: Lab) -> Plan:
    """Give a table a foreign key `id` without an index, and an index on `user_id`."""
    connection = _fresh(lab)

    def example() -> Occurrence:
        connection.execute("CREATE TABLE parents (id bigint PRIMARY KEY)")
        connection.execute("CREATE TABLE children (id bigint REFERENCES parents, user_id bigint)")
        connection.execute("CREATE INDEX ON children (user_id)")
        rows = connection.execute(monitoring.FOREIGN_KEYS_WITHOUT_INDEX).fetchall()
        return Occurrence(
            rows == [],
            "children.id has no index, yet the check lists nothing: '%id%' occurs in 'user_id'",
            {"listed": [list(row) for row in rows], "expected": ["children.id"]},
        )

    return _rolled_back(connection, example)


def _odds(home: str, away: str) -> DocumentOdds:
    return DocumentOdds(home, away, -150, 130, -3.5, -110, -110, 44.5, -110, -110)


def _updated_games(
    connection: psycopg.Connection[Any], games: list[tuple[str, str]], odds: DocumentOdds
) -> list[str]:
    """Return the games the document's update touched."""
    connection.execute(_GAMES)
    for home, away in games:
        connection.execute("INSERT INTO games VALUES (%s, %s, 'scheduled')", (home, away))
    sync_by_loop(connection, "games", [odds])
    rows = connection.execute(
        "SELECT home_team || ' v ' || away_team FROM games WHERE moneyline_home IS NOT NULL"
    ).fetchall()
    return sorted(row[0] for row in rows)


@claim(
    id="D3.refuted.last-word-hits-wrong-game",
    rows=["D3"],
    title="Matching by the team's last word puts the odds on another game",
    source="002.7",
    target=counter_example(),
)
def last_word_wrong_game(lab: Lab) -> Plan:
    """Sync Auburn Tigers' odds when only the LSU Tigers play."""
    connection = _fresh(lab)

    def example() -> Occurrence:
        odds = _odds("Auburn Tigers", "Georgia Bulldogs")
        touched = _updated_games(connection, [("LSU Tigers", "Mississippi State Bulldogs")], odds)
        return Occurrence(
            touched == ["LSU Tigers v Mississippi State Bulldogs"],
            "the odds of Auburn v Georgia were written to LSU v Mississippi State",
            {"odds_for": "Auburn Tigers v Georgia Bulldogs", "updated": touched},
        )

    return _rolled_back(connection, example)


@claim(
    id="D3.refuted.last-word-hits-two-games",
    rows=["D3"],
    title="Matching by the team's last word updates two games with the odds of one",
    source="002.7",
    target=counter_example(),
)
def last_word_two_games(lab: Lab) -> Plan:
    """Sync one game of Wildcats against Tigers when two such games are scheduled."""
    connection = _fresh(lab)

    def example() -> Occurrence:
        games = [("Kentucky Wildcats", "Missouri Tigers"), ("Arizona Wildcats", "Memphis Tigers")]
        touched = _updated_games(connection, games, _odds(*games[0]))
        return Occurrence(
            len(touched) > 1,
            "one game's odds were written to both",
            {"odds_for": " v ".join(games[0]), "updated": touched},
        )

    return _rolled_back(connection, example)


@claim(
    id="D7.refuted.interval-in-quotes",
    rows=["D7"],
    title="INTERVAL '%s days' with a bound parameter does not mean that many days",
    source="002.4",
    target=counter_example(),
)
def interval_in_quotes(lab: Lab) -> Plan:
    """Ask the document's query for 30 days of a table that holds 30."""
    connection = _fresh(lab)
    days = 30

    def example() -> Occurrence:
        connection.execute(
            "CREATE TABLE portfolio_history AS SELECT CURRENT_DATE - g AS date, "
            "1 AS portfolio_value, 0 AS day_change, 0 AS day_change_pct "
            "FROM generate_series(0, 29) g"
        )
        rows, message = _rows_of(connection, monitoring.PORTFOLIO_HISTORY, (days,))
        return Occurrence(
            rows != days,
            "the placeholder stands inside a string: the server sees '$1 days', not 30",
            {"days_asked": days, "rows_returned": rows, "rows_there": days, "server": message},
        )

    return _rolled_back(connection, example)


@claim(
    id="D9.refuted.decorator-takes-self-for-query",
    rows=["D9"],
    title="The timing decorator takes self for the query, and fails on the first slow one",
    source="002.10",
    target=counter_example(),
)
def decorator_takes_self(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Decorate a method, as the document says to, and let it be slow."""

    class Manager:
        @monitoring.track_query_performance
        def execute_query(self, query: str) -> str:
            time.sleep(1.05)  # the decorator reads the wall clock itself
            return query

    def example() -> Occurrence:
        failure = None
        try:
            Manager().execute_query("SELECT 1")
        except TypeError as error:
            failure = str(error)
        return Occurrence(
            failure is not None and "Manager" in failure,
            "args[0] of a method is self; slicing it raises, so the slow query's result is lost",
            {"raised": failure},
        )

    return Witness(example, repeats=1)


def _error_of(
    connection: psycopg.Connection[Any], statement: LiteralString, expected: type[psycopg.Error]
) -> str | None:
    """Return the server's message when `statement` fails as expected, None when it succeeds."""
    try:
        with connection.transaction():
            connection.execute(statement)
    except expected as error:
        return str(error).splitlines()[0]
    return None


def _rows_of(
    connection: psycopg.Connection[Any], statement: LiteralString, parameters: tuple[Any, ...]
) -> tuple[int | None, str | None]:
    """Return how many rows a statement gives, or None and the server's message."""
    try:
        with connection.transaction():
            return len(connection.execute(statement, parameters).fetchall()), None
    except psycopg.Error as error:
        return None, str(error).splitlines()[0]
