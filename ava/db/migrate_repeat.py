"""Views and functions: made again whenever their text changes.

Each file makes the one object it is named after, with CREATE OR REPLACE, which keeps grants and
what depends on it. Where PostgreSQL refuses that (a column went, a result type changed), the object
and the views and functions of ours that hang on it are dropped and made again; what is not ours is
never dropped, so the server's refusal is reported. A function whose arguments changed is a new one
to PostgreSQL: the old one is dropped, or calls would be ambiguous.

Files need no order: one whose needs are not there yet is tried again after the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import psycopg

from ava.clock import Clock
from ava.db.migrate_files import MigrationError, Repeatable
from ava.db.migrate_session import IN_THE_WAY, Connection, ledger, rows

Key = tuple[str, str]

# What a statement is told when an object it mentions does not exist, or not yet in its new form.
_MISSING = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedObject,
)
_CANNOT_REPLACE = (
    psycopg.errors.InvalidTableDefinition,
    psycopg.errors.InvalidFunctionDefinition,
    psycopg.errors.WrongObjectType,
)


@dataclass(frozen=True, slots=True)
class _Work:
    """A connection within the one transaction, the clock, and what may be dropped."""

    connection: Connection
    clock: Clock
    ours: frozenset[Key]


def stale_repeatables(
    connection: Connection, repeatables: Sequence[Repeatable]
) -> tuple[Repeatable, ...]:
    """Return those whose text is not what the database was given, or whose object is gone."""
    recorded = _recorded(connection)
    there = {key for key, _ in _existing(connection)}
    return tuple(
        each
        for each in repeatables
        if recorded.get(_key(each)) != each.script.checksum or _key(each) not in there
    )


def apply_repeatables(
    connection: Connection, repeatables: Sequence[Repeatable], clock: Clock
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Make what is stale and drop what has no file any more; return the files and the names.

    Belongs inside a transaction. Raises MigrationError with the file that failed.
    """
    recorded, wanted = set(_recorded(connection)), {_key(each) for each in repeatables}
    work = _Work(connection, clock, frozenset(recorded | wanted))
    made: set[str] = set()
    waiting = stale_repeatables(connection, repeatables)
    while waiting:
        again = _make_all(work, waiting)
        made |= {each.script.file for each in waiting if _key(each) not in again}
        waiting = tuple(each for each in repeatables if _key(each) in again)
    removed = _remove(work, recorded - wanted)
    return tuple(sorted(made)), removed


def _make_all(work: _Work, waiting: Sequence[Repeatable]) -> set[Key]:
    """Make each in turn; return what is still to be made: postponed, or dropped for another."""
    postponed: set[Key] = set()
    dropped: set[Key] = set()
    reason: MigrationError | None = None
    for each in waiting:
        try:
            with work.connection.transaction():
                dropped |= _make(work, each)
        except _MISSING as error:
            postponed.add(_key(each))
            reason = reason or _failed(each.script.file, error)
        except _CANNOT_REPLACE as error:
            raise _failed(each.script.file, error) from error
        else:
            dropped.discard(_key(each))
    if reason is not None and len(postponed) == len(waiting):
        raise reason
    return postponed | dropped


def _make(work: _Work, repeatable: Repeatable) -> set[Key]:
    """Make one object; return the keys of others that had to be dropped for it."""
    started = work.clock.monotonic()
    key = _key(repeatable)
    before = _identities(work.connection, key)
    dropped: set[Key] = set()
    try:
        _run(work.connection, repeatable)
    except _CANNOT_REPLACE:
        dropped = _drop(work, key, before, repeatable.script.file)
        _run(work.connection, repeatable)
    after = _identities(work.connection, key)
    if not after:
        raise MigrationError(
            f"{repeatable.script.file} does not make the {repeatable.kind} {repeatable.name} "
            "in the first schema of the search path; name the file after what it makes"
        )
    if after - before:
        dropped |= _drop(work, key, before & after, repeatable.script.file)
    work.connection.execute(
        ledger("record_repeatable"),
        {
            "kind": repeatable.kind,
            "name": repeatable.name,
            "checksum": repeatable.script.checksum,
            "duration_ms": (work.clock.monotonic() - started) * 1000,
        },
    )
    return dropped - {key}


def _run(connection: Connection, repeatable: Repeatable) -> None:
    """Execute the file within a savepoint, so that a refusal undoes only itself."""
    try:
        with connection.transaction():
            for statement in repeatable.script.statements:
                connection.execute(statement.text.encode())
    except (*_MISSING, *_CANNOT_REPLACE, *IN_THE_WAY):
        raise
    except psycopg.Error as error:
        raise _failed(repeatable.script.file, error) from error


def _drop(work: _Work, key: Key, identities: Iterable[int], file: str) -> set[Key]:
    """Drop objects and those of ours that hang on them; return the keys.

    What is not ours is left alone, and then the server refuses.
    """
    dropped: set[Key] = set()
    for identity in identities:
        tree = rows(work.connection, ledger("dependents"), {"kind": key[0], "identity": identity})
        for kind, name, statement in tree:
            if (kind, name) not in work.ours:
                continue
            try:
                work.connection.execute(statement.encode())
            except psycopg.errors.DependentObjectsStillExist as error:
                raise _failed(file, error) from error
            dropped.add((kind, name))
    return dropped


def _remove(work: _Work, orphans: set[Key]) -> tuple[str, ...]:
    """Drop what was made from a file that is gone, but nothing that still has one."""
    only = replace(work, ours=frozenset(orphans))
    for key in sorted(orphans):
        kind, name = key
        _drop(only, key, _identities(work.connection, key), f"{kind}s/{name}.sql is gone")
        work.connection.execute(ledger("forget_repeatable"), {"kind": kind, "name": name})
    return tuple(name for _, name in sorted(orphans))


def _failed(file: str, error: psycopg.Error) -> MigrationError:
    said = error.diag.message_primary or "the connection was lost"
    more = " ".join(filter(None, (error.diag.message_detail, error.diag.message_hint)))
    return MigrationError(
        f"{file}: {said}{f' ({more})' if more else ''}; no view or function was changed",
        sqlstate=error.sqlstate,
    )


def _key(repeatable: Repeatable) -> Key:
    return repeatable.kind.value, repeatable.name


def _recorded(connection: Connection) -> dict[Key, str]:
    found = rows(connection, ledger("applied_repeatables"))
    return {(kind, name): checksum for kind, name, checksum in found}


def _existing(connection: Connection) -> list[tuple[Key, int]]:
    found = rows(connection, ledger("existing_objects"))
    return [((kind, name), identity) for kind, name, identity in found]


def _identities(connection: Connection, key: Key) -> set[int]:
    return {identity for found, identity in _existing(connection) if found == key}
