"""How a transaction ends: with a COMMIT that is one, or with an error that says what is known.

Two endings lie. COMMIT after a swallowed failure is a rollback that reports success, and a COMMIT
whose answer is lost may have been either. The first is refused before it is sent; the second is
told to the caller as it is, and nobody repeats it.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from ava.db.connection import Connection
from ava.db.failures import is_lost
from ava.errors import (
    CommitUncertainError,
    ConnectionLostError,
    StatementError,
    StatementTimeoutError,
)


def refuse_spoilt(conn: Connection) -> None:
    """Raise where COMMIT would not commit, because an error was swallowed before."""
    match conn.info.transaction_status:
        case TransactionStatus.INERROR:
            raise StatementError(
                "a statement of the transaction failed and the failure was swallowed, so nothing "
                "could be committed; let it out, or put the statement in a nested transaction"
            )
        case TransactionStatus.UNKNOWN:
            raise ConnectionLostError(
                "the connection was lost inside the transaction; nothing was committed, try again"
            )


async def commit(block: AbstractAsyncContextManager[Any]) -> None:
    """Leave a transaction block; raise CommitUncertainError when no answer comes back."""
    try:
        await block.__aexit__(None, None, None)
    except StatementTimeoutError as error:
        raise _uncertain("the server did not answer", None) from error
    except psycopg.Error as error:
        # With any other code the server itself says that it rolled back.
        if not is_lost(error):
            raise
        raise _uncertain("the connection was lost", error.sqlstate) from error


async def roll_back(block: AbstractAsyncContextManager[Any], error: BaseException) -> bool:
    """Leave a transaction block by its error; say whether that error asked for no more."""
    try:
        return bool(await block.__aexit__(type(error), error, error.__traceback__))
    except StatementTimeoutError:
        # The server will roll back when it sees the connection gone; the first error says more.
        return False


def _uncertain(what: str, sqlstate: str | None) -> CommitUncertainError:
    return CommitUncertainError(
        f"{what} during COMMIT, so the work may be stored or not; look before repeating it",
        sqlstate=sqlstate,
    )
