"""The stream of news: `ava.api.stream` says what is spoken on it."""

from __future__ import annotations

from fastapi import WebSocket

from ava.api.route import Routes
from ava.api.stream import Streams
from ava.core import Core


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/stream", "stream")
    streams = core.service(Streams)

    @area.router.websocket("")
    async def stream(socket: WebSocket) -> None:
        """Tell a client which topics changed."""
        await streams.serve(socket)

    return area
