"""Read PostgreSQL's protocol from two streams of bytes, as far as counting needs it.

Streams come in chunks cut anywhere, so the reader keeps only where it stands: how much of the
present message is still to pass, and a header that is not complete. It looks at types and lengths
and never at contents. What it cannot read (encryption, another protocol) it says; it never guesses.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, fields

_HEADER = struct.Struct(">cI")
_STARTUP = struct.Struct(">II")
_LONGEST_STARTUP = 10_000  # the server's own limit; a TLS record read as a length is far above
_SSL, _GSS = 80877103, 80877104


class WireError(Exception):
    """These bytes are not PostgreSQL's protocol."""


@dataclass(slots=True)
class Tally:
    """What all connections of a proxy carried; `unread` says why messages could not be counted."""

    statements: int = 0
    round_trips: int = 0
    connections: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    unread: str = ""

    def clear(self) -> None:
        """Start from nothing, in place: the connections go on counting into it."""
        for each in fields(self):
            setattr(self, each.name, each.default)


class Framing:
    """Cut a stream into messages of one type byte and a length, after `skip` bytes."""

    def __init__(self, skip: int = 0) -> None:
        self._skip = skip
        self._head = b""

    def feed(self, data: bytes) -> bytes:
        """Return the types of the messages whose header is complete with `data`.

        Raises WireError for a length that no message can have.
        """
        data = self._head + data
        at, end = self._skip, len(data)
        types = []
        while at + _HEADER.size <= end:
            kind, length = _HEADER.unpack_from(data, at)
            if length < _HEADER.size - 1:
                raise WireError(f"a message of type {kind!r} cannot have length {length}")
            types.append(kind)
            at += 1 + length
        self._head = data[at:]
        self._skip = max(0, at - end)
        return b"".join(types)


class Wire:
    """Count one connection into `tally`: its bytes and, where it `reads`, its messages."""

    def __init__(self, tally: Tally, *, reads: bool = True) -> None:
        self._tally = tally
        self._opening = b""
        self._frontend: Framing | None = None  # None while the connection is being opened
        self._backend = Framing()
        self._asked_encryption = False
        self._ready = False
        self._unread = "" if reads else "the proxy was told not to read what crosses it"

    def sent(self, data: bytes) -> None:
        """Take in bytes of the client."""
        self._tally.bytes_sent += len(data)
        self._read(self._read_frontend, data)

    def received(self, data: bytes) -> None:
        """Take in bytes of the server."""
        self._tally.bytes_received += len(data)
        self._read(self._read_backend, data)

    def _read(self, reader: Callable[[bytes], None], data: bytes) -> None:
        if not self._unread:
            try:
                reader(data)
            except WireError as error:
                self._unread = str(error)
        if self._unread:
            self._tally.unread = self._unread

    def _read_frontend(self, data: bytes) -> None:
        if self._frontend is None:
            self._opening += data
            data = self._open()
        if self._frontend is not None:
            types = self._frontend.feed(data)
            self._tally.statements += types.count(b"Q") + types.count(b"E")

    def _open(self) -> bytes:
        """Read what stands before the typed messages, and return what is left after it."""
        while self._frontend is None and len(self._opening) >= _STARTUP.size:
            length, code = _STARTUP.unpack_from(self._opening)
            if not _STARTUP.size <= length <= _LONGEST_STARTUP:
                raise WireError("the connection does not open as PostgreSQL's does")
            self._opening = self._opening[_STARTUP.size :]
            if code in (_SSL, _GSS):
                self._asked_encryption = True
            else:
                self._frontend = Framing(skip=length - _STARTUP.size)
        return self._opening

    def _read_backend(self, data: bytes) -> None:
        if self._asked_encryption and data:
            self._asked_encryption = False
            if data[:1] in b"SG":
                raise WireError("the connection is encrypted")
            # N is one byte of refusal. Anything else is a message: a server's error.
            data = data.removeprefix(b"N")
        ready = self._backend.feed(data).count(b"Z")
        if ready and not self._ready:
            self._ready = True
            ready -= 1  # the end of opening the connection, not of a request
        self._tally.round_trips += ready
