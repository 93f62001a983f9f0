"""Where a process spends its time, seen from outside: py-spy samples its stacks.

A sampler stops the process for a moment at every look, so a profile is a run of its own and its
times are never a measurement: they say where, not how long. Counted is the thread that holds the
interpreter, since whether another one runs or waits cannot be told everywhere; what an extension
does while it has let go of the interpreter is not seen. In how many looks somebody held it is
stated: a process that waits for its database has a profile of the little it does itself.

It refuses to fail for what the machine forbids: reading another process's memory is a privilege
that containers often lack, and its absence is `Unavailable` with what grants it.
"""

from __future__ import annotations

import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf import stacks
from perf.lab import Unavailable
from perf.lab.processes import look

RATE = 200  # looks a second; at this rate py-spy itself takes a few percent of a core
TOP = 25  # functions in a table

_PATIENCE_S = 15.0  # for the sampler to attach, and to write when it is told to end
_STARTED = "Sampling process"
_FORBIDDEN = ("permission denied", "operation not permitted", "access denied", "eperm")
_WROTE = re.compile(r"Samples: (\d+) Errors: (\d+)")
_CURE = (
    "run as root, in a container with --cap-add SYS_PTRACE, or: sysctl kernel.yama.ptrace_scope=0"
)
_SET_PTRACER, _ANY = 0x59616D61, -1  # prctl's "Yama", and whoever asks


@dataclass(frozen=True, slots=True)
class Profile:
    """The stacks of one process over `seconds`; `looks` are those at which it was looked at.

    `stacks` holds only looks at which Python ran, so their sum may be far below `looks`.
    """

    stacks: stacks.Stacks
    seconds: float
    looks: int
    rate: int = RATE

    @property
    def samples(self) -> int:
        """Return how many stacks were seen."""
        return sum(self.stacks.values())

    def to_dict(self) -> dict[str, Any]:
        """Return what a report needs: the pruned tree and the costliest functions."""
        root, left_out = stacks.trim(stacks.tree(self.stacks))
        return {
            "kind": "cpu",
            "seconds": round(self.seconds, 2),
            "rate": self.rate,
            "looks": self.looks,
            "samples": self.samples,
            "left_out": left_out,
            "tree": stacks.to_dict(stacks.prune(root)),
            "top": [[c.name, c.own, c.total] for c in stacks.costs(self.stacks)[:TOP]],
        }


class Sampler:
    """py-spy at work on a process, from `start` until `finish`."""

    def __init__(self, pid: int, out: Path, rate: int = RATE) -> None:
        self._pid, self._out, self._rate = pid, out, rate

    def start(self, limit_s: float = 3600.0) -> None:
        """Attach; raise Unavailable when that is not possible here. It ends by itself in time."""
        command = [
            _py_spy(),
            *("record", "--gil", "--pid", str(self._pid), "--format", "raw", "--function"),
            *("--rate", str(self._rate), "--duration", str(max(1, round(limit_s)))),
            *("--output", str(self._out)),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for us, and we end it
        )
        self._said = ""
        if not self._hears(lambda: _STARTED in self._said):
            self.kill()
            raise _unavailable(self._said)
        self._began = time.monotonic()

    def finish(self) -> Profile:
        """Stop sampling and return what was seen; raise Unavailable when nothing was."""
        seconds = time.monotonic() - self._began
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        self._hears(lambda: False)
        self.kill()
        wrote = _WROTE.search(self._said)
        if wrote is None or not self._out.exists():
            raise _unavailable(self._said)
        text = self._out.read_text(encoding="utf-8", errors="replace")
        return Profile(_plain(stacks.parse(text)), seconds, round(seconds * self._rate), self._rate)

    def kill(self) -> None:
        """Make sure that the sampler has ended."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _hears(self, enough: Callable[[], bool]) -> bool:
        """Listen until it said enough; False when it ended, or said nothing for too long."""
        pipe = self._process.stdout
        if pipe is None:
            return False
        until = time.monotonic() + _PATIENCE_S
        while not enough():
            ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
            said = os.read(pipe.fileno(), 65536) if ready else b""
            if not said:
                return False
            self._said += said.decode(errors="replace")
        return True


def profile_process(pid: int, duration_s: float, out: Path | None = None) -> Profile:
    """Sample process `pid` for `duration_s`, or until it ends; the raw stacks go to `out`.

    Raises Unavailable where the machine does not let us look, and for a process that is none of
    Python's.
    """
    with tempfile.TemporaryDirectory(prefix="ava-profile-") as folder:
        sampler = Sampler(pid, out or Path(folder, "stacks.txt"))
        sampler.start(duration_s)
        _wait_for(pid, time.monotonic() + duration_s)
        return sampler.finish()


def allow_tracing() -> None:
    """Let any process of this user look into this one, where Linux's Yama would allow parents only.

    Without effect, and needless, elsewhere.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_PTRACER, ctypes.c_ulong(_ANY), 0, 0, 0)


def _wait_for(pid: int, until: float) -> None:
    """Wait for the end of the time or of the process, whichever comes first."""
    while time.monotonic() < until and look(pid) is not None:
        time.sleep(min(0.1, max(0.0, until - time.monotonic())))


def _py_spy() -> str:
    """Return the sampler of this environment, else the machine's."""
    beside = Path(sysconfig.get_path("scripts"), "py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise Unavailable("py-spy is not installed", "pip install py-spy")
    return found


def _unavailable(said: str) -> Unavailable:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    cause = [line for line in lines if any(word in line.lower() for word in _FORBIDDEN)]
    if cause:
        return Unavailable("this machine does not let py-spy look into the process", _CURE)
    first = lines[0].removeprefix("Error: ") if lines else "it said nothing"
    return Unavailable(f"py-spy could not sample the process: {first}")


def _plain(found: stacks.Stacks) -> dict[tuple[str, ...], int]:
    """Shorten the files' names and join what is then the same."""
    shortened: dict[tuple[str, ...], int] = {}
    for frames, count in found.items():
        plain = tuple(_short(frames))
        shortened[plain] = shortened.get(plain, 0) + count
    return shortened


_FILE = re.compile(r"\((?P<path>[^()]*?)(?P<line>:\d+)?\)$")


def _short(frames: Iterable[str]) -> Iterable[str]:
    """Name files from their package on: where this machine keeps them is nobody's concern."""
    for frame in frames:
        yield _FILE.sub(lambda m: f"({from_package(m['path'])}{m['line'] or ''})", frame)


def from_package(path: str) -> str:
    """Return a file's path from its package on, or its last two parts."""
    for root in ("site-packages/", f"lib/python{sys.version_info.major}."):
        if root in path:
            rest = path.rpartition(root)[2]
            return rest.partition("/")[2] if root.startswith("lib/") else rest
    return path if not path.startswith("/") else "/".join(Path(path).parts[-2:])
