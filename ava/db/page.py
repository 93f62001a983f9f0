"""Pages of long lists, by the key of the last row seen.

An OFFSET reads and drops all earlier rows, and shifts when rows are inserted; a bare LIMIT drops
rows in silence. Here a page continues after a key: its cost does not grow with its number, rows
inserted meanwhile neither repeat nor hide others, and a page says whether there is more.

The statement stays in its `.sql` file, complete as it is for the first page: it marks with
`/* after */` where the next pages' condition goes, and ends with `ORDER BY ... LIMIT %(limit)s`.
The order must end in columns that make it unique. A column that can be null says so by
`NULLS FIRST` or `NULLS LAST`; all others are taken to be NOT NULL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from psycopg import sql

from ava.db.connection import Row, Source, fetch_from
from ava.db.page_cursor import KeyValue, decode, encode
from ava.db.query import Query
from ava.errors import BadCursorError, BadLimitError, QueryFileError

MAX_LIMIT = 1000
MARK = "/* after */"

_TAIL = re.compile(r"\bORDER\s+BY\s+(?P<keys>[^()]+?)\s+LIMIT\s+%\(limit\)s\s*\Z", re.IGNORECASE)
_KEY = re.compile(
    r"\s*(?:(?P<table>\w+)\.)?(?P<column>\w+)(?:\s+(?P<direction>ASC|DESC))?"
    r"(?:\s+NULLS\s+(?P<nulls>FIRST|LAST))?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and the cursor of the page after them; None when these are the last."""

    rows: list[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """One column of a list's order; `nulls_first` is None for a column that is never null."""

    column: str
    table: str | None
    descending: bool
    nulls_first: bool | None

    @property
    def identifier(self) -> sql.Identifier:
        """Return the column as the statement knows it."""
        return sql.Identifier(*filter(None, (self.table, self.column)))


async def fetch_page(
    source: Source,
    query: Query,
    params: Mapping[str, Any] | None = None,
    *,
    limit: int,
    cursor: str | None = None,
) -> Page:
    """Return at most `limit` rows of `query`, those after `cursor` where one is given.

    Raises BadLimitError outside 1..MAX_LIMIT and BadCursorError for a cursor this list never gave.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise BadLimitError(f"a page holds 1 to {MAX_LIMIT} rows, not {limit}; ask for fewer")
    keys = keys_of(query)
    statement, given = query, {**(params or {}), "limit": limit + 1}
    if cursor is not None:
        values = decode(cursor, query.name)
        statement = _continued(query, keys, values)
        given |= {f"after_{number}": value for number, value in enumerate(values)}
    rows = await fetch_from(source, statement, given)
    if len(rows) <= limit:
        return Page(rows, None)
    del rows[limit:]
    return Page(rows, encode(query.name, _position(query, keys, rows[-1])))


@lru_cache(maxsize=256)
def keys_of(query: Query) -> tuple[Key, ...]:
    """Return the columns a statement is ordered by; raise QueryFileError if it cannot be paged."""
    tail = _TAIL.search(query.sql)
    if tail is None or query.sql.count(MARK) != 1:
        raise QueryFileError(
            f"{query.file}: {query.name} cannot be paged; mark the place of the condition with "
            f"{MARK} and end with ORDER BY columns LIMIT %(limit)s"
        )
    return tuple(_key(query, text) for text in tail["keys"].split(","))


def after(keys: Sequence[Key], values: Sequence[KeyValue]) -> sql.Composable:
    """Return the condition "strictly after the row with these key values".

    Columns of one direction without nulls compare as one row, which an index serves directly.
    Otherwise it is spelled out, led by a bound on the first column that an index can use.
    """
    places = [sql.Placeholder(f"after_{number}") for number in range(len(keys))]
    if len({key.descending for key in keys}) == 1 and all(key.nulls_first is None for key in keys):
        columns = sql.SQL(", ").join(key.identifier for key in keys)
        sign = sql.SQL("<" if keys[0].descending else ">")
        return sql.SQL("({}) {} ({})").format(columns, sign, sql.SQL(", ").join(places))
    cases: list[sql.Composable] = []
    for number, key in enumerate(keys):
        tied = [_same(keys[earlier], values[earlier], places[earlier]) for earlier in range(number)]
        cases.append(sql.SQL(" AND ").join([*tied, _beyond(key, values[number], places[number])]))
    spelled = sql.SQL("({})").format(sql.SQL(" OR ").join(cases))
    if keys[0].nulls_first is not None:
        return spelled
    sign = sql.SQL("<=" if keys[0].descending else ">=")
    return sql.SQL("{} {} {} AND {}").format(keys[0].identifier, sign, places[0], spelled)


def _same(key: Key, value: KeyValue, place: sql.Placeholder) -> sql.Composable:
    if value is None:
        return sql.SQL("{} IS NULL").format(key.identifier)
    return sql.SQL("{} = {}").format(key.identifier, place)


def _beyond(key: Key, value: KeyValue, place: sql.Placeholder) -> sql.Composable:
    if value is None:
        return sql.SQL("{} IS NOT NULL" if key.nulls_first else "false").format(key.identifier)
    sign = sql.SQL("<" if key.descending else ">")
    beyond = sql.SQL("{} {} {}").format(key.identifier, sign, place)
    if key.nulls_first is False:
        return sql.SQL("({} OR {} IS NULL)").format(beyond, key.identifier)
    return beyond


def _continued(query: Query, keys: Sequence[Key], values: Sequence[KeyValue]) -> Query:
    wrong = len(keys) != len(values) or any(
        value is None and key.nulls_first is None for key, value in zip(keys, values, strict=False)
    )
    if wrong:
        raise BadCursorError(f"the cursor does not fit the order of {query.name}; start again")
    before, _, rest = query.sql.partition(MARK)
    condition = after(keys, values).as_string(None)
    return Query(query.name, query.description, f"{before}({condition}) AND{rest}", query.file)


def _position(query: Query, keys: Sequence[Key], row: Row) -> tuple[KeyValue, ...]:
    for key in keys:
        if key.column not in row:
            raise QueryFileError(f"{query.file}: {query.name} must select {key.column} to be paged")
        if row[key.column] is None and key.nulls_first is None:
            raise QueryFileError(
                f"{query.file}: {query.name} is ordered by {key.column}, which can be null; say "
                "NULLS FIRST or NULLS LAST"
            )
    return tuple(row[key.column] for key in keys)


def _key(query: Query, text: str) -> Key:
    match = _KEY.fullmatch(text)
    if match is None:
        raise QueryFileError(
            f"{query.file}: {query.name} is ordered by {text.strip()!r}; only columns can be paged"
        )
    nulls = match["nulls"]
    return Key(
        column=match["column"],
        table=match["table"],
        descending=(match["direction"] or "").upper() == "DESC",
        nulls_first=None if nulls is None else nulls.upper() == "FIRST",
    )
