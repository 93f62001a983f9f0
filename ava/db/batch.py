"""Many rows, one statement.

Rows are mappings with exactly the table's columns. A batch travels as one typed array a column;
above `COPY_ABOVE` rows a plain insert streams by COPY, and above `STAGE_ABOVE` an upsert or an
update is copied to a staging table first, so an iterable of any length needs bounded memory.

A batch is written whole or not at all. A bad value is reported with its row and column, a key that
stands in the batch twice with both rows: which of them would win is never left to chance. On a
connection in autocommit the batch commits by itself; inside a transaction it belongs to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from ava.db.batch_sql import BatchTable, Job, OnConflict, Via, insert_job, update_job
from ava.db.blame import REFUSALS, atomic, blamed, first_refused
from ava.db.columns import gather
from ava.db.query import Query
from ava.db.staging import copy_rows, repeat, staged
from ava.errors import DuplicateKeyError

__all__ = ["BatchResult", "BatchTable", "insert_many", "update_many"]

COPY_ABOVE = 500
STAGE_ABOVE = 10_000

BatchRow: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch did; `skipped` rows were there already, or matched nothing to update."""

    inserted: int = 0
    updated: int = 0
    skipped: int = 0


async def insert_many(
    conn: AsyncConnection[Any],
    table: BatchTable,
    rows: Iterable[BatchRow],
    on_conflict: OnConflict = None,
    *,
    large: int | None = None,
) -> BatchResult:
    """Insert rows; on a conflict of the key fail, do nothing, or update the named columns.

    `large` is the number of rows above which COPY is used. Raises BadValueError and
    DuplicateKeyError.
    """
    default = COPY_ABOVE if on_conflict is None else STAGE_ABOVE
    head, everything = _split(rows, default if large is None else large)
    if everything is None:
        return await _by_arrays(conn, insert_job(table, on_conflict, Via.ARRAYS), head)
    if on_conflict is None:
        return await _by_copy(conn, table, everything)
    return await _by_stage(conn, insert_job(table, on_conflict, Via.STAGE), everything)


async def update_many(  # noqa: PLR0913 - the parts of one UPDATE, all but two by keyword
    conn: AsyncConnection[Any],
    table: BatchTable,
    rows: Iterable[BatchRow],
    *,
    key: Sequence[str],
    set: Sequence[str],  # noqa: A002 - reads as the clause it fills
    large: int | None = None,
) -> BatchResult:
    """Update the columns `set` of the rows that `key` identifies; each row holds just these.

    `large` is the number of rows above which COPY is used. Raises BadValueError and
    DuplicateKeyError.
    """
    head, everything = _split(rows, STAGE_ABOVE if large is None else large)
    if everything is None:
        return await _by_arrays(conn, update_job(table, key, set, Via.ARRAYS), head)
    return await _by_stage(conn, update_job(table, key, set, Via.STAGE), everything)


def _split(rows: Iterable[BatchRow], most: int) -> tuple[list[BatchRow], Iterable[BatchRow] | None]:
    """Return a batch of at most `most` rows, or else an iterable of all of the larger one."""
    source = iter(rows)
    head = list(islice(source, most + 1))
    return head, (chain(head, source) if len(head) > most else None)


async def _by_arrays(conn: AsyncConnection[Any], job: Job, rows: Sequence[BatchRow]) -> BatchResult:
    if not rows:
        return BatchResult()
    given = gather(job.columns, rows)
    arrays = {column.name: column.array(given[column.name]) for column in job.columns}
    _refuse_repeats(job, arrays)

    async def write(first: int) -> BatchResult:
        part = {name: values[:first] for name, values in arrays.items()}
        return await _run(conn, job.statement, part, first)

    try:
        async with atomic(conn):
            return await write(len(rows))
    except REFUSALS as error:
        for column in job.columns:
            column.checked(given[column.name])
        row = await first_refused(conn, write, len(rows))
        raise await blamed(conn, job.table.name, error, row) from error


async def _by_copy(
    conn: AsyncConnection[Any], table: BatchTable, rows: Iterable[BatchRow]
) -> BatchResult:
    try:
        async with atomic(conn):
            count = await copy_rows(conn, table.name, tuple(table.columns.values()), rows)
    except REFUSALS as error:
        raise await blamed(conn, table.name, error, None) from error
    return BatchResult(inserted=count)


async def _by_stage(conn: AsyncConnection[Any], job: Job, rows: Iterable[BatchRow]) -> BatchResult:
    async def write(first: int) -> BatchResult:
        return await _run(conn, job.statement, {"below": first}, first)

    try:
        async with conn.transaction(), staged(conn, job.columns, rows) as count:
            repeated = await repeat(conn, job.key)
            if repeated is not None:
                raise _repeated(job, repeated)
            try:
                async with conn.transaction():
                    return await write(count)
            except REFUSALS as error:
                row = await first_refused(conn, write, count)
                raise await blamed(conn, job.table.name, error, row) from error
    except REFUSALS as error:
        raise await blamed(conn, job.table.name, error, None) from error


async def _run(
    conn: AsyncConnection[Any], statement: Query, params: Mapping[str, Any], rows: int
) -> BatchResult:
    cursor = conn.cursor(row_factory=dict_row)
    # Not prepared: a plan kept for an array of ten would serve one of ten thousand.
    await cursor.execute(statement, params, prepare=False)
    if cursor.description is None:
        return BatchResult(inserted=cursor.rowcount, skipped=rows - cursor.rowcount)
    (answer,) = await cursor.fetchall()
    return BatchResult(
        inserted=answer.get("inserted", 0),
        updated=answer["updated"],
        skipped=rows - answer["matched"] if "matched" in answer else 0,
    )


def _refuse_repeats(job: Job, arrays: Mapping[str, Sequence[Any]]) -> None:
    seen: dict[tuple[Any, ...], int] = {}
    for row, values in enumerate(zip(*(arrays[name] for name in job.key), strict=True)):
        first = seen.setdefault(values, row)
        if first != row and None not in values:  # NULL is no key: it equals nothing
            raise _repeated(job, (first, row))


def _repeated(job: Job, rows: tuple[int, ...]) -> DuplicateKeyError:
    positions = " and ".join(map(str, rows))
    return DuplicateKeyError(
        f"rows {positions} of the batch for {job.table.name} have the same {', '.join(job.key)}; "
        "nothing was written, decide which one is right",
        rows=rows,
    )
