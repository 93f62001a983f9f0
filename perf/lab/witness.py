"""An independent witness of response times: an open loop over raw sockets, in its own process.

It shares no code with the load generator, whose figures it is held against. Requests are due at a
constant rate from a start; each takes a connection that is idle, or a new one, and is sent whatever
became of the others. What is told are the raw moments of every request (due, sent, end, in seconds
since the start), no histogram and no estimate. It is a measuring tool for a server of known
behaviour on loopback, and refuses anything but 200.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from perf.lab import Unavailable
from perf.lab.fineloop import fine_loop
from perf.lab.guard import PACKAGE_ROOT

_LEAD_S: Final = 0.2  # from the first connection to the first due time
_PATIENCE_S: Final = 30.0
_GOOD: Final = b"HTTP/1.1 200"
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, in seconds since the start."""

    due_s: float
    sent_s: float
    end_s: float

    @property
    def response_s(self) -> float:
        """Return what a caller would have waited."""
        return self.end_s - self.due_s

    @property
    def service_s(self) -> float:
        """Return what the server took, as a client sees it."""
        return self.end_s - self.sent_s


def witness(url: str, path: str, rate: float, seconds: float) -> list[Seen]:
    """Send `rate` requests a second for so long, from another process; return all of them.

    Raises Unavailable when one is not answered with 200, for then nothing is known.
    """
    job = json.dumps({"url": url, "path": path, "rate": rate, "seconds": seconds})
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from perf.lab.witness import main; main()", job],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE_ROOT,
        env={"PYTHONPATH": str(PACKAGE_ROOT)},
    )
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["it left no message"]
        raise Unavailable(f"the witness failed: {words[-1]}")
    return [Seen(*moments) for moments in json.loads(done.stdout)]


def due_times(rate: float, seconds: float) -> list[float]:
    """Return when requests are due: evenly, from zero."""
    return [number / rate for number in range(round(rate * seconds))]


class _Line(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._data = b""
        self.number = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a connection of bytes was expected")
        self._transport = transport

    def send(self, number: int, request: bytes) -> None:
        self.number = number
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        ended = self._run.now()
        self._data += data
        head = self._data.find(_HEAD_END)
        if head < 0:
            return
        length = self._data[:head].lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(self._data) < head + len(_HEAD_END) + int(length):
            return
        good, self._data = self._data.startswith(_GOOD), b""
        self._run.end(self, ended, good=good)

    def connection_lost(self, error: Exception | None) -> None:
        self._run.lost(self, error)


class _Run:
    """All requests of a run: what was due, sent and ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop, url: str, path: str) -> None:
        parts = urlsplit(url)
        self._loop = loop
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
        self._idle: list[_Line] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._moments: list[list[float]] = []
        self._left = 0
        self._done = loop.create_future()
        self._began = 0.0

    def now(self) -> float:
        return self._loop.time() - self._began

    async def go(self, due: list[float]) -> list[list[float]]:
        self._idle.append(await self._open())
        self._left = len(due)
        self._moments = [[at_s, 0.0, 0.0] for at_s in due]
        self._began = self._loop.time() + _LEAD_S
        self._loop.call_at(self._began, self._send_due, 0)
        async with asyncio.timeout(_LEAD_S + due[-1] + _PATIENCE_S):
            await self._done
        return self._moments

    def _send_due(self, number: int) -> None:
        """Send all that is due by now, and come back for the next."""
        while number < len(self._moments) and self._moments[number][0] <= self.now():
            self._send(number)
            number += 1
        if number < len(self._moments):
            self._loop.call_at(self._began + self._moments[number][0], self._send_due, number)

    def _send(self, number: int) -> None:
        if self._idle:
            self._put(self._idle.pop(), number)
            return
        task = self._loop.create_task(self._send_by_new(number))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _send_by_new(self, number: int) -> None:
        try:
            self._put(await self._open(), number)
        except OSError as error:
            self._fail(f"it could not connect: {error}")

    async def _open(self) -> _Line:
        _, line = await self._loop.create_connection(lambda: _Line(self), self._host, self._port)
        return line

    def _put(self, line: _Line, number: int) -> None:
        self._moments[number][1] = self.now()
        line.send(number, self._request)

    def end(self, line: _Line, at_s: float, *, good: bool) -> None:
        if not good:
            self._fail("an answer was not 200")
            return
        self._moments[line.number][2] = at_s
        line.number = -1
        self._idle.append(line)
        self._left -= 1
        if not self._left and not self._done.done():
            self._done.set_result(None)

    def lost(self, line: _Line, error: Exception | None) -> None:
        if line.number >= 0:
            self._fail(f"a connection was closed under a request: {error}")
        elif line in self._idle:
            self._idle.remove(line)

    def _fail(self, why: str) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError(why))


def main() -> None:
    """Do the job that is the argument, and print the moments."""
    job = json.loads(sys.argv[1])
    loop = fine_loop()
    run = _Run(loop, job["url"], job["path"])
    gc.disable()
    moments = loop.run_until_complete(run.go(due_times(job["rate"], job["seconds"])))
    print(json.dumps(moments))
