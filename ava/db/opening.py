"""How a connection string becomes connections: options, the first attempt, and its refusal.

The string may hold a password, so it is taken apart once, here; what is shown of it afterwards is
the place it points to. A malformed string is refused without quoting it and without its cause,
whose text would.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from ava.db.connection import Connection, Cursor
from ava.db.failures import refusal
from ava.errors import ServerUnreachableError, SettingsError
from ava.settings import DatabaseSettings

APPLICATION = "ava"


@dataclass(frozen=True, slots=True)
class Target:
    """A server to connect to; `place` is what may be shown of `conninfo`."""

    conninfo: str = field(repr=False)
    place: str

    @property
    def options(self) -> dict[str, Any]:
        """Return the arguments of `Connection.connect` beside the connection string.

        Autocommit, because a pooled connection must not sit in a transaction nobody asked for.
        """
        return {"autocommit": True, "row_factory": dict_row, "cursor_factory": Cursor}

    def unreachable(self, reason: str) -> ServerUnreachableError:
        """Return the error for a server that gave no connection."""
        return ServerUnreachableError(
            f"PostgreSQL at {self.place} cannot be reached: {reason}; check that it runs, and "
            f"{DatabaseSettings.key('url')}"
        )


def target(settings: DatabaseSettings) -> Target:
    """Read the connection string; raise SettingsError when it is absent or malformed."""
    try:
        given: dict[str, Any] = dict(conninfo_to_dict(settings.conninfo()))
    except psycopg.Error:
        raise SettingsError(
            f"{DatabaseSettings.key('url')} is not a connection string PostgreSQL understands; "
            "write postgresql://user:password@host:port/database"
        ) from None
    timeout = f"-c statement_timeout={math.ceil(settings.statement_timeout_s * 1000)}"
    own = {
        "application_name": APPLICATION,
        "connect_timeout": math.ceil(settings.connect_timeout_s),
        **given,
        # The string's own options come last, so that they win.
        "options": f"{timeout} {given.get('options', '')}".strip(),
    }
    return Target(make_conninfo("", **own), _place(given))


def _place(given: Mapping[str, Any]) -> str:
    """Return host and port; an "@" in the host is the rest of a password that was not escaped."""
    host = str(given.get("host", "the local socket"))
    shown = "a host with @ in it (write %40 for an @ in the password)" if "@" in host else host
    return f"{shown}:{given.get('port', 5432)}"


async def probe(
    where: Target, *, attempts: int, until: float, back_off: Callable[[int], Awaitable[None]]
) -> None:
    """Prove that the server can be reached; `until` is a time of the running loop.

    The pool alone would retry in its own time and log each failure, but not say the reason.
    Raises ServerUnreachableError.
    """
    reason = "no answer within the connect timeout"
    try:
        async with asyncio.timeout_at(until):
            for attempt in range(1, attempts + 1):
                try:
                    conn = await Connection.connect(where.conninfo, **where.options)
                except psycopg.OperationalError as error:
                    reason = refusal(error)
                else:
                    await conn.close()
                    return
                if attempt < attempts:
                    await back_off(attempt)
    except TimeoutError:
        pass  # the reason of the last attempt says more
    raise where.unreachable(f"{reason} ({attempts} attempts)")
