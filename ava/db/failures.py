"""Where psycopg's errors become the package's own.

`translated()` wraps the few places in which psycopg is called. The SQLSTATE decides; the server's
primary message is repeated, since it says what is wrong, but not its DETAIL, which quotes rows.
A failure that carries no SQLSTATE never came from the server: the connection broke.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolClosed

from ava.errors import (
    ConnectionLostError,
    ConstraintError,
    DatabaseError,
    PoolClosedError,
    StatementError,
    StatementTimeoutError,
    TransactionConflictError,
)

_CONFLICTS = ("40001", "40P01")
_SHUTDOWNS = ("57P01", "57P02", "57P03", "57P05")
_CANCELLED = "57014"

# What a driver's message may say, and what is said of it: the message itself may quote the string.
_REFUSALS = {
    "Connection refused": "nothing listens there",
    "No such file or directory": "nothing listens on that socket",
    "authentication failed": "the password or the user is wrong",
    "no password supplied": "it asks for a password",
    "no pg_hba.conf entry": "its pg_hba.conf lets no such connection in",
    "resolve host": "the host is unknown",
    "timeout expired": "no answer in time",
    "too many clients": "all its connections are taken",
    "does not exist": "the database or the user does not exist",
    "does not support SSL": "it speaks no TLS",
}


def refusal(error: Exception) -> str:
    """Return why no connection could be made, in words that quote nothing of the string."""
    known = (said for part, said in _REFUSALS.items() if part in str(error))
    return next(known, type(error).__name__)


@contextmanager
def translated() -> Iterator[None]:
    """Raise `ava.errors.DatabaseError` instead of what psycopg raised, with that as the cause."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error) from error


def translate(error: psycopg.Error) -> DatabaseError:
    """Return the package's error for one of psycopg."""
    state = error.sqlstate
    said = error.diag.message_primary or _first_line(error)
    if isinstance(error, PoolClosed):
        return PoolClosedError("the database is not open; use it inside `async with Database(...)`")
    if is_lost(error):
        return ConnectionLostError(
            f"the connection to PostgreSQL was lost ({said}); nothing was committed, try again",
            sqlstate=state,
        )
    if state in _CONFLICTS:
        return TransactionConflictError(
            f"another transaction was in the way ({said}); repeat the transaction", sqlstate=state
        )
    if state == _CANCELLED:
        return StatementTimeoutError(
            f"a statement was cancelled ({said}); make it cheaper, or raise "
            "AVA_DATABASE_STATEMENT_TIMEOUT_S",
            sqlstate=state,
        )
    if state is not None and state.startswith("23"):
        return ConstraintError(said, sqlstate=state, constraint=error.diag.constraint_name)
    return StatementError(f"PostgreSQL refused a statement: {said}", sqlstate=state)


def is_lost(error: psycopg.Error) -> bool:
    """Say whether the connection itself is gone, and not only a statement refused."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return state in _SHUTDOWNS or state.startswith("08")


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
