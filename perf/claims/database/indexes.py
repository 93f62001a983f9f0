"""Row D5: what the documents' indexes bring, on tables with and without them.

The same statement runs on two copies of the same rows: `bare`, as the documents found the tables,
and `public`, with the migrations' indexes. Where a document gives a range each end is a claim, and
both are judged by one measurement.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from perf.claim import Plan, at_least, claim
from perf.claims.database.prepared import connect
from perf.claims.document import queries
from perf.instruments import Arm, Compare, explain
from perf.lab.lab import Lab
from perf.sample import Scale

SPORTS = ("nfl", "nba", "ncaa_football", "ncaa_basketball")
Statement = tuple[LiteralString | sql.Composed, Sequence[Any]]


def _arms(lab: Lab) -> tuple[psycopg.Connection[Any], psycopg.Connection[Any]]:
    database = str(lab.prepared["market"]["database"])
    return connect(lab, database, "bare"), connect(lab, database)


def _reader(connection: psycopg.Connection[Any], statements: Sequence[Statement]) -> Arm:
    def read() -> list[list[Any]]:
        return [connection.execute(text, values).fetchall() for text, values in statements]

    return Arm(read)


def _compare(
    lab: Lab,
    statements: Sequence[Statement],
    scale: Scale = Scale.RATIO,
    same: Callable[[Any, Any], bool] = operator.eq,
) -> Plan:
    bare, indexed = _arms(lab)
    plans = {
        "before": [explain(bare, text, values).raw for text, values in statements],
        "after": [explain(indexed, text, values).raw for text, values in statements],
    }
    facts = {
        "rows_in_tables": lab.prepared["market"]["rows"],
        "rtt_ms": 0,
        "before": "the statement on tables with primary keys only",
        "after": "the statement on tables with the migrations' indexes",
        "plans": plans,
    }
    before, after = _reader(bare, statements), _reader(indexed, statements)
    return Compare(before, after, same, scale, facts)


def _value(lab: Lab, statement: LiteralString) -> Any:
    """Return the one value a statement gives: whom to ask about is read from the data."""
    row = _arms(lab)[1].execute(statement).fetchone()
    if row is None:
        raise RuntimeError("the data set holds no row to ask about")
    return row[0]


@claim(
    id="D5.index.{sport}-status",
    rows=["D5"],
    title="Scheduled games of {sport} are found five times faster by (game_status, game_time)",
    source="000.9",
    target=at_least(5, "x"),
    needs=["market"],
    cases=[{"sport": sport.replace("_", "-")} for sport in SPORTS],
)
@claim(
    id="D5.index.{sport}-status-10x",
    rows=["D5"],
    title="Scheduled games of {sport} are found ten times faster by (game_status, game_time)",
    source="000.9",
    target=at_least(10, "x"),
    needs=["market"],
    cases=[{"sport": sport.replace("_", "-")} for sport in SPORTS],
)
def games_by_status(lab: Lab, sport: str) -> Plan:
    """Read the next fifty scheduled games."""
    table = sql.Identifier(f"{sport.replace('-', '_')}_games")
    return _compare(lab, [(sql.SQL(queries.SCHEDULED_GAMES).format(table=table), ())])


@claim(
    id="D5.index.watchlist-items",
    rows=["D5"],
    title="A watchlist's items are found five times faster by (watchlist_id, created_at)",
    source="000.9",
    target=at_least(5, "x"),
    needs=["market"],
)
@claim(
    id="D5.index.watchlist-items-10x",
    rows=["D5"],
    title="A watchlist's items are found ten times faster by (watchlist_id, created_at)",
    source="000.9",
    target=at_least(10, "x"),
    needs=["market"],
)
def watchlist_items(lab: Lab) -> Plan:
    """Read a watchlist of median length."""
    typical = _value(
        lab,
        "SELECT (array_agg(id ORDER BY n, id))[count(*) / 2 + 1]"
        " FROM (SELECT watchlist_id AS id, count(*) AS n FROM watchlist_items GROUP BY 1) AS lists",
    )
    return _compare(lab, [(queries.WATCHLIST_ITEMS, (typical,))])


@claim(
    id="D5.index.market-predictions",
    rows=["D5"],
    title="A market's predictions are found five times faster by (market_id, overall_rank)",
    source="000.9",
    target=at_least(5, "x"),
    needs=["market"],
)
@claim(
    id="D5.index.market-predictions-10x",
    rows=["D5"],
    title="A market's predictions are found ten times faster by (market_id, overall_rank)",
    source="000.9",
    target=at_least(10, "x"),
    needs=["market"],
)
def market_predictions(lab: Lab) -> Plan:
    """Read the predictions of a market that has a median number of them."""
    typical = _value(
        lab,
        "SELECT (array_agg(id ORDER BY n, id))[count(*) / 2 + 1]"
        " FROM (SELECT market_id AS id, count(*) AS n FROM kalshi_predictions GROUP BY 1) AS each",
    )
    return _compare(lab, [(queries.MARKET_PREDICTIONS, (typical,))])


@claim(
    id="D5.index.dashboard",
    rows=["D5"],
    profiles=("full",),
    title="The dashboard's three queries take at least 20 % less time with the indexes",
    source="002.2",
    target=at_least(20, "%"),
    needs=["market"],
)
@claim(
    id="D5.index.dashboard-30",
    rows=["D5"],
    profiles=("full",),
    title="The dashboard's three queries take at least 30 % less time with the indexes",
    source="002.2",
    target=at_least(30, "%"),
    needs=["market"],
)
def dashboard(lab: Lab) -> Plan:
    """Read activity, portfolio history and alerts, one after the other."""
    statements = (queries.ACTIVITY, queries.PORTFOLIO_HISTORY, queries.ALERTS)
    return _compare(lab, [(text, ()) for text in statements], Scale.SAVING, _same_lengths)


def _same_lengths(one: Sequence[Sequence[Any]], other: Sequence[Sequence[Any]]) -> bool:
    """Compare results of queries whose ORDER BY leaves ties: at a LIMIT tied rows may differ."""
    return [len(rows) for rows in one] == [len(rows) for rows in other]


@claim(
    id="D5.index.signals",
    rows=["D5", "T5"],
    title="Signal queries take at least 30 % less time with the indexes",
    source="003.7",
    target=at_least(30, "%"),
    needs=["market"],
)
@claim(
    id="D5.index.signals-40",
    rows=["D5", "T5"],
    title="Signal queries take at least 40 % less time with the indexes",
    source="003.7",
    target=at_least(40, "%"),
    needs=["market"],
)
def signals(lab: Lab) -> Plan:
    """Read a symbol's signals, its hit rate, and the newest of all."""
    symbol = _value(lab, "SELECT symbol FROM signals GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")
    statements: list[Statement] = [
        (queries.SIGNALS_BY_SYMBOL, (symbol,)),
        (queries.SIGNALS_BY_OUTCOME, (symbol,)),
        (queries.SIGNALS_RECENT, ()),
    ]
    return _compare(lab, statements, Scale.SAVING)


@claim(
    id="D5.index.timestamps",
    rows=["D5"],
    title="The newest predictions are found three times faster by an index on the timestamp",
    source="004 PERF-005",
    target=at_least(3, "x"),
    needs=["market"],
)
@claim(
    id="D5.index.timestamps-5x",
    rows=["D5"],
    title="The newest predictions are found five times faster by an index on the timestamp",
    source="004 PERF-005",
    target=at_least(5, "x"),
    needs=["market"],
)
def timestamps(lab: Lab) -> Plan:
    """Read the hundred newest predictions."""
    return _compare(lab, [(queries.PREDICTIONS_RECENT, ())])
