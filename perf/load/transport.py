"""Requests on the wire: HTTP/1.1 over kept connections, with nothing done behind the caller's back.

Ready-made clients repeat a request whose connection breaks, some as often as their pool is large,
and follow redirects; errors then vanish from the figures and the server counts more than was sent.
Here a request is repeated in one case: a kept connection turns out to have been closed by the
server before this request, which any client would open anew. Other failures are results.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httptools

from perf.errors import UserError
from perf.load.scenario import Answer, Ask

TIMEOUT_S = 30.0
_CHUNK = 65536


class TargetError(UserError):
    """The address to attack cannot be used."""


class BrokenAnswerError(Exception):
    """The server closed the connection in an answer, or before one."""


class _StaleError(Exception):
    """A kept connection was closed before this request."""


@dataclass(slots=True)
class _Reader:
    """Collects one answer from the parser's calls; an answer to HEAD ends with its headers."""

    bodiless: bool
    body: list[bytes] = field(default_factory=list)
    encoded: bool = False
    framed: bool = False
    connection: bytes = b""
    headed: bool = False
    complete: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-encoding" and value.lower() == b"gzip":
            self.encoded = True
        elif name in {b"content-length", b"transfer-encoding"}:
            self.framed = True
        elif name == b"connection":
            self.connection = value.lower()

    def on_headers_complete(self) -> None:
        self.headed = True
        self.complete = self.bodiless

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: scheme, host, port and the prefix of paths."""

    host: str
    port: int
    tls: bool
    prefix: str
    address: tuple[socket.AddressFamily, tuple[Any, ...]]


def target(url: str) -> Target:
    """Read and resolve a URL, once: looking names up is not the server's time."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TargetError(f"{url!r} is no http:// or https:// address")
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TargetError(f"{parts.hostname} cannot be resolved: {error.strerror}") from error
    return Target(parts.hostname, port, tls, parts.path.rstrip("/"), (found[0][0], found[0][4]))


class Transport:
    """Sends requests to one target, each on a connection that no other request is using."""

    def __init__(self, where: Target, headers: Mapping[str, str] | None = None) -> None:
        self._target = where
        self._idle: list[socket.socket] = []
        self._tls = ssl.create_default_context() if where.tls else None
        named = f"[{where.host}]" if ":" in where.host else where.host
        given = {
            "Host": named if where.port in {80, 443} else f"{named}:{where.port}",
            "User-Agent": "ava-perf",
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
            **(headers or {}),
        }
        self._head = _lines(given)

    def send(self, ask: Ask) -> Answer:
        """Return the answer; OSError or BrokenAnswerError where there is none."""
        request = self._request(ask)
        while self._idle:
            try:
                return self._exchange(self._idle.pop(), request, ask, kept=True)
            except _StaleError:
                continue
        return self._exchange(self._connect(), request, ask, kept=False)

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _request(self, ask: Ask) -> bytes:
        head = f"{ask.method} {self._target.prefix}{ask.path} HTTP/1.1\r\n{self._head}"
        if ask.headers:
            head += _lines(ask.headers)
        if ask.body is None:
            return f"{head}\r\n".encode("latin-1")
        body = json.dumps(ask.body).encode()
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode("latin-1") + body

    def _connect(self) -> socket.socket:
        family, address = self._target.address
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(TIMEOUT_S)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.connect(address)
            if self._tls is not None:
                return self._tls.wrap_socket(made, server_hostname=self._target.host)
        except BaseException:
            made.close()
            raise
        return made

    def _exchange(
        self, connection: socket.socket, request: bytes, ask: Ask, *, kept: bool
    ) -> Answer:
        try:
            answer, reusable = _converse(connection, request, ask, kept=kept)
        except BaseException:
            connection.close()
            raise
        if reusable:
            self._idle.append(connection)
        else:
            connection.close()
        return answer


def _converse(
    connection: socket.socket, request: bytes, ask: Ask, *, kept: bool
) -> tuple[Answer, bool]:
    """Send and read; return the answer and whether the connection can be used again."""
    reader = _Reader(bodiless=ask.method == "HEAD")
    parser = httptools.HttpResponseParser(reader)
    heard, ended = False, 0.0
    try:
        connection.sendall(request)
        while not reader.complete:
            data = connection.recv(_CHUNK)
            ended = time.monotonic()
            if not data:
                break
            heard = True
            parser.feed_data(data)
    except (BrokenPipeError, ConnectionResetError) as error:
        if kept and not heard:
            raise _StaleError from error
        raise
    except httptools.HttpParserError as error:
        raise BrokenAnswerError(f"not HTTP: {error}") from error
    if not heard:
        raise _StaleError if kept else BrokenAnswerError("closed before an answer")
    return _answer(parser, reader, ask, ended), reader.complete and _lasts(parser, reader)


def _lasts(parser: httptools.HttpResponseParser, reader: _Reader) -> bool:
    """Whether the server keeps the connection; the parser has forgotten once the answer is over."""
    if parser.get_http_version() == "1.0":
        return reader.connection == b"keep-alive"
    return reader.connection != b"close"


def _answer(
    parser: httptools.HttpResponseParser, reader: _Reader, ask: Ask, ended: float
) -> Answer:
    if not reader.complete and (reader.framed or not reader.headed):
        raise BrokenAnswerError("closed in the middle of an answer")
    body = b"".join(reader.body)
    if reader.encoded and ask.follow is not None:
        body = gzip.decompress(body)
    return Answer(parser.get_status_code(), body, ended)


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
