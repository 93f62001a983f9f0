"""Find which row of a refused batch was the bad one.

The server says what is wrong but not where: a statement over arrays has no line numbers. The first
bad row is found by writing ever closer prefixes of the batch and rolling each back, some fourteen
attempts for ten thousand rows, and only after a failure. Where COPY gave a line, that is taken.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from ava.db.query import Query
from ava.errors import BadValueError

REFUSALS = (psycopg.DataError, psycopg.IntegrityError)
Write = Callable[[int], Awaitable[Any]]

_LINE = re.compile(r"^COPY \S+, line (\d+)(?:, column (\w+))?", re.MULTILINE)
_CONSTRAINT_COLUMNS = Query(
    "constraint_columns",
    "The columns of a constraint of one table.",
    """
    SELECT attribute.attname AS name
    FROM pg_catalog.pg_constraint AS found
    JOIN pg_catalog.pg_attribute AS attribute
        ON attribute.attrelid = found.conrelid AND attribute.attnum = ANY(found.conkey)
    WHERE found.conrelid = to_regclass(quote_ident(%(table)s)) AND found.conname = %(constraint)s
    ORDER BY attribute.attnum
    LIMIT 32
    """,
)


@asynccontextmanager
async def atomic(conn: AsyncConnection[Any]) -> AsyncIterator[None]:
    """Make one statement all or nothing, and leave the caller's transaction usable if it fails.

    In autocommit a statement is atomic by itself, and BEGIN and COMMIT would cost two round trips.
    """
    if conn.autocommit and conn.info.transaction_status is TransactionStatus.IDLE:
        yield
        return
    async with conn.transaction():
        yield


async def first_refused(conn: AsyncConnection[Any], write: Write, rows: int) -> int:
    """Return the position of the first row without which `write(rows)` would not be refused."""
    good, bad = 0, rows
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            async with conn.transaction(force_rollback=True):
                await write(middle)
        except REFUSALS:
            bad = middle
        else:
            good = middle
    return bad - 1


async def blamed(
    conn: AsyncConnection[Any], table: str, error: psycopg.Error, row: int | None
) -> BadValueError:
    """Return the error that names the row and the column, as far as they can be known."""
    line = _LINE.search(error.diag.context or "")
    if line is not None and row is None:
        row = int(line[1]) - 1
    column = (line and line[2]) or error.diag.column_name
    if column is None and error.diag.constraint_name is not None:
        column = await _columns_of(conn, table, error.diag.constraint_name)
    where = "a row" if row is None else f"row {row}"
    said = error.diag.message_primary or str(error)
    return BadValueError(
        f"{where} of the batch for {table} was refused"
        f"{'' if column is None else f' for its {column}'}: {said}; nothing was written",
        row=row,
        column=column,
    )


async def _columns_of(conn: AsyncConnection[Any], table: str, constraint: str) -> str | None:
    if conn.info.transaction_status is TransactionStatus.INERROR:
        return None
    cursor = conn.cursor(row_factory=tuple_row)
    await cursor.execute(_CONSTRAINT_COLUMNS, {"table": table, "constraint": constraint})
    return ", ".join(name for (name,) in await cursor.fetchall()) or None
