"""WebSockets are told that the server goes away, and are closed with 1001.

The server itself would close them with 1012, "service restart", which says more than it knows. An
application need not do anything: from then on its messages are dropped as if its client had left,
and it is told of the disconnection.
"""

from __future__ import annotations

import contextlib
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

GOING_AWAY: Final = 1001


class Goodbye:
    """A layer around an application that knows its open WebSockets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: dict[int, _Socket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and remember a WebSocket while it is open."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        held = _Socket(send)
        self._open[id(held)] = held
        try:
            await self._app(scope, receive, held.send)
        finally:
            del self._open[id(held)]

    async def say(self) -> None:
        """Close every WebSocket that was accepted."""
        for held in list(self._open.values()):
            await held.close()


class _Socket:
    """The sending half of one WebSocket."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._accepted = False
        self._closed = False

    async def send(self, message: Message) -> None:
        """Send a message; raise OSError, as for a client that left, once it is closed."""
        if self._closed:
            raise OSError("the server goes away")
        self._accepted = self._accepted or message["type"] == "websocket.accept"
        self._closed = message["type"] == "websocket.close"
        await self._send(message)

    async def close(self) -> None:
        """Say goodbye, unless one of both sides has left already."""
        if self._closed or not self._accepted:
            return
        self._closed = True
        farewell = {"type": "websocket.close", "code": GOING_AWAY, "reason": "the server goes away"}
        with contextlib.suppress(OSError):  # the client was faster
            await self._send(farewell)
