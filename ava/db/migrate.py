"""Bring a database to the schema of this code, and say where it stands.

Forward only. Each migration runs once, in one transaction with its record in `schema_migrations`,
so a failed one leaves nothing behind. A file marked `-- no-transaction` (concurrent indexes) is
recorded when all its statements have succeeded; run again after a failure, it finds the INVALID
index the failure left, drops it and builds it anew. Views and functions follow, in one transaction.

Any number of deployers may start at once: the first one in does the work, the others then find
nothing to do. What this refuses: to go back, to skip, and to touch a database newer than the code.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg import sql

from ava.clock import Clock, SystemClock
from ava.db.failures import translated
from ava.db.migrate_files import (
    Applied,
    ConcurrentIndex,
    Migration,
    MigrationError,
    Repeatable,
    Scripts,
    concurrent_index,
    pending,
    read_scripts,
)
from ava.db.migrate_repeat import apply_repeatables, stale_repeatables
from ava.db.migrate_session import (
    IN_THE_WAY,
    Connection,
    configured,
    deployment_lock,
    ledger,
    rows,
    session,
)
from ava.db.migrate_split import Statement
from ava.db.query import sql_directory
from ava.db.redact import redact

ATTEMPTS = 5
BACKOFF_S = 0.5
_APPLICATION = "ava migrate"
_CLOCK = SystemClock()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a deployment did: files of migrations, of views and functions, and objects dropped."""

    applied: tuple[str, ...]
    repeated: tuple[str, ...]
    removed: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Where a database stands: what the ledger holds, and which files a deployment would run."""

    applied: tuple[Applied, ...]
    pending: tuple[str, ...]
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Deployment:
    """A connection that holds the deployment lock, and how long it may stand in others' way."""

    connection: Connection
    lock_timeout_s: float
    sleep: Callable[[float], None]
    clock: Clock


def migrate(  # noqa: PLR0913 - all but the first two are for deployments out of the ordinary
    target: str | Connection,
    directory: Path | None = None,
    *,
    lock_timeout_s: float = 5.0,
    wait_s: float = 900.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Clock = _CLOCK,
) -> MigrationReport:
    """Apply what is pending to the database of a DSN or of an idle connection.

    A statement that waits longer than `lock_timeout_s` for a table gives up, since whoever comes
    after it queues behind it; its file is tried again, at most `ATTEMPTS` times. `wait_s` bounds
    the wait for another deployer.

    Raises MigrationError, naming the file, the statement and what the server said.
    """
    started = clock.monotonic()
    scripts = read_scripts(directory or sql_directory())
    with (
        translated(),
        session(target, _APPLICATION) as connection,
        # Building an index may take longer than any limit that suits a query.
        configured(connection, {"statement_timeout": "0", "lock_timeout": "0"}),
        deployment_lock(connection, wait_s, sleep),
    ):
        deployment = _Deployment(connection, lock_timeout_s, sleep, clock)
        applied, repeated, removed = _deploy(deployment, scripts)
    return MigrationReport(applied, repeated, removed, clock.monotonic() - started)


def status(target: str | Connection, directory: Path | None = None) -> MigrationStatus:
    """Say where the database stands, without changing it; raises like `migrate`."""
    scripts = read_scripts(directory or sql_directory())
    with translated(), session(target, _APPLICATION) as connection:
        if not rows(connection, ledger("ledger_exists"))[0][0]:
            applied: tuple[Applied, ...] = ()
            stale: tuple[Repeatable, ...] = scripts.repeatables
        else:
            applied = _applied(connection)
            stale = stale_repeatables(connection, scripts.repeatables)
    return MigrationStatus(
        applied,
        tuple(each.script.file for each in pending(scripts.migrations, applied)),
        tuple(each.script.file for each in stale),
    )


def _deploy(
    deployment: _Deployment, scripts: Scripts
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    connection = deployment.connection
    connection.execute(ledger("create_migrations"))
    connection.execute(ledger("create_repeatables"))
    waiting = pending(scripts.migrations, _applied(connection))
    for migration in waiting:
        _apply(deployment, migration)
    repeated, removed = _patiently(
        deployment,
        "views and functions",
        lambda: apply_repeatables(connection, scripts.repeatables, deployment.clock),
    )
    return tuple(migration.script.file for migration in waiting), repeated, removed


def _apply(deployment: _Deployment, migration: Migration) -> None:
    started = deployment.clock.monotonic()

    def run() -> None:
        for statement in migration.script.statements:
            _execute(deployment.connection, migration, statement)
        _record(deployment, migration, started)

    if migration.transactional:
        _patiently(deployment, migration.script.file, run)
    else:
        run()


def _patiently(deployment: _Deployment, what: str, work: Callable[[], T]) -> T:
    """Do `work` in one transaction, and again where a lock was not to be had."""
    connection = deployment.connection
    timeout = {"name": "lock_timeout", "value": f"{round(deployment.lock_timeout_s * 1000)}ms"}
    for attempt in range(ATTEMPTS):
        if attempt:
            deployment.sleep(BACKOFF_S * 2**attempt)
        try:
            with connection.transaction():
                connection.execute(ledger("set_locally"), timeout)
                return work()
        except IN_THE_WAY:
            continue
        except psycopg.Error as error:
            said = error.diag.message_primary or "the connection was lost, run it again"
            raise MigrationError(
                f"{what}: it could not be committed: {said}", sqlstate=error.sqlstate
            ) from error
    raise MigrationError(
        f"{what}: a lock was not to be had within {deployment.lock_timeout_s:g} s, "
        f"{ATTEMPTS} times; nothing was applied. End the long transactions (pg_stat_activity), "
        "or deploy when it is quieter",
        sqlstate=psycopg.errors.LockNotAvailable.sqlstate,
    )


def _execute(connection: Connection, migration: Migration, statement: Statement) -> None:
    file = migration.script.file
    index = None if migration.transactional else concurrent_index(statement, file)
    try:
        if index is None:
            connection.execute(statement.text.encode())
        else:
            _build(connection, index, statement, file)
    except psycopg.Error as error:
        if migration.transactional and isinstance(error, IN_THE_WAY):
            raise  # `_patiently` tries again
        raise _failed(migration, statement, error) from error


def _build(connection: Connection, index: ConcurrentIndex, statement: Statement, file: str) -> None:
    """Build an index concurrently, over the remains of an earlier attempt if there are any.

    IF NOT EXISTS alone would take an INVALID index, which no query uses, for the finished one.
    """
    for valid, schema in _validity(connection, index):
        if not valid:
            connection.execute(
                sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, index.name))
            )
    connection.execute(statement.text.encode())
    if [valid for valid, _ in _validity(connection, index)] != [True]:
        raise MigrationError(
            f"{file}: line {statement.line}: the name {index.name} is taken by something that is "
            f"no index on {index.table}; drop or rename it"
        )


def _validity(connection: Connection, index: ConcurrentIndex) -> list[tuple[bool, str]]:
    found = rows(connection, ledger("index_validity"), {"index": index.name, "table": index.table})
    return [(valid, schema) for valid, schema in found]


def _failed(migration: Migration, statement: Statement, error: psycopg.Error) -> MigrationError:
    left = (
        "nothing of this file was applied"
        if migration.transactional
        else "the statements before it stay, and running the file again is safe"
    )
    said = error.diag.message_primary or "the connection was lost"
    if error.diag.message_hint:
        said = f"{said} ({error.diag.message_hint})"
    return MigrationError(
        f"{migration.script.file}: line {statement.line}: {said}; {left}. "
        f"The statement: {redact(statement.text)}",
        sqlstate=error.sqlstate,
    )


def _record(deployment: _Deployment, migration: Migration, started: float) -> None:
    deployment.connection.execute(
        ledger("record_migration"),
        {
            "version": migration.version,
            "name": migration.name,
            "checksum": migration.script.checksum,
            "duration_ms": (deployment.clock.monotonic() - started) * 1000,
        },
    )


def _applied(connection: Connection) -> tuple[Applied, ...]:
    return tuple(Applied(*row) for row in rows(connection, ledger("applied_migrations")))
