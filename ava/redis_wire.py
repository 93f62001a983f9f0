"""One connection to Redis on which many commands are under way at once, answered in order.

A cache or a limiter asks thousands of times a second, and most of redis-py's price is not the
asking: it takes a connection from the pool, packs in Python, records the command and gives the
connection back. Here a command is one write and its reply one future. Only plain connections are
opened, by TCP or by socket; what else there is (TLS, credentials that change) is redis-py's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, cast

import hiredis
from redis.asyncio.connection import Connection, ConnectionPool, UnixDomainSocketConnection
from redis.exceptions import AuthenticationError, NoScriptError, ResponseError
from redis.exceptions import ConnectionError as UnconnectedError

_UNFINISHED = object()
_PLAIN = (Connection, UnixDomainSocketConnection)


Part = bytes | str | int | float


def pack(*command: Part) -> bytes:
    """Return a command as it goes over the wire."""
    packed: bytes = hiredis.pack_command(cast("Any", command))  # annotated as one argument only
    return packed


class Wire:
    """The connection, opened at the first call and again after each loss.

    Errors are redis-py's own. One event loop uses it.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._replies: _Replies | None = None
        self._opening = asyncio.Lock()

    @classmethod
    def beside(cls, pool: ConnectionPool) -> Wire | None:
        """Return a wire to the server of `pool`, None where only redis-py can connect to it."""
        options = pool.connection_kwargs
        if pool.connection_class not in _PLAIN or options.get("credential_provider"):
            return None
        return cls(options)

    async def ask(self, packed: bytes) -> Any:
        """Return the reply to one command; raise ResponseError where it is an error.

        A caller that is cancelled leaves; its reply is read and dropped.
        """
        replies = self._replies
        if replies is None or replies.lost:
            replies = await self._open()
        return await replies.to(packed)

    def drop(self) -> None:
        """Close the connection; whoever waits for a reply gets ConnectionError."""
        if self._replies is not None:
            self._replies.abort()
            self._replies = None

    async def aclose(self) -> None:
        """Close the connection and see it closed."""
        replies = self._replies
        self.drop()
        if replies is not None:
            await replies.closed.wait()

    async def _open(self) -> _Replies:
        async with self._opening:
            if self._replies is not None and not self._replies.lost:
                return self._replies
            replies = await self._connect()
            try:
                for command in self._greeting():
                    await replies.to(pack(*command))
            except BaseException:
                replies.abort()
                raise
            self._replies = replies
            return replies

    async def _connect(self) -> _Replies:
        loop, options = asyncio.get_running_loop(), self._options
        if "path" in options:
            _, replies = await loop.create_unix_connection(_Replies, options["path"])
        else:
            host, port = options.get("host", "localhost"), options.get("port", 6379)
            _, replies = await loop.create_connection(_Replies, host, port)
        return replies

    def _greeting(self) -> list[tuple[bytes, ...]]:
        name, password, database = map(self._options.get, ("username", "password", "db"))
        commands: list[tuple[bytes, ...]] = []
        if password:
            who = (name.encode(),) if name else ()
            commands.append((b"AUTH", *who, password.encode()))
        if database:
            commands.append((b"SELECT", str(database).encode()))
        return commands


class _Replies(asyncio.Protocol):
    """Matches replies with those who wait for them, first come first served."""

    def __init__(self) -> None:
        self.lost = False
        self.closed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_UNFINISHED)
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.lost = True
        self.closed.set()
        while self._waiting:
            _fail(self._waiting.popleft(), UnconnectedError("the connection was lost"))

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _UNFINISHED:
                self._deliver(reply)
        except (hiredis.ProtocolError, IndexError):  # no reply of Redis, or one nobody asked for
            self.abort()

    def to(self, packed: bytes) -> asyncio.Future[Any]:
        """Send a command and return its reply to come."""
        if self._transport is None or self.lost:
            raise UnconnectedError("the connection was lost")
        waiting = self._loop.create_future()
        self._waiting.append(waiting)
        self._transport.write(packed)
        return waiting

    def abort(self) -> None:
        """Close at once: no reply is waited for."""
        self.lost = True
        if self._transport is not None:
            self._transport.abort()

    def _deliver(self, reply: Any) -> None:
        waiting = self._waiting.popleft()
        if isinstance(reply, hiredis.ReplyError):
            _fail(waiting, _refused(str(reply)))
        elif not waiting.done():
            waiting.set_result(reply)


def _fail(waiting: asyncio.Future[Any], error: Exception) -> None:
    if not waiting.done():
        waiting.set_exception(error)


def _refused(text: str) -> Exception:
    """Return the error for a reply: a server that does not let us in, or cannot serve yet, is away.

    As with redis-py, which takes LOADING and a refused password for connection errors.
    """
    if text.startswith(("NOAUTH", "WRONGPASS")):
        return AuthenticationError("Redis refuses the password")
    if text.startswith(("LOADING", "MASTERDOWN")):
        return UnconnectedError("Redis is not ready")
    if text.startswith("NOSCRIPT"):
        return NoScriptError(text)
    return ResponseError(text)
