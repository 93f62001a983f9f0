"""One connection of the server: HTTP/1.1 read and written by hand, so that it can be done badly.

Resets in mid-body, lengths that are not kept and connections closed as they are reused are made on
the wire, where a well-behaved server does not let one. What is read is what clients of APIs send:
requests with a Content-Length or no body, kept alive, one after the other. Anything else is refused
with 400 and the end of the connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol

from perf.lab.providers.faults import Fault, Kind
from perf.lab.providers.provider import Reply, Request

_HEAD_END = b"\r\n\r\n"
_LONGEST_HEAD = 1 << 16
_DRIPS = 20
_RESET = struct.pack("ii", 1, 0)  # linger for zero seconds: close by reset
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Host(Protocol):
    """What serves the requests of a connection."""

    def serve(self, connection: Connection, target: str, request: Request) -> None:
        """Take a request; the answer goes to `connection.answer`."""
        ...

    def gone(self, connection: Connection) -> None:
        """Note that a connection has ended."""
        ...


class Connection(asyncio.Protocol):
    """One client's connection: reads a request, hands it on, and reads no more until answered.

    `owner` is the provider of its first request and `served` the requests before this one.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._heard = bytearray()
        self._busy = False
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None
        self._settled: Callable[[], None] | None = None
        self.transport: asyncio.Transport
        self.owner: str | None = None
        self.served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows asyncio's own type
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what was still to be sent."""
        del exc
        if self._timer is not None:
            self._timer.cancel()
        self._settle()
        self._host.gone(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes; serve a request as soon as it is whole."""
        self._heard += data
        if not self._busy:
            self._next()

    def answer(
        self, reply: Reply, delay_s: float, settled: Callable[[], None], fault: Fault | None = None
    ) -> None:
        """Send a reply after `delay_s`, or what `fault` leaves of it; then call `settled`.

        A client that goes away first settles it as well.
        """
        self._settled = settled
        self._later(delay_s, lambda: self._send(reply, fault))

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        match fault.kind if fault is not None else None:
            case Kind.SILENCE:
                pass
            case Kind.DROP:
                self.transport.close()
            case Kind.SHORT:
                self._send_half(reply)
                self.transport.close()
            case Kind.RESET:
                self._send_half(reply)
                self._reset()
            case Kind.DRIP if fault is not None:
                self.transport.write(_head(reply, len(reply.body)))
                self._drip(reply.body, fault.seconds / _DRIPS)
            case _:
                self.transport.write(_head(reply, len(reply.body)) + reply.body)
                self._done()

    def _send_half(self, reply: Reply) -> None:
        """Send half of the body, or none of an empty one that was promised."""
        whole = len(reply.body)
        self.transport.write(_head(reply, max(whole, 1)) + reply.body[: whole // 2])

    def _later(self, delay_s: float, then: Callable[[], None]) -> None:
        """Do `then` after `delay_s`, unless the client is gone by then."""
        if delay_s <= 0:
            then()
        else:
            self._timer = asyncio.get_running_loop().call_later(delay_s, then)

    def _reset(self) -> None:
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET
        )
        self.transport.abort()

    def _drip(self, rest: bytes, pause_s: float, size: int = 0) -> None:
        size = size or -(-len(rest) // _DRIPS)
        self.transport.write(rest[:size])
        if len(rest) > size:
            self._later(pause_s, lambda: self._drip(rest[size:], pause_s, size))
        else:
            self._later(pause_s, self._done)

    def _done(self) -> None:
        self.served += 1
        self._settle()
        self._busy = False
        if self._closing:
            self.transport.close()
        elif self._heard:
            self._next()

    def _settle(self) -> None:
        if self._settled is not None:
            self._settled()
            self._settled = None

    def _next(self) -> None:
        """Hand on the first request of what was heard, if it is whole."""
        end = self._heard.find(_HEAD_END)
        if end < 0:
            if len(self._heard) > _LONGEST_HEAD:
                self._refuse()
            return
        try:
            method, target, headers = _read_head(bytes(self._heard[:end]))
            length = int(headers.get("content-length", "0"))
        except ValueError:
            self._refuse()
            return
        whole = end + len(_HEAD_END) + length
        if len(self._heard) < whole:
            return
        body = bytes(self._heard[end + len(_HEAD_END) : whole])
        del self._heard[:whole]
        self._busy = True
        self._closing = headers.get("connection", "").lower() == "close"
        self._host.serve(self, target, Request(method, target, {}, headers, body))

    def _refuse(self) -> None:
        self.transport.write(_BAD)
        self.transport.close()


def _read_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Return method, target and headers; raise ValueError for what is no HTTP/1.1 request."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if version != "HTTP/1.1":
        raise ValueError(f"not HTTP/1.1: {version}")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise ValueError("a body without a length")
    return method, target, headers


def _head(reply: Reply, length: int) -> bytes:
    extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
    return (
        f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Unknown')}\r\n"
        f"Content-Type: {reply.content_type}\r\nContent-Length: {length}\r\n"
        f"Date: {formatdate(usegmt=True)}\r\n{extra}\r\n"
    ).encode("latin-1")
