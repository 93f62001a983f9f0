"""The API and a bare ASGI application behind the same server, and a client that is quick enough.

Both applications are served by one process, by two uvicorn servers on one loop, of which one is
idle while the other is asked. The client holds its connections open, writes one prepared request to
each and then reads one answer from each; it is one and the same for both, so what it costs makes
their difference look smaller, and is kept small.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import msgspec
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from ava.api.app import create_app
from ava.api.parameters import Limit
from ava.api.route import Routes
from ava.core import Core
from ava.section import Secret
from ava.services.fresh import Fresh
from ava.services.lists import Listed
from ava.settings import ApiSettings, Settings
from perf.lab.launch import LOOPBACK
from perf.lab.swarm import Start

KEY = "claims-key"
KEPT, MADE = "/api/v1/rows/kept", "/api/v1/rows/made"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_PATIENCE_S = 10.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a list, as those of the platform are."""

    symbol: str
    price: float
    size: int
    open: bool


def rows(number: int = 16) -> Listed[Row]:
    """Return rows that take a kilobyte, as JSON."""
    return Listed(
        items=[
            Row(symbol=f"SYM{n:03}", price=100 + n / 8, size=100 * n, open=n % 2 == 0)
            for n in range(number)
        ]
    )


def area() -> Routes:
    """Return routes that do no I/O: one whose answer is good for an hour, and one made anew."""
    made = Routes("/api/v1/rows", "rows")

    @made.get("/kept", answers=Listed[Row], example=rows(1))
    async def kept() -> Fresh[Listed[Row]]:
        """Return rows that stay as they are."""
        return Fresh(rows(), 3600.0, ("rows",))

    @made.get("/made", answers=Listed[Row], example=rows(1))
    async def made_anew(limit: Limit = 16) -> Listed[Row]:
        """Return rows that nobody keeps."""
        return rows(limit)

    return made


def bare() -> ASGIApp:
    """Return the least application that answers with the same bytes."""
    body = msgspec.json.encode(rows())
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
    }
    whole = {"type": "http.response.body", "body": body}

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start)
        await send(whole)

    return application


def serve(start: Start, ports: Sequence[int]) -> None:
    """Serve the bare application and the API on these ports until killed: a swarm's member."""
    uvloop.run(_serve(start, ports))


async def _serve(start: Start, ports: Sequence[int]) -> None:
    settings = Settings(api=ApiSettings(keys=Secret(f"claims:{KEY}")))
    async with Core.open(settings) as core:
        servers = [
            uvicorn.Server(
                uvicorn.Config(
                    app, host=LOOPBACK, port=port, http="httptools", ws="none", lifespan="off",
                    access_log=False, log_config=None, server_header=False, timeout_keep_alive=75,
                )
            )
            for app, port in zip((bare(), create_app(core, [area()])), ports, strict=True)
        ]  # fmt: skip
        async with asyncio.TaskGroup() as serving:
            for server in servers:
                serving.create_task(server.serve())
            while not all(server.started for server in servers):  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(0.005)
            await start.wait()


def free_ports(number: int) -> list[int]:
    """Return loopback ports that nobody has."""
    held = [socket.socket() for _ in range(number)]
    try:
        for one in held:
            one.bind((LOOPBACK, 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


class Connections:
    """Connections kept open to one address, each asked once a round."""

    def __init__(self, port: int, path: str, number: int, headers: Sequence[str] = ()) -> None:
        lines = [f"GET {path} HTTP/1.1", f"Host: {LOOPBACK}:{port}", "Accept: */*", *headers]
        self._request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self._sockets = [socket.create_connection((LOOPBACK, port)) for _ in range(number)]
        for one in self._sockets:
            one.settimeout(_PATIENCE_S)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.close()

    def round(self) -> bytes:
        """Ask on every connection, and return the last body; raise RuntimeError for no 200."""
        request, body = self._request, b""
        for one in self._sockets:
            one.sendall(request)
        for one in self._sockets:
            body = _body(one)
        return body

    def waits(self) -> list[float]:
        """Ask on every connection at once; return the seconds from then to each answer."""
        began, waits = perf_counter(), []
        for one in self._sockets:
            one.sendall(self._request)
        for one in self._sockets:
            _body(one)
            waits.append(perf_counter() - began)
        return waits


def _body(wire: socket.socket) -> bytes:
    """Read one response of a known length."""
    data = wire.recv(65536)
    while (end := data.find(_HEAD_END)) < 0:
        data += _more(wire)
    length = _LENGTH.search(data, 0, end)
    if not data.startswith(b"HTTP/1.1 200") or length is None:
        raise RuntimeError(f"no good answer: {data[:200]!r}")
    whole = end + len(_HEAD_END) + int(length[1])
    while len(data) < whole:
        data += _more(wire)
    return data[end + len(_HEAD_END) :]


def _more(wire: socket.socket) -> bytes:
    more = wire.recv(65536)
    if not more:
        raise RuntimeError("the server closed the connection")
    return more


async def ask(app: ASGIApp, path: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """Ask an application in this process; return the body, raise RuntimeError for no 200."""
    sent: list[Any] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("ava", 80), "client": ("claims", 1),
        "headers": [(b"host", b"ava"), (b"accept", b"*/*"), *headers],
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if sent[0]["status"] != 200:
        raise RuntimeError(f"no good answer: {sent}")
    return b"".join(message.get("body", b"") for message in sent[1:])
