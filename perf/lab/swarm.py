"""Several processes that do the same thing at the same moment, and say what came of it.

What holds across processes (one fetch, one quota, one limit) is measured with real ones. A member
is a function named "module:function", sync or async, called with a `Start` and the arguments given.
It sets itself up, calls (or awaits) the `Start`, which returns when all are ready and the parent
says go, and returns JSON values. A member ends with the parent, however the parent ends.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from queue import Empty, Queue
from types import TracebackType
from typing import Any, Self

from perf.lab.cores import spread

_READY = "ready"


class SwarmError(Exception):
    """A member failed, was killed or took too long; the message holds its last words."""


class Start:
    """A member's gate: `index` says which member it is."""

    def __init__(self, index: int) -> None:
        self.index = index
        self._told = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def __call__(self) -> None:
        """Say that this member is ready, and wait for go."""
        _say(_READY)
        self._told.wait()

    async def wait(self) -> None:
        """Do the same without stopping the event loop."""
        _say(_READY)
        await asyncio.to_thread(self._told.wait)

    def _listen(self) -> None:
        for _ in sys.stdin:
            self._told.set()
        os._exit(1)  # the parent is gone


class Swarm(AbstractContextManager["Swarm"]):
    """`n` members of `target`; entering starts them, leaving ends them."""

    def __init__(self, target: str, n: int, args: Mapping[str, Any]) -> None:
        self._jobs = [
            {"target": target, "args": dict(args), "index": index, "path": sys.path}
            for index in range(n)
        ]
        self._members: list[_Member] = []

    def __enter__(self) -> Self:
        try:
            self._members = [_Member(job) for job in self._jobs]
            for member in self._members:
                member.wait_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def pids(self) -> list[int]:
        """The members' process ids."""
        return [member.process.pid for member in self._members]

    def go(self) -> None:
        """Let all members begin."""
        for member in self._members:
            member.send("go")

    def kill(self, index: int) -> None:
        """Kill one member as the system would: at once, with nothing tidied up."""
        self._members[index].process.kill()

    def results(self, timeout_s: float = 30.0) -> list[Any]:
        """Return what each member returned, None for one that was killed; raise SwarmError."""
        return [member.result(timeout_s) for member in self._members]

    def result(self, index: int, timeout_s: float = 30.0) -> Any:
        """Return what one member returned; raise SwarmError."""
        return self._members[index].result(timeout_s)

    def _end(self) -> None:
        for member in self._members:
            member.end()


class _Member:
    """One process and a thread that reads its lines."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "perf.lab.swarm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: Queue[str | None] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._words: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        self._result: list[Any] = []
        self.send(json.dumps(job))

    def send(self, line: str) -> None:
        if self.process.stdin is None:
            raise SwarmError("a member was started without a pipe")
        with suppress(BrokenPipeError):
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        if self._next(timeout_s) != _READY:
            raise SwarmError(f"a member was not ready: {self._last_words()}")

    def result(self, timeout_s: float) -> Any:
        if not self._result:
            line = self._next(timeout_s)
            if line is None and self.process.wait(timeout_s) == -signal.SIGKILL:
                self._result.append(None)
            elif line is None:
                raise SwarmError(f"a member failed: {self._last_words()}")
            else:
                self._result.append(json.loads(line))
        return self._result[0]

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with suppress(OSError, ValueError):
                    pipe.close()

    def _next(self, timeout_s: float) -> str | None:
        try:
            return self._lines.get(timeout=timeout_s)
        except Empty:
            raise SwarmError(f"a member said nothing for {timeout_s:g} s") from None

    def _read(self) -> None:
        with suppress(ValueError, OSError):
            for line in self.process.stdout or ():
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _listen(self) -> None:
        with suppress(ValueError, OSError):
            self._words.extend(self.process.stderr or ())

    def _last_words(self) -> str:
        self.process.wait()
        return " | ".join(word.strip() for word in self._words[-3:]) or "it left no message"


def _say(line: str) -> None:
    """Write a line to the parent; `sys.stdout` itself goes to the log."""
    os.write(1, f"{line}\n".encode())


def _main() -> None:
    spread()
    job = json.loads(sys.stdin.readline())
    sys.path[:] = dict.fromkeys([*sys.path, *job["path"]])
    sys.stdout = sys.stderr
    module, _, name = job["target"].partition(":")
    result = getattr(importlib.import_module(module), name)(Start(job["index"]), **job["args"])
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    _say(json.dumps(result))
    os._exit(0)  # forgotten threads must not keep a member alive


if __name__ == "__main__":
    _main()
