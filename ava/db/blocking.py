"""The database for code that is not a coroutine.

Every call is handed to the loop the pool lives in and waited for, so threads share the one pool
with everybody else. Waiting on that loop's own thread would wait for ever, and is refused.
`open_blocking` gives a loop to programs that have none, such as a command.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from ava.db.connection import Connection, Params, Row, Statement, fetch_from
from ava.db.stats import Health, PoolStats
from ava.errors import PoolClosedError, WrongThreadError
from ava.loop_thread import loop_thread
from ava.settings import DatabaseSettings

if TYPE_CHECKING:
    from ava.db.pool import Database

P = ParamSpec("P")
T = TypeVar("T")


class Blocking:
    """`Database` for other threads: the same verbs, which return when the work is done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fetch(self, query: Statement, params: Params | None = None) -> list[Row]:
        """Return every row of a statement; it is not repeated if it fails."""
        return self._wait(self._database.fetch, query, params)

    def fetch_one(self, query: Statement, params: Params | None = None) -> Row | None:
        """Return the first row of a statement, None when it has none."""
        return self._wait(self._database.fetch_one, query, params)

    def execute(self, query: Statement, params: Params | None = None) -> int:
        """Run a statement for its effect and return how many rows it touched."""
        return self._wait(self._database.execute, query, params)

    def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run a coroutine function in a transaction, as `Database.run` does."""
        return self._wait(self._database.run, work)

    def health(self) -> Health:
        """Say whether a round trip works now."""
        return self._wait(self._database.health)

    def stats(self) -> PoolStats:
        """Return the pool's figures."""
        return self._database.stats()

    @contextmanager
    def connection(self) -> Iterator[BlockingConnection]:
        """Lend a connection in autocommit."""
        with self._entered(self._database.connection()) as conn:
            yield conn

    @contextmanager
    def transaction(self) -> Iterator[BlockingConnection]:
        """Lend a connection inside a transaction: commit at the end, roll back on an error."""
        with self._entered(self._database.transaction()) as conn:
            yield conn

    @contextmanager
    def _entered(
        self, block: AbstractAsyncContextManager[Connection]
    ) -> Iterator[BlockingConnection]:
        conn = self._wait(block.__aenter__)
        try:
            yield BlockingConnection(conn, self._wait)
        except BaseException as error:
            if not self._wait(block.__aexit__, type(error), error, error.__traceback__):
                raise
        else:
            self._wait(block.__aexit__, None, None, None)

    def _wait(self, verb: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop, thread = self._database.home()
        if threading.get_ident() == thread:
            raise WrongThreadError(
                "the blocking face was used on the event loop's own thread, where it would wait "
                "for itself; await the method of `Database` itself"
            )
        return submit(loop, verb, *args, **kwargs)


class BlockingConnection:
    """A connection lent to a thread."""

    def __init__(self, conn: Connection, wait: Callable[..., Any]) -> None:
        self._conn = conn
        self._wait = wait

    def fetch(self, query: Statement, params: Params | None = None) -> list[Row]:
        """Return every row of a statement."""
        return self.call(fetch_from, query, params)

    def fetch_one(self, query: Statement, params: Params | None = None) -> Row | None:
        """Return the first row of a statement, None when it has none."""
        return self.call(_fetch_one, query, params)

    def execute(self, query: Statement, params: Params | None = None) -> int:
        """Run a statement for its effect and return how many rows it touched."""
        return self.call(_execute, query, params)

    def call(
        self,
        work: Callable[Concatenate[Connection, P], Awaitable[T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a coroutine function on the connection, as in `call(insert_many, table, rows)`."""
        result: T = self._wait(work, self._conn, *args, **kwargs)
        return result


@contextmanager
def open_blocking(settings: DatabaseSettings) -> Iterator[Blocking]:
    """Open a database for a program without an event loop; a daemon thread runs one for it.

    Raises ServerUnreachableError.
    """
    from ava.db.pool import Database  # noqa: PLC0415 - the pool imports this module

    with loop_thread("ava-db") as loop:
        database = Database(settings)
        submit(loop, database.open)
        try:
            yield database.blocking
        finally:
            submit(loop, database.close)


def submit(
    loop: asyncio.AbstractEventLoop,
    verb: Callable[P, Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Call `verb` on a loop of another thread and wait; an interrupt cancels it there."""
    work = _called(verb, *args, **kwargs)
    try:
        future = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError as error:
        work.close()
        raise PoolClosedError("the database's event loop has ended; open it again") from error
    try:
        return future.result()
    except CancelledError as error:
        raise PoolClosedError("the database's event loop ended during the call") from error
    except BaseException:
        future.cancel()
        raise


async def _called(verb: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    return await verb(*args, **kwargs)


async def _fetch_one(conn: Connection, query: Statement, params: Params | None) -> Row | None:
    return await (await conn.execute(query, params)).fetchone()


async def _execute(conn: Connection, query: Statement, params: Params | None) -> int:
    return (await conn.execute(query, params)).rowcount
