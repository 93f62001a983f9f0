"""Procrastinate on the platform's own pool of connections.

Its connector is the one thing it asks for the database through, so this one runs its statements by
`Database`: with the deadline, the checks and the histograms that all statements have, and without
a pool or a connection of its own. The worker's ear is a connection lent by the same pool for as
long as it listens; it waits without a deadline, since silence is what it mostly hears. A lost
connection, or one that a small pool cannot spare, costs no more than promptness: the queue is
looked at in any case.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from procrastinate import exceptions
from procrastinate import sql as statements
from procrastinate.connector import BaseAsyncConnector, BaseConnector, Notify
from procrastinate.types import JobToDefer
from psycopg import sql
from psycopg.types.json import Jsonb

from ava.clock import Clock
from ava.db.connection import Connection
from ava.db.failures import translated
from ava.db.pool import Database
from ava.db.query import Query
from ava.errors import AvaError, ConstraintError, DatabaseError

PAUSE_S: Final = 5.0  # after a lost connection; the queue is polled meanwhile
HEARD_S: Final = 30.0  # how long the ear waits before it makes sure that its connection lives

_UNIQUE_VIOLATION = "23505"
_log = logging.getLogger(__name__)


class Connector(BaseAsyncConnector):
    """Runs procrastinate's statements on a `Database`, which its owner opens and closes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get_sync_connector(self) -> BaseConnector:
        """Return itself: nothing here is asked for from another thread."""
        return self

    async def open_async(self, pool: Any = None) -> None:
        """Do nothing: the database is open already."""

    async def close_async(self) -> None:
        """Do nothing: the database is its owner's."""

    async def execute_query_async(self, query: str, **arguments: Any) -> None:
        """Run a statement for its effect.

        A heartbeat that fails is not the worker's end: the next one follows.
        """
        try:
            with _told():
                await self._database.execute(_named(query), _given(arguments))
        except exceptions.ConnectorException:
            if query != statements.queries["update_heartbeat"]:
                raise
            _log.warning("a heartbeat of the worker could not be written")

    async def execute_query_one_async(self, query: str, **arguments: Any) -> dict[str, Any]:
        """Return the one row of a statement; raise NoResult where there is none."""
        with _told():
            row = await self._database.fetch_one(_named(query), _given(arguments))
        if row is None:
            raise exceptions.NoResult
        return row

    async def execute_query_all_async(self, query: str, **arguments: Any) -> list[dict[str, Any]]:
        """Return the rows of a statement."""
        with _told():
            return await self._database.fetch(_named(query), _given(arguments))

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Pass notifications on until cancelled."""
        names = list(channels)
        while True:
            try:
                async with self._database.connection() as conn:
                    await self._listen(conn, on_notification, names)
            except AvaError as error:
                _log.warning("the queue is polled, since nothing is heard of it: %s", error)
            await self._clock.sleep(PAUSE_S)

    async def _listen(self, conn: Connection, tell: Notify, channels: Iterable[str]) -> None:
        deadline_s, conn.deadline_s = conn.deadline_s, None
        try:
            for channel in channels:
                await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            while True:
                async for heard in conn.notifies(timeout=HEARD_S):
                    await tell(channel=heard.channel, payload=heard.payload)
                conn.deadline_s = deadline_s
                await conn.execute("SELECT 1")
                conn.deadline_s = None
        finally:
            conn.deadline_s = deadline_s
            if not conn.closed:
                # The pool lends it to others, who must not hear this.
                await conn.execute("UNLISTEN *")


@contextmanager
def _told() -> Iterator[None]:
    """Raise what procrastinate knows how to take."""
    try:
        with translated():
            yield
    except ConstraintError as error:
        if error.sqlstate != _UNIQUE_VIOLATION:
            raise exceptions.ConnectorException(str(error)) from error
        raise exceptions.UniqueViolation(
            constraint_name=error.constraint or "", queueing_lock=None
        ) from error
    except DatabaseError as error:
        raise exceptions.ConnectorException(str(error)) from error


@cache
def _named(query: str) -> Query:
    """Return a statement of procrastinate's with a name that it is timed under."""
    for name, text in statements.queries.items():
        if text == query:
            return Query(f"queue_{name}", "Procrastinate's own.", text)
    return Query("queue_other", "Procrastinate's own.", query)


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in arguments.items()}


def _value(value: Any) -> Any:
    """Return an argument as psycopg takes it: dictionaries are JSON."""
    if isinstance(value, dict):
        return Jsonb(value, dumps=json.dumps)
    if isinstance(value, JobToDefer):
        return JobToDefer(**{name: _value(each) for name, each in value._asdict().items()})
    if isinstance(value, list):
        return [_value(each) for each in value]
    return value
