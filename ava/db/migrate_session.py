"""The one connection that a deployment or a maintenance run works through.

A plain connection in autocommit, straight to the server: the deployment lock belongs to a session,
so a pooler that shares sessions between transactions will not do. A connection string never appears
in an error, and neither does the driver's message, which may quote a piece of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow, tuple_row

from ava.db.failures import refusal
from ava.db.migrate_files import MigrationError
from ava.db.query import Query, load, sql_directory
from ava.errors import ServerUnreachableError, SettingsError

CONNECT_TIMEOUT_S = 10
LOCK_KEY = 0x617661_6D696772  # "ava" and "migr": the same in every version of this code
LOCK_POLL_S = 0.1

# Somebody else was in the way, and may be gone when the work is done again.
IN_THE_WAY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)

Connection = psycopg.Connection[Any]


def ledger(name: str) -> Query:
    """Return a statement of the ledger."""
    return _statements()[name]


@cache
def _statements() -> Mapping[str, Query]:
    return load(sql_directory() / "ledger")


@contextmanager
def session(target: str | Connection, application: str) -> Iterator[Connection]:
    """Yield a connection in autocommit: a new one to the DSN `target`, or `target` itself.

    Raises SettingsError for a malformed DSN, ServerUnreachableError when nobody answers, and
    MigrationError for a connection that is in a transaction, which is not ours to end.
    """
    if isinstance(target, str):
        with _connect(target, application) as connection:
            yield connection
        return
    if target.info.transaction_status is not TransactionStatus.IDLE:
        raise MigrationError("the connection is in a transaction; end it first")
    before = target.autocommit
    target.autocommit = True
    try:
        yield target
    finally:
        if not target.closed:
            target.autocommit = before


def rows(
    connection: Connection, query: Query, params: Mapping[str, Any] | None = None
) -> list[TupleRow]:
    """Return the rows of a statement as tuples, whatever the connection's own row factory."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, params).fetchall()


@contextmanager
def configured(connection: Connection, settings: Mapping[str, str]) -> Iterator[None]:
    """Change settings of the session, and put back what was there."""
    before = {
        name: rows(connection, ledger("read_setting"), {"name": name})[0][0] for name in settings
    }
    _configure(connection, settings)
    try:
        yield
    finally:
        if not connection.closed:
            _configure(connection, before)


@contextmanager
def deployment_lock(
    connection: Connection, wait_s: float, sleep: Callable[[float], None]
) -> Iterator[None]:
    """Hold the lock that lets one deployer in; raise MigrationError after `wait_s` seconds."""
    waited = 0.0
    while not rows(connection, ledger("try_lock"), {"key": LOCK_KEY})[0][0]:
        if waited >= wait_s:
            raise MigrationError(
                f"another deployment held the migration lock for {wait_s:g} s; wait for it to end, "
                "or end its session (pg_locks, locktype 'advisory')"
            )
        sleep(LOCK_POLL_S)
        waited += LOCK_POLL_S
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(ledger("unlock"), {"key": LOCK_KEY})


def _connect(dsn: str, application: str) -> Connection:
    try:
        given: dict[str, Any] = dict(conninfo_to_dict(dsn))
    except psycopg.Error:
        # `from None`: the driver quotes the part it could not read, which may be the password.
        raise SettingsError(
            "the connection string is malformed; it must look like "
            "postgresql://user@host:5432/database or host=... dbname=..."
        ) from None
    try:
        # What the string says itself wins.
        own: dict[str, Any] = {
            "application_name": application,
            "connect_timeout": CONNECT_TIMEOUT_S,
        }
        return psycopg.connect(make_conninfo("", **(own | given)), autocommit=True)
    except (psycopg.Error, OSError) as error:
        raise ServerUnreachableError(
            f"no connection to PostgreSQL: {refusal(error)}; check host, port, "
            "user and database of the connection string, and that the server is up"
        ) from None


def _configure(connection: Connection, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        connection.execute(ledger("set_setting"), {"name": name, "value": value})
