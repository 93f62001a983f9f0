"""Several processes behind one port, and the one that looks after them.

They share the listening socket, so a connection that nobody has taken yet belongs to none of them:
one that is killed harms nobody but the requests it was answering, and another takes its place. Each
holds the end of a pipe whose other end is this process, so none outlives it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from ava.errors import AvaError

READY: Final = b"ready\n"
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0

logger = logging.getLogger(__name__)


class NotStartedError(AvaError):
    """A process did not come up; it has said why itself."""


def supervise(
    command: Sequence[str], listener: socket.socket, count: int, started: Callable[[], None]
) -> None:
    """Keep `count` processes running until a signal comes; `started` is called when all answer.

    `command` starts one: it inherits the socket, reads the end of its pipe on stdin, and writes
    READY to stdout. Raises NotStartedError when one of the first does not come up.
    """
    asyncio.run(_Processes(command, listener, started).run(count))


class _Processes:
    """The processes and whether they are to end."""

    def __init__(
        self, command: Sequence[str], listener: socket.socket, started: Callable[[], None]
    ) -> None:
        self._command = command
        self._listener = listener
        self._started = started
        self._running: set[Process] = set()
        self._ending = asyncio.Event()

    async def run(self, count: int) -> None:
        """Start all, look after them, and wait for their end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        first = [await self._start() for _ in range(count)]
        try:
            ready = await asyncio.gather(*map(_is_ready, first))
            if not all(ready) and not self._ending.is_set():
                raise NotStartedError("a process did not start; it said why above")
            if all(ready):
                self._started()
            await asyncio.gather(*map(self._keep, first))
        finally:
            if not self._ending.is_set():
                self._end()
            await asyncio.gather(*(process.wait() for process in self._running))

    async def _keep(self, process: Process) -> None:
        """Start another whenever one ends, unless all are to end."""
        pause_s = FIRST_PAUSE_S
        while True:
            code = await process.wait()
            self._running.discard(process)
            if self._ending.is_set():
                return
            logger.error("process %d ended with %d; another is started", process.pid, code)
            if await self._ends_within(pause_s):
                return
            process = await self._start()
            up = await _is_ready(process)
            pause_s = FIRST_PAUSE_S if up else min(2 * pause_s, LONGEST_PAUSE_S)

    async def _start(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=[self._listener.fileno()],
            process_group=0,  # the terminal's Ctrl-C reaches it through this process, once
        )
        self._running.add(process)
        if self._ending.is_set():  # the signal came meanwhile
            process.terminate()
        return process

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._ending.wait()
        except TimeoutError:
            return False

    def _signalled(self) -> None:
        """End all in good order; the second time, at once."""
        if not self._ending.is_set():
            self._end()
            return
        self._tell_all(signal.SIGKILL)

    def _end(self) -> None:
        self._ending.set()
        self._tell_all(signal.SIGTERM)

    def _tell_all(self, number: signal.Signals) -> None:
        for process in self._running:
            with suppress(ProcessLookupError):  # it has ended by itself
                process.send_signal(number)


async def _is_ready(process: Process) -> bool:
    return process.stdout is not None and await process.stdout.readline() == READY
