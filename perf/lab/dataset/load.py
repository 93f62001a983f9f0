"""Loading tables into PostgreSQL by COPY, the whole of it or nothing.

Everything goes in one transaction, so a load that fails leaves the database as it was. Afterwards
identity sequences continue behind the highest id and the tables are analysed. The data set goes
into empty tables only, since its ids would clash with others; a parent wanted for its foreign keys
alone is left as it is when it has rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from perf.lab.dataset.generate import generate
from perf.lab.dataset.sizes import Size
from perf.lab.dataset.table import Table

Connection = psycopg.Connection[Any]

_PARENTS = """
SELECT child.relname, parent.relname
FROM pg_catalog.pg_constraint AS key
JOIN pg_catalog.pg_class AS child ON child.oid = key.conrelid
JOIN pg_catalog.pg_class AS parent ON parent.oid = key.confrelid
WHERE key.contype = 'f' AND pg_catalog.pg_table_is_visible(child.oid)
"""
_IDENTITIES = """
SELECT class.relname, attribute.attname
FROM pg_catalog.pg_attribute AS attribute
JOIN pg_catalog.pg_class AS class ON class.oid = attribute.attrelid
WHERE attribute.attidentity <> '' AND pg_catalog.pg_table_is_visible(class.oid)
    AND class.relname = ANY(%s)
"""


class LoadError(Exception):
    """Rows could not be loaded; nothing of them is in the database."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was loaded: rows of each table, in the order they went in, and how long it took."""

    rows: Mapping[str, int]
    seconds: float


def load(  # noqa: PLR0913 - what to load is said by name
    target: str | Connection,
    size: Size,
    *,
    seed: int,
    today: date | None = None,
    tables: Collection[str] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> LoadReport:
    """Generate the data set and load it into a database that has the schema.

    `target` is a connection or what opens one. Without `today` the server's CURRENT_DATE is taken,
    which its queries will compare with. With `tables` only these are loaded, and the tables they
    reference where those are empty. Raises LoadError.
    """
    with _connected(target) as connection, _explained():
        as_of = today or _current_date(connection)
        wanted = list(generate(size, seed=seed, today=as_of))
        if tables is not None:
            wanted = _selected(connection, wanted, tables)
        for table in wanted:
            if _has_rows(connection, table.name):
                raise LoadError(f"table {table.name} holds rows already; load into an empty one")
        return _load(connection, wanted, clock)


def load_rows(
    target: str | Connection,
    tables: Iterable[Table],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> LoadReport:
    """Load tables in the order given, parents first; they may hold other rows. Raises LoadError."""
    with _connected(target) as connection, _explained():
        return _load(connection, tables, clock)


def _load(
    connection: Connection,
    tables: Iterable[Table],
    clock: Callable[[], float],
) -> LoadReport:
    started = clock()
    rows: dict[str, int] = {}
    with _whole(connection):
        for table in tables:
            rows[table.name] = rows.get(table.name, 0) + _copy(connection, table)
        _continue_sequences(connection, rows)
    _analyse(connection, rows)
    return LoadReport(rows, clock() - started)


def _copy(connection: Connection, table: Table) -> int:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for chunk in table.chunks():
                copy.write(chunk)
        return cursor.rowcount


def _selected(connection: Connection, tables: list[Table], names: Collection[str]) -> list[Table]:
    unknown = set(names) - {table.name for table in tables}
    if unknown:
        raise LoadError(f"the data set has no table {', '.join(sorted(unknown))}")
    parents = connection.execute(_PARENTS).fetchall()
    needed = set(names)
    while missing := {parent for child, parent in parents if child in needed} - needed:
        needed |= missing
    return [
        table
        for table in tables
        if table.name in names or (table.name in needed and not _has_rows(connection, table.name))
    ]


def _continue_sequences(connection: Connection, names: Collection[str]) -> None:
    for table, column in connection.execute(_IDENTITIES, [list(names)]).fetchall():
        connection.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), max({})) FROM {}").format(
                sql.Literal(sql.Identifier(table).as_string(connection)),
                sql.Literal(column),
                sql.Identifier(column),
                sql.Identifier(table),
            )
        )


def _analyse(connection: Connection, names: Collection[str]) -> None:
    """Vacuum as well where that is possible: index-only scans need the visibility map."""
    alone = connection.autocommit and connection.info.transaction_status is TransactionStatus.IDLE
    verb = sql.SQL("VACUUM (ANALYZE) {}" if alone else "ANALYZE {}")
    if names:
        connection.execute(verb.format(sql.SQL(", ").join(map(sql.Identifier, names))))


def _has_rows(connection: Connection, name: str) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(name))
    return bool(_value(connection, query))


def _current_date(connection: Connection) -> date:
    value = _value(connection, sql.SQL("SELECT CURRENT_DATE"))
    assert isinstance(value, date)  # noqa: S101 - the server's own type
    return value


def _value(connection: Connection, query: sql.SQL | sql.Composed) -> object:
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def _whole(connection: Connection) -> AbstractContextManager[object]:
    """Return the transaction to load in: the caller's own where the connection is not autocommit.

    That one is the caller's to commit; nothing of a failed load can be committed in it.
    """
    return connection.transaction() if connection.autocommit else nullcontext()


@contextmanager
def _connected(target: str | Connection) -> Iterator[Connection]:
    if not isinstance(target, str):
        yield target
        return
    try:
        connection = psycopg.connect(target, autocommit=True)
    except psycopg.Error as error:
        # Not chained and not quoted: the driver's text may hold the address with its password.
        raise LoadError(
            f"cannot connect to the database ({type(error).__name__}); "
            "check the address and that the server runs"
        ) from None
    with connection:
        yield connection


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        where = f" (table {error.diag.table_name})" if error.diag.table_name else ""
        said = error.diag.message_primary or type(error).__name__
        detail = error.diag.message_detail
        raise LoadError(f"{said}{where}{f': {detail}' if detail else ''}") from error
