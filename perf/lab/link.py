"""A network in small: links that are long or narrow, and lanes of bytes on their way.

A delay line: each chunk gets the moment at which it arrives and waits for it in a queue, so what
is in flight overlaps, as on a network. Nobody looks at a clock here; `now` is passed in, in
seconds. Bytes and their order are kept, always.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_CHUNK = 1 << 16
_HELD = 1 << 20  # what one way of a connection may hold before its sender has to wait
_SLICE_S = 0.005  # on a narrow link, how much time's worth of bytes moves at once


@dataclass(slots=True)
class Link:
    """One way of the network, shared by all connections: how long it is and how wide."""

    delay_s: float = 0.0
    rate: float | None = None
    free_at: float = 0.0

    def due(self, size: int, now: float) -> float:
        """Return when `size` bytes that enter the link now have left it."""
        if self.rate is None:
            return now + self.delay_s
        self.free_at = max(self.free_at, now) + size / self.rate
        return self.free_at + self.delay_s

    @property
    def chunk(self) -> int:
        """Return how many bytes to move at once, so that a narrow link flows evenly."""
        return _CHUNK if self.rate is None else min(_CHUNK, max(1, int(self.rate * _SLICE_S)))


@dataclass(eq=False, slots=True)
class Lane:
    """One way of one connection: bytes on their way from `source` to `sink`."""

    source: socket.socket
    sink: socket.socket
    link: Link
    count: Callable[[bytes], None]
    opens_at: float
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)
    held: int = 0
    last_due: float = 0.0
    blocked: bool = False  # until the sink is writable; the owner of the lane watches it
    ended: bool = False  # the source sent its end, which waits in the queue as empty bytes
    done: bool = False

    def may_read(self) -> bool:
        """Say whether there is room for more."""
        return not self.ended and self.held < _HELD

    def read(self, now: float) -> bytes:
        """Take what the source has sent; it is due at the sink at `last_due`."""
        data = self.source.recv(self.link.chunk)
        due = self.link.due(len(data), max(now, self.opens_at))
        self.last_due = max(due, self.last_due)  # on a link made shorter none overtakes
        self.waiting.append((self.last_due, data))
        self.held += len(data)
        self.ended = not data
        return data

    def flush(self, now: float) -> None:
        """Send what is due, until the sink takes no more and the lane is `blocked`."""
        while self.waiting and self.waiting[0][0] <= now and not self.blocked:
            due, data = self.waiting.popleft()
            if not data:
                self.sink.shutdown(socket.SHUT_WR)
                self.done = True
                return
            sent = _send(self.sink, data)
            self.held -= sent
            if sent < len(data):
                self.waiting.appendleft((due, data[sent:]))
                self.blocked = True


def _send(sink: socket.socket, data: bytes) -> int:
    try:
        return sink.send(data)
    except BlockingIOError:
        return 0
