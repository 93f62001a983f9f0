"""Rows streamed to the server by COPY, into the table itself or a staging table.

Rows are taken from the iterable a thousand at a time, so memory does not grow with the batch. The
staging table numbers its rows, which keeps the position of each one known to the end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import tuple_row

from ava.db import batch_sql
from ava.db.columns import Column, gather

CHUNK = 1000


async def copy_rows(
    conn: AsyncConnection[Any],
    target: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    numbered: bool = False,
) -> int:
    """Copy rows into `target` and return how many; `numbered` fills a first column from 0."""
    names = [*([batch_sql.ORDINAL] if numbered else []), *(column.name for column in columns)]
    count = 0
    async with conn.cursor().copy(batch_sql.copy(target, names)) as copying:
        for chunk in _chunks(rows):
            given = gather(columns, chunk, count)
            arrays = [column.array(given[column.name], count) for column in columns]
            if numbered:
                arrays.insert(0, range(count, count + len(chunk)))
            try:
                for values in zip(*arrays, strict=True):
                    await copying.write_row(values)
            except psycopg.DataError:
                for column in columns:
                    column.checked(given[column.name], count)
                raise
            count += len(chunk)
    return count


@asynccontextmanager
async def staged(
    conn: AsyncConnection[Any], columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]
) -> AsyncIterator[int]:
    """Fill the staging table for the length of the block, which gets the number of rows."""
    await conn.execute(batch_sql.stage(columns))
    yield await copy_rows(conn, batch_sql.STAGE, columns, rows, numbered=True)
    # Another batch of the same transaction will want the name.
    await conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(batch_sql.STAGE)))


async def repeat(conn: AsyncConnection[Any], key: Sequence[str]) -> tuple[int, ...] | None:
    """Return the positions of the first key staged more than once, None when all differ."""
    if not key:
        return None
    cursor = conn.cursor(row_factory=tuple_row)
    await cursor.execute(batch_sql.first_repeat(key))
    found = await cursor.fetchone()
    return None if found is None else tuple(found[0])


def _chunks(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        yield chunk
