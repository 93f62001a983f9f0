"""A worker: the user's pytest in a process of its own, with a socket to it.

It leads a process group, so that what its tests start ends with it. It dies with the coordinator
however that dies: Linux sends it SIGKILL, and elsewhere its next read from the socket fails. What
it prints goes to a file that is looked at only when it ends unexpectedly.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from perf.children import bound
from perf.gate.protocol import Event, ProtocolError, Wish, read

INSIDE = Path(__file__).parent / "inside"
_PLUGIN = "ava_gate.plugin"
_CHUNK = 1 << 16
_LONGEST = 300
_PROGRESS = re.compile(r"[.FEsxX]+(\s*\[ *\d+%\])?")
GRACE_S = 5.0  # for what a session's fixtures and exit handlers have to put away


class CrashedError(Exception):
    """A worker ended, hung or spoke nonsense; the message says which, and its last words."""


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a worker: interpreter, folder, path of its imports, pytest's arguments.

    `entry` are the words that make the interpreter run pytest, `prefix` those before it, as
    valgrind needs. Pytest's hunt for unraisable exceptions is left out: for it the collector goes
    through all objects several times at the end, while the next pair starts.
    """

    python: str
    folder: Path
    path: tuple[Path, ...]
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    entry: tuple[str, ...] = ("-m", "ava_gate")
    prefix: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Return the command line."""
        ours = ("-p", _PLUGIN, "-p", "no:unraisableexception", "-q", "--color=no")
        return [*self.prefix, self.python, *self.entry, *ours, *self.arguments]

    def variables(self, seed: int, descriptor: int) -> dict[str, str]:
        """Return the environment: the checkout's own packages come before installed ones."""
        given = self.environment.get("PYTHONPATH", "")
        path = [str(INSIDE), *map(str, self.path), *([given] if given else [])]
        return {
            **self.environment,
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONHASHSEED": str(seed),
            "AVA_GATE_FD": str(descriptor),
        }


class Worker:
    """A running worker; `close` ends it and all that it started."""

    def __init__(self, command: Command, seed: int, output: Path) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        self._output = output
        self._pending = b""
        with theirs, output.open("wb") as sink:
            self._process = subprocess.Popen(
                command.words(),
                cwd=command.folder,
                env=command.variables(seed, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                preexec_fn=bound(os.getpid()),  # noqa: PLW1509 - this process has one thread
            )

    def run(self, ids: Sequence[str]) -> None:
        """Name the benchmarks to run, in this order."""
        self._send({"do": "run", "ids": list(ids)})

    def ask(self, wish: Wish) -> None:
        """Ask for a slice."""
        self._send(wish.to_json())

    def leave(self) -> None:
        """Let the parked benchmark end."""
        self._send({"do": "leave"})

    def _send(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # of a dead worker `next` says more
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    def next(self, within_s: float) -> Event:
        """Return the worker's next event; raise CrashedError when none comes within that time."""
        until = monotonic() + within_s
        while b"\n" not in self._pending:
            self._pending += self._received(until, within_s)
        line, _, self._pending = self._pending.partition(b"\n")
        try:
            return read(line)
        except ProtocolError as error:
            raise CrashedError(str(error)) from error

    def _received(self, until: float, within_s: float) -> bytes:
        """Return what has come; a child of the worker may hold its socket, so look at both."""
        while not select.select([self._socket], [], [], 0.2)[0]:
            if self._process.poll() is not None:
                raise CrashedError(self._last_words())
            if monotonic() > until:
                raise CrashedError(f"nothing came from it for {within_s:.0f} s")
        with contextlib.suppress(ConnectionError):
            if chunk := self._socket.recv(_CHUNK):
                return chunk
        raise CrashedError(self._last_words())

    def _last_words(self) -> str:
        """Say how the process ended, with the last line that it printed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        said = telling(self._output.read_text(encoding="utf-8", errors="replace"))
        tail = f": {said}" if said else ""
        if code is None:
            return f"its worker closed its socket and runs on{tail}"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
        return f"its worker ended with {how}{tail}"

    def interrupt(self) -> None:
        """Ask the process to tear its fixtures down and end, as Ctrl-C would."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """Give the process a moment to end by itself, then end it and all of its group."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self._socket.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def telling(output: str) -> str:
    """Return the line of a worker's output that most likely says what went wrong."""
    lines = [line.strip() for line in output.splitlines()]
    lines = [line for line in lines if line and not _PROGRESS.fullmatch(line)]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or [""])[-1][:_LONGEST]
