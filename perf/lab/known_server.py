"""The process behind `perf.lab.known`: the least HTTP server that is late exactly as told.

It reads requests by hand, since a framework's own milliseconds would be part of what is to be
known. A request counts when it is read. The port is told on stdout; the end of stdin is the end of
the process.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from os import _exit

from perf.lab.fineloop import fine_loop
from perf.lab.known import METRICS, TIMES, Behaviour, Serial, Stalling, unpacked
from perf.lab.launch import LOOPBACK

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_BACKLOG = 4096


def _reply(body: bytes, kind: bytes = b"application/json") -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
    return head % (kind, len(body)) + body


_OK = _reply(b'{"known":true}')


class Server:
    """What all connections share: the counts, and whose turn it is."""

    def __init__(self, behaviour: Behaviour, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._behaviour = behaviour
        self._counts = Counter[bytes]()
        self._seconds = defaultdict[bytes, float](float)
        self._number = 0
        self._free_at = 0.0  # of a serial server

    def due(self, path: bytes, now: float) -> float:
        """Count a request read at `now`; return when its answer is due."""
        delay_s = self._behaviour.delay_s(self._number, path.decode("latin-1"))
        self._counts[path] += 1
        self._seconds[path] += delay_s
        self._number += 1
        if isinstance(self._behaviour, Serial):
            self._free_at = max(self._free_at, now) + delay_s
            return self._free_at
        return now + delay_s

    def metrics(self) -> bytes:
        """Return the counts, and the sums of the delays told, in Prometheus' form."""
        # Nothing asked yet is told as zero: a counter that is not there would be unknown.
        lines = [f"# TYPE {TIMES} histogram", f"{TIMES}_count 0", f"{TIMES}_sum 0"]
        for path, count in sorted(self._counts.items()):
            label = f'{{path="{path.decode("latin-1")}"}}'
            lines.append(f"{TIMES}_count{label} {count}")
            lines.append(f"{TIMES}_sum{label} {self._seconds[path]:.6f}")
        return _reply("\n".join([*lines, ""]).encode(), b"text/plain; version=0.0.4")


class Connection(asyncio.Protocol):
    """One client; its requests are answered in turn."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._data = b""
        self._waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a connection of bytes was expected")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read what came, and answer if it is a whole request."""
        self._data += data
        self._serve()

    def _serve(self) -> None:
        while not self._waits and (end := self._whole()):
            path = self._data[: self._data.find(b"\r\n")].split(b" ")[1]
            self._data = self._data[end:]
            if path == METRICS.encode():
                self._transport.write(self._server.metrics())
                continue
            now = self._server.loop.time()
            due = self._server.due(path, now)
            if due > now:
                self._waits = True
                self._server.loop.call_at(due, self._answer)
            else:
                self._transport.write(_OK)

    def _whole(self) -> int:
        """Return where the first request ends; 0 while it is not all there."""
        head = self._data.find(_HEAD_END)
        if head < 0:
            return 0
        named = self._data[:head].lower().partition(_LENGTH)[2]
        end = head + len(_HEAD_END) + int(named.partition(b"\r\n")[0] or 0)
        return end if len(self._data) >= end else 0

    def _answer(self) -> None:
        self._waits = False
        if not self._transport.is_closing():
            self._transport.write(_OK)
            self._serve()


def _stop_now_and_then(loop: asyncio.AbstractEventLoop, stalling: Stalling) -> None:
    """Let the process stand still at the end of each period."""
    began = loop.time()

    def stop(period: int) -> None:
        time.sleep(max(0.0, began + period * stalling.every_s - loop.time()))
        loop.call_at(_begin(period + 1), stop, period + 1)

    def _begin(period: int) -> float:
        return began + period * stalling.every_s - stalling.for_s

    loop.call_at(_begin(1), stop, 1)


def _end_with_stdin() -> None:
    sys.stdin.read()
    _exit(0)


async def _listen(make: Callable[[], Connection]) -> int:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, LOOPBACK, 0, backlog=_BACKLOG)
    return int(server.sockets[0].getsockname()[1])


def main() -> None:
    """Serve the behaviour that is the argument."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    behaviour = unpacked(sys.argv[1])
    loop = fine_loop()
    server = Server(behaviour, loop)
    port = loop.run_until_complete(_listen(lambda: Connection(server)))
    gc.collect()
    gc.disable()  # its pauses would be delays that nobody knows of
    if isinstance(behaviour, Stalling):
        _stop_now_and_then(loop, behaviour)
    print(json.dumps({"port": port}), flush=True)
    loop.run_forever()


if __name__ == "__main__":
    main()
