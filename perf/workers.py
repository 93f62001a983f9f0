"""Start the process that does one job: forked from the nursery, or an interpreter of its own.

Both kinds are leaders of their own session, write what they print to a log, and end when this
process does. The nursery is used where it can be; a claim cannot tell which it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from perf.lab.guard import Guard, Stop

_PATIENCE_S = 60.0  # for the imports of every claim on a busy machine


class Worker(Protocol):
    """A process at its job."""

    pid: int

    def wait(self, timeout_s: float) -> int:
        """Return the exit status, negative for a signal; raise subprocess.TimeoutExpired."""
        ...

    def end(self) -> None:
        """Kill what is left of the worker and of what it started."""
        ...


class Workers:
    """Starts workers, one at a time, until it is left.

    `modules` are what they will import, `path` where those may lie.
    """

    def __init__(self, guard: Guard, modules: Sequence[str], path: Sequence[str]) -> None:
        self._guard = guard
        self._order = {"modules": list(modules), "path": list(path)}
        self._nursery: _Nursery | None = None
        self._tried = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._drop()

    def start(self, line: str, log: Path) -> Worker:
        """Start a worker on the job of `line`; what it prints goes to `log`."""
        if not self._tried:
            self._tried = True
            self._nursery = self._open()
        if self._nursery is not None:
            try:
                return self._nursery.fork(line, log)
            except (OSError, ValueError):  # it has died: the claim before may have killed it
                self._drop()
        return _Fresh(line, log)

    def _open(self) -> _Nursery | None:
        nursery = _Nursery(self._order)
        self._guard.own(nursery.process.pid, Stop.GROUP)
        if nursery.forks:
            return nursery
        self._guard.disown(nursery.process.pid)
        nursery.close()
        return None

    def _drop(self) -> None:
        if self._nursery is not None:
            self._guard.disown(self._nursery.process.pid)
            self._nursery.close()
            self._nursery = None


class _Fresh:
    """A worker in an interpreter of its own."""

    def __init__(self, line: str, log: Path) -> None:
        with log.open("wb") as printed:
            # -P: the working folder may hold a package that is named like one of ours.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "perf.worker"],
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )
        self.pid = self._process.pid
        with contextlib.suppress(BrokenPipeError):
            _write(self._process, line)  # stays open: its end tells the worker that we are gone

    def wait(self, timeout_s: float) -> int:
        return self._process.wait(timeout=timeout_s)

    def end(self) -> None:
        _kill(self.pid)
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()


class _Forked:
    """A worker that the nursery forked and waits for."""

    def __init__(self, pid: int, nursery: _Nursery) -> None:
        self.pid = pid
        self._nursery = nursery
        self._status: int | None = None

    def wait(self, timeout_s: float) -> int:
        if self._status is None:
            self._status = int(self._nursery.hear(timeout_s)["status"])
        return self._status

    def end(self) -> None:
        _kill(self.pid)  # its session may outlive it
        with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
            self.wait(_PATIENCE_S)


class _Nursery:
    """The process of `perf.nursery`, and the talk with it in lines of JSON."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "perf.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            # Its threads could not be forked.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        self._heard = b""
        try:
            _write(self.process, json.dumps(order))
            self.forks = bool(self.hear(_PATIENCE_S)["forks"])
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self.forks = False

    def fork(self, line: str, log: Path) -> _Forked:
        _write(self.process, json.dumps({"line": line, "log": str(log)}))
        return _Forked(int(self.hear(_PATIENCE_S)["pid"]), self)

    def hear(self, timeout_s: float) -> dict[str, Any]:
        """Return what it says next; raise ValueError when it has ended."""
        if self.process.stdout is None:
            raise ValueError("the nursery was started without a pipe")
        until = time.monotonic() + timeout_s
        while b"\n" not in self._heard:
            ready, _, _ = select.select([self.process.stdout], [], [], until - time.monotonic())
            if not ready:
                raise subprocess.TimeoutExpired("the nursery", timeout_s)
            said = os.read(self.process.stdout.fileno(), 65536)
            if not said:
                raise ValueError("the nursery has ended")
            self._heard += said
        line, _, self._heard = self._heard.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def close(self) -> None:
        _kill(self.process.pid)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _write(process: subprocess.Popen[bytes], line: str) -> None:
    if process.stdin is None:
        raise ValueError("a process was started without a pipe")
    process.stdin.write(f"{line}\n".encode())
    process.stdin.flush()


def _kill(leader: int) -> None:
    """Kill a whole session: a claim may have started processes of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
