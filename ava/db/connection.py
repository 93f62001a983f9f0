"""A PostgreSQL connection whose every statement is timed and that never waits for ever.

The server's statement timeout ends a slow statement, but not the wait for a server that no longer
answers; so the connection keeps a deadline of its own behind it. `fetch_from` is the one way for
code that takes "a database or a connection" to run a statement on either, plain psycopg included.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, Protocol, Self, TypeAlias, cast

from psycopg import AsyncConnection, AsyncCopy, AsyncCursor, sql
from psycopg.rows import dict_row

from ava.clock import Clock, SystemClock
from ava.db.timing import QueryTimer
from ava.errors import StatementTimeoutError

Row: TypeAlias = dict[str, Any]
Params: TypeAlias = Sequence[Any] | Mapping[str, Any]
Statement: TypeAlias = LiteralString | sql.SQL | sql.Composed


class Timed:
    """The length of a block, reported to the timer of the cursor's connection at its end."""

    __slots__ = ("_conn", "_cursor", "_query", "_started")

    def __init__(self, cursor: Cursor, query: object) -> None:
        self._conn = cast("Connection", cursor.connection)
        self._cursor = cursor
        self._query = query

    def __enter__(self) -> None:
        self._started = self._conn.clock.monotonic()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        duration_s = self._conn.clock.monotonic() - self._started
        rows = self._cursor.rowcount if kind is None else None
        self._conn.timer.record(self._query, duration_s, rows)


class Cursor(AsyncCursor[Row]):
    """Runs statements and reports how long each took."""

    async def execute(
        self,
        query: Any,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        """Run one statement."""
        with Timed(self, query):
            return await super().execute(query, params, prepare=prepare, binary=binary)

    async def executemany(
        self, query: Any, params_seq: Iterable[Params], *, returning: bool = False
    ) -> None:
        """Run one statement for each of `params_seq`; they are timed as one."""
        with Timed(self, query):
            await super().executemany(query, params_seq, returning=returning)

    @asynccontextmanager
    async def copy(
        self, statement: Any, params: Params | None = None, *, writer: Any = None
    ) -> AsyncIterator[AsyncCopy]:
        """Run a COPY; the block it lasts for is timed."""
        with Timed(self, statement):
            async with super().copy(statement, params, writer=writer) as copying:
                yield copying


class Connection(AsyncConnection[Row]):
    """A connection of the pool.

    `deadline_s` bounds each wait for the server, BEGIN and COMMIT included; set it to None for a
    job that is known to be long, or to listen for notifications. It is set anew whenever the
    connection is handed out.
    """

    clock: Clock = SystemClock()
    timer: QueryTimer = QueryTimer()
    deadline_s: float | None = None
    used_at: float = 0.0

    async def wait(self, *args: Any, **kwargs: Any) -> Any:
        """Wait for the server, which every operation does; raise StatementTimeoutError."""
        if self.deadline_s is None:
            return await super().wait(*args, **kwargs)
        try:
            async with asyncio.timeout(self.deadline_s):
                return await super().wait(*args, **kwargs)
        except TimeoutError as error:
            raise unanswered(self.deadline_s) from error


def unanswered(seconds: float) -> StatementTimeoutError:
    """Return the error for a server that was silent for `seconds`."""
    return StatementTimeoutError(
        f"PostgreSQL did not answer within {seconds:g} s, which is beyond its statement timeout; "
        "look at the network between here and the server"
    )


class Fetches(Protocol):
    """Whatever can run a statement and return its rows; `ava.db.pool.Database` does."""

    async def fetch(
        self, query: Statement, params: Params | None = None, *, prepare: bool | None = None
    ) -> list[Row]:
        """Return the rows as dictionaries."""
        ...


Source: TypeAlias = Fetches | AsyncConnection[Any]


async def fetch_from(
    source: Source, query: Statement, params: Params | None = None, *, prepare: bool | None = None
) -> list[Row]:
    """Return the rows of one statement run on a database or within a connection's transaction."""
    if isinstance(source, AsyncConnection):
        cursor = source.cursor(row_factory=dict_row)
        await cursor.execute(query, params, prepare=prepare)
        return await cursor.fetchall()
    return await source.fetch(query, params, prepare=prepare)
