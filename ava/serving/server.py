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
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from typing import Final

import uvicorn

from ava.api.app import create_app
from ava.core import Core
from ava.net.gateway import Deployment
from ava.serving.goodbye import Goodbye
from ava.settings import ApiSettings, Settings
from ava.telemetry.telemetry import Telemetry

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
# Longer than the 60 s after which load balancers end what is silent (000.13): so they close first,
# and no request meets a connection that is just closing.
KEEP_ALIVE_S: Final = 75

Started = Callable[[Core], None]


@dataclass(frozen=True, slots=True)
class Serving:
    """How one process serves on a bound socket.

    `started` is called once requests are answered. With `worker` it does background work too. It
    is one of so many `processes`, and ends when a signal comes or when the pipe `lifeline` is
    closed at its other end.
    """

    settings: Settings
    listener: socket.socket
    started: Started
    worker: bool = False
    processes: int = 1
    lifeline: int | None = None

    def run(self) -> None:
        """Serve until the end; raise AvaError for what keeps it from starting."""
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with AsyncExitStack() as stack:
            share = Deployment(processes=max(self.processes, Deployment().processes))
            core = await stack.enter_async_context(Core.open(self.settings, deployment=share))
            app = Goodbye(create_app(core))
            await stack.enter_async_context(core.service(Telemetry).watching())
            if self.worker:
                await stack.enter_async_context(_working(core))
            server = Server(app, self.settings.api, lambda: self.started(core))
            await stack.enter_async_context(_held(self.lifeline, server.end))
            await server.serve([self.listener])


def _working(core: Core) -> AbstractAsyncContextManager[object]:
    """Return the worker; it is imported here, since most processes that serve have none."""
    from ava.background.worker import working  # noqa: PLC0415 - see above

    return working(core)


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
        log_level="warning",  # what it does as told, this process says itself
        access_log=False,  # `ava.telemetry` has the requests
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
