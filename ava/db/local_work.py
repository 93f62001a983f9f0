"""What the local store does on a connection: each verb once, for both of its faces.

A write is one transaction that takes the write lock at its start, since one taken later can be
refused at once when another process wrote in between. A list is bounded and continues after the
key of the last row; a page says whether there is more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Generic, cast

from ava.db.local_rows import (
    LARGEST,
    Bar,
    Position,
    Prediction,
    R,
    Row,
    Trade,
    Value,
    from_values,
    to_values,
)
from ava.db.page_cursor import KeyValue, decode, encode
from ava.db.query import Query, load, sql_directory
from ava.errors import AvaError, BadCursorError, BadLimitError

MAX_LIMIT = 1000


class TradeConflictError(AvaError):
    """A trade of that id is stored already, and is another trade."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """A list there is: its statement, what its rows are, the columns of its order.

    `first` lies before every row in that order.
    """

    query: str
    kind: type[R]
    key: tuple[str, ...]
    first: tuple[int | str, ...]


LATEST_BARS = Listing("latest_bars", Bar, ("timestamp",), (LARGEST,))
BARS_BETWEEN = Listing("bars_between", Bar, ("timestamp", "symbol"), (-LARGEST, ""))
RECENT_PREDICTIONS = Listing(
    "recent_predictions", Prediction, ("timestamp", "symbol", "model"), (LARGEST, "", "")
)
RECENT_TRADES = Listing("recent_trades", Trade, ("executed_at", "trade_id"), (LARGEST, ""))
POSITIONS = Listing("positions", Position, ("symbol",), ("",))


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows in order, and the cursor of the page after them; None when these are the last."""

    rows: tuple[R, ...]
    next_cursor: str | None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock until the end, and undo everything if anything is raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.rollback()


def put_bars(connection: sqlite3.Connection, bars: Iterable[Bar]) -> int:
    """Store bars; return how many."""
    return _put(connection, "put_bar", bars)


def put_predictions(connection: sqlite3.Connection, predictions: Iterable[Prediction]) -> int:
    """Store predictions; return how many."""
    return _put(connection, "put_prediction", predictions)


def put_position(connection: sqlite3.Connection, position: Position) -> None:
    """Store what is held now."""
    _put(connection, "put_position", [position])


def put_trade(connection: sqlite3.Connection, trade: Trade) -> bool:
    """Store a trade; return False where the very same was stored before.

    Raises TradeConflictError where its id belongs to a different one.
    """
    values = to_values(trade)
    with transaction(connection):
        if connection.execute(statement("put_trade"), values).rowcount:
            return True
        stored = connection.execute(statement("trade"), {"trade_id": trade.trade_id}).fetchone()
    if stored != tuple(values.values()):
        raise TradeConflictError(
            f"trade {trade.trade_id!r} is stored already with other contents; "
            "give each trade an id of its own"
        )
    return False


def page(
    connection: sqlite3.Connection,
    listing: Listing[R],
    limit: int,
    cursor: str | None,
    given: Mapping[str, Value],
) -> Page[R]:
    """Return at most `limit` rows, those after `cursor` where one is given.

    `given` fills the statement's parameters. Raises BadLimitError outside 1..MAX_LIMIT and
    BadCursorError for a cursor this list never gave.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise BadLimitError(f"a page holds 1 to {MAX_LIMIT} rows, not {limit}; ask for fewer")
    after: tuple[KeyValue, ...] = listing.first
    if cursor is not None:
        after = decode(cursor, listing.query)
    if [*map(type, after)] != [*map(type, listing.first)]:
        raise BadCursorError(f"the cursor does not fit the order of {listing.query}; start again")
    bound = {f"after_{number}": value for number, value in enumerate(after)}
    values = {**given, **bound, "limit": limit + 1}
    found = connection.execute(statement(listing.query), values).fetchall()
    rows = tuple(from_values(listing.kind, each) for each in found[:limit])
    if len(found) <= limit:
        return Page(rows, None)
    last = to_values(rows[-1])
    return Page(
        rows, encode(listing.query, [cast("int | str", last[name]) for name in listing.key])
    )


def _put(connection: sqlite3.Connection, name: str, rows: Iterable[Row]) -> int:
    values = [to_values(row, number) for number, row in enumerate(rows)]
    if values:
        with transaction(connection):
            connection.executemany(statement(name), values)
    return len(values)


def statement(name: str) -> str:
    """Return the text of a named statement of `sql/local/queries`."""
    return _statements()[name].sql


@cache
def _statements() -> Mapping[str, Query]:
    return load(sql_directory() / "local" / "queries")
