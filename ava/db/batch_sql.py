"""The statements of a batch, composed from identifiers.

Each statement reads its rows from a relation called `batch`, which is either `unnest` of one typed
array a column or a staging table filled by COPY. The types are written out, because an array of
nothing but NULL has none of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from psycopg import sql

from ava.db.columns import Column
from ava.db.query import Query, built
from ava.errors import BadNameError

STAGE = "ava_batch_stage"
ORDINAL = "batch_row"
_PLACEHOLDER_MARKS = frozenset("%(){}\0")
OnConflict: TypeAlias = Literal["nothing"] | Sequence[str] | None


class Via(StrEnum):
    """How the rows reach the server."""

    ARRAYS = "arrays"
    STAGE = "stage"


@dataclass(frozen=True, slots=True)
class BatchTable:
    """A table that batches are written to: the columns given with each row, and their types.

    `key` names the columns that identify a row; a batch must not hold a key twice.
    """

    name: str
    types: Mapping[str, str]
    key: tuple[str, ...] = ()
    columns: Mapping[str, Column] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in (self.name, *self.types):
            _check_name(name)
        columns = {name: Column(name, kind) for name, kind in self.types.items()}
        object.__setattr__(self, "columns", columns)
        self.pick(self.key)

    def pick(self, names: Iterable[str]) -> tuple[Column, ...]:
        """Return the columns of these names; raise ValueError for one the table lacks."""
        names = tuple(names)
        unknown = [name for name in names if name not in self.columns]
        if unknown:
            raise ValueError(f"{self.name} has no column {', '.join(unknown)} for batches")
        return tuple(self.columns[name] for name in names)


def _check_name(name: str) -> None:
    """Refuse names that would read as a placeholder of the driver; all others are quoted."""
    refused = sorted(set(name) & _PLACEHOLDER_MARKS)
    if refused or not name:
        fault = f"it holds {refused[0]!r}" if refused else "it is empty"
        raise BadNameError(
            f"the name {name!r} cannot be used in a batch: {fault}; rename the column or table"
        )


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of write to one table: its statement, and the columns each row has."""

    table: BatchTable
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    statement: Query


def insert_job(table: BatchTable, on_conflict: OnConflict, via: Via) -> Job:
    """Return the insert of whole rows."""
    columns = tuple(table.columns.values())
    return Job(table, columns, table.key, insert(table, on_conflict, via))


def update_job(table: BatchTable, key: Sequence[str], assigned: Sequence[str], via: Via) -> Job:
    """Return the update by key of some columns."""
    columns = table.pick((*key, *assigned))
    return Job(table, columns, tuple(key), update(table, key, assigned, via))


def insert(table: BatchTable, on_conflict: OnConflict, via: Via) -> Query:
    """Return the insert; one that updates on conflict answers with what it did, in one row."""
    columns = tuple(table.columns.values())
    write = sql.SQL("INSERT INTO {table} ({names}) SELECT {names} FROM {batch}").format(
        table=sql.Identifier(table.name), names=_names(columns), batch=_batch(columns, via)
    )
    if on_conflict is None:
        return built(f"insert_many {table.name}", write)
    target = sql.SQL("({})").format(_names(table.pick(table.key))) if table.key else sql.SQL("")
    if on_conflict == "nothing":
        write += sql.SQL(" ON CONFLICT {} DO NOTHING").format(target)
        return built(f"insert_many {table.name}", write)
    if isinstance(on_conflict, str) or not on_conflict or not table.key:
        raise ValueError(
            f"an upsert of {table.name} needs a key and a list of columns to update; "
            f"the key is {table.key}, the columns {on_conflict!r}"
        )
    updates = sql.SQL(", ").join(
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column.name))
        for column in table.pick(on_conflict)
    )
    write += sql.SQL(" ON CONFLICT {} DO UPDATE SET {}").format(target, updates)
    # A row version nobody has locked or replaced has no xmax: it was inserted, not updated.
    counted = sql.SQL(
        "WITH written AS ({write} RETURNING (xmax = 0) AS fresh)"
        " SELECT count(*) FILTER (WHERE fresh) AS inserted,"
        " count(*) FILTER (WHERE NOT fresh) AS updated FROM written"
    ).format(write=write)
    return built(f"upsert_many {table.name}", counted)


def update(table: BatchTable, key: Sequence[str], assigned: Sequence[str], via: Via) -> Query:
    """Return the update by key; it answers with rows changed and batch rows that matched."""
    columns = table.pick((*key, *assigned))
    equal = sql.SQL(" AND ").join(
        sql.SQL("stored.{0} = batch.{0}").format(sql.Identifier(name)) for name in key
    )
    updates = sql.SQL(", ").join(
        sql.SQL("{0} = batch.{0}").format(sql.Identifier(name)) for name in assigned
    )
    composed = sql.SQL(
        "WITH changed AS (UPDATE {table} AS stored SET {updates}"
        " FROM (SELECT {names}, {ordinal} FROM {batch}) AS batch"
        " WHERE {equal} RETURNING batch.{ordinal})"
        " SELECT count(*) AS updated, count(DISTINCT {ordinal}) AS matched FROM changed"
    ).format(
        table=sql.Identifier(table.name),
        updates=updates,
        names=_names(columns),
        ordinal=sql.Identifier(ORDINAL),
        batch=_batch(columns, via),
        equal=equal,
    )
    return built(f"update_many {table.name}", composed)


def stage(columns: Sequence[Column]) -> sql.Composed:
    """Return the definition of the staging table, gone with its transaction."""
    defined = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.kind))
        for column in columns
    )
    return sql.SQL("CREATE TEMP TABLE {} ({} bigint NOT NULL, {}) ON COMMIT DROP").format(
        sql.Identifier(STAGE), sql.Identifier(ORDINAL), defined
    )


def copy(name: str, columns: Sequence[str]) -> Query:
    """Return the COPY that fills a table's columns from the client."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    composed = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), names)
    return built(f"copy {name}", composed)


def first_repeat(key: Sequence[str]) -> sql.Composed:
    """Return the search for the earliest key that stands in the staging table twice."""
    names = sql.SQL(", ").join(map(sql.Identifier, key))
    present = sql.SQL(" AND ").join(
        sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in key
    )
    return sql.SQL(
        "SELECT array_agg({ordinal} ORDER BY {ordinal}) AS rows FROM {stage} WHERE {present}"
        " GROUP BY {names} HAVING count(*) > 1 ORDER BY min({ordinal}) LIMIT 1"
    ).format(
        ordinal=sql.Identifier(ORDINAL), stage=sql.Identifier(STAGE), present=present, names=names
    )


def _batch(columns: Sequence[Column], via: Via) -> sql.Composable:
    if via is Via.STAGE:
        return sql.SQL("{} WHERE {} < %(below)s").format(
            sql.Identifier(STAGE), sql.Identifier(ORDINAL)
        )
    arrays = sql.SQL(", ").join(
        sql.SQL("{}::{}[]").format(sql.Placeholder(column.name), sql.SQL(column.kind))
        for column in columns
    )
    return sql.SQL("unnest({}) WITH ORDINALITY AS batch ({}, {})").format(
        arrays, _names(columns), sql.Identifier(ORDINAL)
    )


def _names(columns: Sequence[Column]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
