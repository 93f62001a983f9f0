"""The process behind `perf.lab.proxy`: one thread that moves bytes when they are due.

One thread means no locks and no hand-over; it sleeps in `select`, whose timeouts are fine where
those of epoll are rounded up to a millisecond. Orders come as JSON lines on stdin, answers go to
stdout, and the end of stdin is the end of the process. It never loses or changes a byte unless
told to cut.
"""

from __future__ import annotations

import ctypes
import errno
import heapq
import itertools
import json
import os
import select
import selectors
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from perf.lab.link import Lane, Link
from perf.lab.wire import Tally, Wire

_ORDERS = 1 << 16
_CONNECT_S = 5.0
_IDLE_S = 1.0
_PR_SET_TIMERSLACK = 29
_RESET = struct.pack("ii", 1, 0)  # linger for zero seconds: close by reset


@dataclass(frozen=True, slots=True)
class Target:
    """What connections are passed on to."""

    family: int
    address: Any  # as the family wants it


class Relay:
    """All connections of a proxy, and the loop that serves them."""

    def __init__(self, host: str, port: int, *, reads_wire: bool) -> None:
        self._target = _resolve(host, port)
        self._reads_wire = reads_wire
        self._there, self._back = Link(), Link()
        self._tally = Tally()
        self._lanes: dict[socket.socket, tuple[Lane, Lane]] = {}  # from the socket, and to it
        self._watched: dict[socket.socket, int] = {}
        self._due: list[tuple[float, int, Lane]] = []
        self._numbers = itertools.count()  # so that lanes due at one moment are not compared
        self._stalled = False
        self._ending = False
        self._heard = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._hear)
        # Bound but never listening: it keeps the port ours while connections are refused.
        self._holder = _bind(0)
        self.port = int(self._holder.getsockname()[1])
        self._listener: socket.socket | None = None
        self._listen()

    def run(self) -> None:
        """Serve until stdin ends or the parent is gone."""
        parent = os.getppid()
        while not self._ending and os.getppid() == parent:
            # The selector's own descriptor is readable when any of its sockets is.
            select.select([self._selector.fileno()], [], [], self._pause_s())
            for key, events in self._selector.select(0):
                key.data(events)
            while self._due and not self._pause_s():
                self._move(heapq.heappop(self._due)[2])
        self._cut(refuse=True)

    def _pause_s(self) -> float:
        if self._stalled or not self._due:
            return _IDLE_S
        return min(_IDLE_S, max(0.0, self._due[0][0] - time.monotonic()))

    def _hear(self, _events: int) -> None:
        data = os.read(sys.stdin.fileno(), _ORDERS)
        self._ending = not data
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            _tell(self._obey(*json.loads(line)))

    def _obey(self, order: str, value: float | None) -> dict[str, Any]:
        match order:
            case "rtt":
                self._there.delay_s = self._back.delay_s = (value or 0.0) / 2
            case "rate":
                self._there.rate = self._back.rate = value
            case "cut":
                self._cut(refuse=bool(value))
            case "stall" | "resume":
                self._set_stalled(stalled=order == "stall")
            case "counts":
                return asdict(self._tally)
            case "reset":
                self._tally.clear()
            case _:
                raise ValueError(f"no such order: {order}")
        return {}

    def _cut(self, *, refuse: bool) -> None:
        for lane, _ in list(self._lanes.values()):
            self._drop(lane, reset=True)
        self._refuse()  # also resets what has connected but was not accepted yet
        if not refuse:
            self._listen()

    def _set_stalled(self, *, stalled: bool) -> None:
        self._stalled = stalled
        for end in self._lanes:
            self._watch(end)
        if not stalled:
            self._listen()

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = _bind(self.port)
            self._listener.listen(512)
            self._listener.settimeout(0)
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _refuse(self) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, _events: int) -> None:
        if self._listener is None:
            return
        try:
            client, _ = self._listener.accept()
        except OSError:  # the client is gone already
            return
        self._tally.connections += 1
        server = socket.socket(self._target.family)
        try:
            _start_connecting(server, self._target)
        except OSError:
            _close(client, reset=True)
            _close(server, reset=True)
        else:
            self._join(client, server)

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        wire = Wire(self._tally, reads=self._reads_wire)
        now = time.monotonic()
        # Opening takes a round trip on a network; a client on loopback has not waited for it.
        opens_at = now + self._there.delay_s + self._back.delay_s
        there = Lane(client, server, self._there, wire.sent, opens_at, blocked=True)
        back = Lane(server, client, self._back, wire.received, now)
        self._lanes[client], self._lanes[server] = (there, back), (back, there)
        for end in (client, server):
            end.settimeout(0)
            if end.family != socket.AF_UNIX:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._watch(end)  # the server's end becomes writable when it is connected

    def _watch(self, end: socket.socket) -> None:
        """Ask the selector for what `end` is wanted for, and for nothing else."""
        leaving, coming = self._lanes[end]
        wanted = selectors.EVENT_READ if leaving.may_read() else 0
        if coming.blocked and not self._stalled:
            wanted |= selectors.EVENT_WRITE
        before = self._watched.get(end, 0)
        if wanted == before:
            return
        self._watched[end] = wanted
        if not wanted:
            self._selector.unregister(end)
        elif before:
            self._selector.modify(end, wanted, partial(self._serve, end))
        else:
            self._selector.register(end, wanted, partial(self._serve, end))

    def _serve(self, end: socket.socket, events: int) -> None:
        if events & selectors.EVENT_READ and end in self._lanes:
            self._read(self._lanes[end][0])
        if events & selectors.EVENT_WRITE and end in self._lanes:
            lane = self._lanes[end][1]
            lane.blocked = False
            self._move(lane)

    def _read(self, lane: Lane) -> None:
        now = time.monotonic()
        try:
            data = lane.read(now)
        except BlockingIOError:
            return
        except OSError:
            self._drop(lane, reset=True)
            return
        self._watch(lane.source)
        if lane.last_due > now or self._stalled:
            heapq.heappush(self._due, (lane.last_due, next(self._numbers), lane))
        else:
            self._move(lane)
        lane.count(data)  # last, since the receiver can go on meanwhile

    def _move(self, lane: Lane) -> None:
        if lane.source not in self._lanes or lane.blocked or self._stalled:
            return
        try:
            lane.flush(time.monotonic())
        except OSError:
            self._drop(lane, reset=True)
            return
        opposite, _ = self._lanes[lane.sink]
        if lane.done and opposite.done:
            self._drop(lane, reset=False)
            return
        self._watch(lane.source)
        self._watch(lane.sink)

    def _drop(self, lane: Lane, *, reset: bool) -> None:
        for end in (lane.source, lane.sink):
            if self._lanes.pop(end, None) is None:
                continue
            if self._watched.pop(end, 0):
                self._selector.unregister(end)
            _close(end, reset=reset)


def _bind(port: int) -> socket.socket:
    """Return a socket bound to a loopback port that other sockets of ours may share."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _resolve(host: str, port: int) -> Target:
    """Return where `host` is; of several addresses, the first that accepts a connection."""
    if host.startswith("/"):
        return Target(socket.AF_UNIX, host)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    targets = [Target(family, address) for family, _, _, _, address in found]
    for target in targets if len(targets) > 1 else ():
        with suppress(OSError), socket.socket(target.family) as probe:
            probe.settimeout(_CONNECT_S)
            probe.connect(target.address)
            return target
    return targets[0]


def _start_connecting(server: socket.socket, target: Target) -> None:
    """Connect without waiting: a slow target must not hold up the connections of others."""
    server.settimeout(0 if target.family != socket.AF_UNIX else None)
    problem = server.connect_ex(target.address)
    if problem not in (0, errno.EINPROGRESS):
        raise OSError(problem, os.strerror(problem))


def _close(end: socket.socket, *, reset: bool) -> None:
    if reset:
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()


def _tell(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _sharpen_timer() -> None:
    """Ask Linux not to round this process's timers: by default it wakes up 0.05 ms late."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def main() -> None:
    """Relay for the target and protocol given as arguments, telling the port first."""
    host, port, protocol = sys.argv[1:]
    _sharpen_timer()
    relay = Relay(host, int(port), reads_wire=protocol == "postgres")
    _tell({"port": relay.port})
    relay.run()


if __name__ == "__main__":
    main()
