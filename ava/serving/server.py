"""One process that serves: the core is opened, then the socket listens; it ends the other way.

The first SIGTERM or SIGINT stops accepting, lets running requests finish for as long as
`AVA_API_DRAIN_S`, closes WebSockets, and closes the core after the last request. A second one ends
the process at once. uvicorn would raise the signal again before the core is closed, so signals are
taken here.
"""

from __future__ import annotations

import asyncio
import importlib.util
import math
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn

from ava.api.app import create_app
from ava.core import Core
from ava.net.gateway import Deployment
from ava.serving.goodbye import Goodbye
from ava.settings import ApiSettings, Settings

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
# Longer than the 60 s after which load balancers end what is silent (000.13): so they close first,
# and no request meets a connection that is just closing.
KEEP_ALIVE_S: Final = 75

Started = Callable[[Core], None]


def run(
    settings: Settings,
    listener: socket.socket,
    started: Started,
    *,
    deployment: Deployment | None = None,
    lifeline: int | None = None,
) -> None:
    """Serve on a bound socket until a signal comes, or `lifeline` is closed at its other end.

    `started` is called once requests are answered. Raises ServerUnreachableError for a PostgreSQL
    that is configured and does not answer.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, listener, started, deployment, lifeline))


async def _serve(
    settings: Settings,
    listener: socket.socket,
    started: Started,
    deployment: Deployment | None,
    lifeline: int | None,
) -> None:
    async with Core.open(settings, deployment=deployment) as core:
        app = Goodbye(create_app(core))
        server = Server(app, settings.api, lambda: started(core))
        async with _held(lifeline, server.end):
            await server.serve([listener])


class Server(uvicorn.Server):
    """uvicorn's server with signals and a goodbye of our own."""

    def __init__(self, app: Goodbye, settings: ApiSettings, started: Callable[[], None]) -> None:
        super().__init__(_config(app, settings))
        self._goodbye = app
        self._started = started

    def end(self) -> None:
        """Begin to end; from now on a signal ends the process at once."""
        self.should_exit = True
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals while this serves."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.end)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in, say goodbye, and wait for the rest."""
        for accepting in self.servers:
            accepting.close()
        await self._goodbye.say()
        await super().shutdown(sockets)


def _config(app: Goodbye, settings: ApiSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools" if _is_there("httptools") else "h11",
        ws="websockets-sansio",
        ws_ping_interval=settings.heartbeat_s,
        ws_ping_timeout=settings.heartbeat_s,
        ws_max_size=settings.body_bytes,
        lifespan="on",
        log_config=None,
        access_log=False,  # metrics and traces count requests; a line for each is nobody's reading
        server_header=False,
        proxy_headers=False,  # nothing here believes what a client says of its address
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(settings.drain_s),
    )


@asynccontextmanager
async def _held(lifeline: int | None, end: Callable[[], None]) -> AsyncIterator[None]:
    """Call `end` once the pipe `lifeline` is closed by whoever started this process."""
    loop = asyncio.get_running_loop()

    def closed() -> None:
        loop.remove_reader(held)
        end()

    if lifeline is None:
        yield
        return
    held = lifeline
    loop.add_reader(held, closed)
    try:
        yield
    finally:
        loop.remove_reader(held)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    if not _is_there("uvloop"):
        return asyncio.new_event_loop
    import uvloop  # noqa: PLC0415 - not on every system

    return uvloop.new_event_loop


def _is_there(library: str) -> bool:
    return importlib.util.find_spec(library) is not None
