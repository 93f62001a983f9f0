"""The one pool of connections to PostgreSQL.

The pool lives in the event loop that opens it. Coroutines of that loop use `Database` itself;
every other thread uses `Database.blocking`, which hands the same coroutines to that loop, so the
two faces share the same connections and there is no second pool. Connections are in autocommit:
a statement is a transaction of its own, and several are one only inside `transaction()`.

It repeats work only where nothing can have been committed. A connection that breaks during COMMIT
leaves the outcome unknown, and that is what the caller is told.
"""

from __future__ import annotations

import asyncio
import logging
import random
import select
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Self, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ava.clock import Clock, SystemClock
from ava.db.blocking import Blocking
from ava.db.connection import Connection, Params, Row, Statement
from ava.db.ending import commit, refuse_spoilt, roll_back
from ava.db.failures import translated
from ava.db.opening import APPLICATION, probe, target
from ava.db.query import Query
from ava.db.stats import Health, PoolStats, summarise
from ava.db.timing import QueryTimer
from ava.errors import (
    AvaError,
    DatabaseError,
    PoolClosedError,
    PoolExhaustedError,
    WrongThreadError,
)
from ava.settings import DatabaseSettings

PING = Query("ping", "The shortest way to the server and back.", "SELECT 1")
PING_S = 2.0
T = TypeVar("T")
logger = logging.getLogger(__name__)


class Database:
    """PostgreSQL through one pool; open it with `async with Database(settings) as database`.

    `pool` is public for libraries that bring their own statements; connections taken from it
    directly are timed and keep the deadline, but are not checked when handed out.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        clock: Clock | None = None,
        chance: random.Random | None = None,
        timer: QueryTimer | None = None,
    ) -> None:
        self.settings = settings
        self.timer = timer or QueryTimer(settings.slow_query_s)
        self._clock = clock or SystemClock()
        self._chance = chance or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._target = target(settings)
        # The server ends a slow statement first; this only ends the wait for a silent server.
        self._deadline_s = settings.statement_timeout_s + settings.connect_timeout_s
        self._home: tuple[asyncio.AbstractEventLoop, int] | None = None
        self._lent = 0
        self._returns: set[asyncio.Task[None]] = set()
        self.pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            self._target.conninfo,
            connection_class=Connection,
            kwargs=self._target.options,
            min_size=settings.pool_min,
            max_size=settings.pool_max,
            timeout=settings.connect_timeout_s,
            # Past this the pool no longer retries by itself and each new request does, so that a
            # long outage is not followed by minutes of backoff.
            reconnect_timeout=settings.connect_timeout_s,
            configure=self._configure,
            name=APPLICATION,
            open=False,
        )

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect, with retries, within the connect timeout; the running loop becomes home.

        Raises ServerUnreachableError.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self.settings.connect_timeout_s
        attempts = self.settings.retries
        await probe(self._target, attempts=attempts, until=until, back_off=self._back_off)
        try:
            with translated():
                await self.pool.open()
            await self.pool.wait(timeout=until - loop.time())
        except PoolTimeout:
            least = self.settings.pool_min
            reason = f"it did not give {least} connections within the connect timeout"
            raise self._target.unreachable(reason) from None
        except BaseException:
            await self.pool.close()
            raise
        self._home = (loop, threading.get_ident())

    async def close(self) -> None:
        """Close every connection; those still out are closed when they come back."""
        self._home = None
        if self._returns:
            await asyncio.wait(self._returns)
        await self.pool.close()

    @cached_property
    def blocking(self) -> Blocking:
        """The same database for other threads."""
        return Blocking(self)

    def home(self) -> tuple[asyncio.AbstractEventLoop, int]:
        """Return the loop the pool lives in and its thread; raise PoolClosedError without one."""
        if self._home is None:
            raise PoolClosedError("the database is not open; use it inside `async with Database`")
        return self._home

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit; psycopg's errors leave the block as `ava.errors`.

        Raises PoolExhaustedError or ServerUnreachableError when none comes in time.
        """
        if asyncio.get_running_loop() is not self.home()[0]:
            raise WrongThreadError(
                "the database lives in another event loop; use its `blocking` face from here"
            )
        with translated():
            conn = await self._check_out()
            try:
                yield conn
            finally:
                await self._give_back(conn)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction: commit at the end, roll back on an error.

        Raises CommitUncertainError when the connection breaks during COMMIT.
        """
        async with self.connection() as conn:
            block = conn.transaction()
            await block.__aenter__()
            try:
                yield conn
                refuse_spoilt(conn)
            except BaseException as error:
                if not await roll_back(block, error):
                    raise
            else:
                await commit(block)

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` in a transaction, again if it failed for a passing reason before COMMIT.

        `work` should have no other effect than on the database, since it may run several times.
        """
        attempt = 1
        while True:
            try:
                async with self.transaction() as conn:
                    return await work(conn)
            except DatabaseError as error:
                if not error.transient or attempt >= self.settings.retries:
                    raise
                logger.warning("attempt %d of a transaction failed: %s", attempt, error)
            await self._back_off(attempt)
            attempt += 1

    async def fetch(
        self, query: Statement, params: Params | None = None, *, prepare: bool | None = None
    ) -> list[Row]:
        """Return every row of a statement; it is not repeated if it fails."""
        async with self.connection() as conn:
            cursor = await conn.execute(query, params, prepare=prepare)
            return await cursor.fetchall()

    async def fetch_one(self, query: Statement, params: Params | None = None) -> Row | None:
        """Return the first row of a statement, None when it has none."""
        async with self.connection() as conn:
            cursor = await conn.execute(query, params)
            return await cursor.fetchone()

    async def execute(self, query: Statement, params: Params | None = None) -> int:
        """Run a statement for its effect and return how many rows it touched."""
        async with self.connection() as conn:
            return (await conn.execute(query, params)).rowcount

    async def health(self) -> Health:
        """Say whether a round trip works now and how long it takes; a failure is an answer."""
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await self.fetch_one(PING)
        except TimeoutError:
            limit = self.settings.connect_timeout_s
            return Health(ok=False, latency_s=None, reason=f"no answer within {limit:g} s")
        except AvaError as error:
            return Health(ok=False, latency_s=None, reason=str(error))
        return Health(ok=True, latency_s=self._clock.monotonic() - started, reason=None)

    def stats(self) -> PoolStats:
        """Return the pool's figures."""
        return summarise(self.pool.get_stats())

    async def _configure(self, conn: Connection) -> None:
        conn.clock, conn.timer = self._clock, self.timer
        conn.used_at = self._clock.monotonic()
        conn.deadline_s = self._deadline_s

    async def _check_out(self) -> Connection:
        """Take a connection that works; broken ones are handed back to be replaced."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.settings.connect_timeout_s
        while True:
            try:
                conn = await self.pool.getconn(timeout=until - loop.time())
            except PoolTimeout:
                raise self._none_came() from None
            self._lent += 1
            alive = False
            try:
                alive = await self._is_alive(conn)
            finally:
                if not alive:
                    await self._give_back(conn)
            if alive:
                conn.deadline_s = self._deadline_s
                return conn

    async def _is_alive(self, conn: Connection) -> bool:
        """Ping only what lay idle for long, or has something to read that nobody asked for.

        A server that goes away says goodbye, or its kernel does: that makes the socket readable,
        which is seen without a round trip.
        """
        idle_s = self._clock.monotonic() - conn.used_at
        if idle_s < self.settings.idle_check_s and not _has_news(conn):
            return True
        try:
            conn.deadline_s = PING_S
            await conn.execute(PING)
        except (psycopg.Error, DatabaseError):
            await conn.close()
            return False
        return True

    def _none_came(self) -> DatabaseError:
        now = self.stats()
        wait_s = self.settings.connect_timeout_s
        if self._lent == 0 or now.size < now.max_size:
            return self._target.unreachable(f"no connection within {wait_s:g} s")
        return PoolExhaustedError(
            f"all {now.max_size} connections were busy for {wait_s:g} s; hold connections for less "
            f"time, or raise {self.settings.key('pool_max')}"
        )

    async def _give_back(self, conn: Connection) -> None:
        """Return a connection, even if the caller is cancelled meanwhile.

        The pool forgets a connection whose return is interrupted, and would be smaller for ever.
        """
        self._lent -= 1
        conn.used_at = self._clock.monotonic()
        returning = asyncio.ensure_future(self.pool.putconn(conn))
        self._returns.add(returning)
        returning.add_done_callback(self._returns.discard)
        await asyncio.shield(returning)

    async def _back_off(self, attempt: int) -> None:
        """Wait for a random time that may double with each attempt, so that clients spread."""
        most_s = self.settings.retry_delay_s * 2 ** (attempt - 1)
        await self._clock.sleep(self._chance.uniform(0, most_s))


def _has_news(conn: Connection) -> bool:
    if conn.closed:
        return True
    poller = select.poll()
    poller.register(conn.fileno(), select.POLLIN)
    return bool(poller.poll(0))
