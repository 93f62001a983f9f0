"""Everything the lab starts dies with the lab, however the lab dies.

A run owns one directory, and in it a file naming the processes that belong to the run. A guardian
process waits for its parent to go: its stdin ends at a normal close, at Ctrl-C and at SIGKILL
alike, and then it stops the processes and removes the directory. So a crash is cleaned up by the
same path as an exit. Should the guardian be killed as well, the next start reaps what is left; a
lock that parent and guardian hold together shows which runs are still in use.

It refuses to touch what it cannot recognise as made by this user's lab.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from perf.lab.processes import Owned, Stop, everybody, halt, look

__all__ = ["PACKAGE_ROOT", "Guard", "Stop", "clean", "reap_stale"]

# The lab's own processes start here: they import this very package, wherever the user stands.
PACKAGE_ROOT = Path(__file__).parents[2]

_PREFIX, _STATE, _LOCK, _MARKER = "ava-", "guard.json", "guard.lock", "ava-perf lab"
_LONGEST_BASE = 60  # a socket's path must stay under 104 bytes on every system
_CLEANING_S = 30.0


class Guard:
    """Own a run's directory and processes until `close`, which returns when all are gone."""

    directory: Path

    def __init__(self, base: Path | None = None) -> None:
        self._base = base or _usual_base()
        self._owned: dict[int, Owned] = {}
        self._mutex = threading.Lock()
        self._closed = True

    def __enter__(self) -> Self:
        reap_stale(self._base)
        self.directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._base))
        # A server that runs as another user must be able to pass through; what is private lies
        # in directories of its own below.
        self.directory.chmod(0o711)
        self._owner = os.getpid()
        self._lock = _take_lock(self.directory)
        self._write()
        try:
            self._guardian = self._start_guardian()
        except OSError:
            clean(self.directory)
            os.close(self._lock)
            raise
        self._closed = False
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def own(self, pid: int, stop: Stop) -> None:
        """Let `pid` end with the run; a process that has ended already is ignored."""
        seen = look(pid)
        if seen is not None:
            with self._mutex:
                self._owned[pid] = Owned(pid, seen.born, stop)
                self._write()

    def disown(self, pid: int) -> None:
        """Forget `pid`, once it has ended."""
        with self._mutex:
            if self._owned.pop(pid, None) is not None:
                self._write()

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Stop one owned child now, and forget it."""
        owned = self._owned.get(process.pid)
        halt([owned] if owned is not None else [])
        process.wait()
        self.disown(process.pid)

    def close(self) -> None:
        """Stop what is left, remove the directory, and return when both are done."""
        if self._closed or os.getpid() != self._owner:  # a forked child owns nothing
            return
        self._closed = True
        with self._guardian as guardian:
            if guardian.stdin is not None:
                guardian.stdin.close()
            try:
                guardian.wait(_CLEANING_S)
            except subprocess.TimeoutExpired:
                guardian.kill()
        if guardian.returncode != 0:  # it was killed before or while it cleaned
            clean(self.directory)
        os.close(self._lock)

    def _write(self) -> None:
        """Replace the state in one step: a crash at any moment leaves a whole file."""
        if not self.directory.exists():  # closed: what is owned has ended
            return
        processes = [asdict(owned) for owned in self._owned.values()]
        draft = self.directory / f"{_STATE}.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({"made_by": _MARKER, "processes": processes}))
        draft.replace(self.directory / _STATE)

    def _start_guardian(self) -> subprocess.Popen[bytes]:
        guardian = subprocess.Popen(
            [sys.executable, "-m", "perf.lab.guard", str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PACKAGE_ROOT,
            pass_fds=[self._lock],
            start_new_session=True,  # the terminal's Ctrl-C is not for it
        )
        if guardian.stdout is None or not guardian.stdout.readline():
            guardian.kill()
            guardian.communicate()
            raise OSError("the lab's guardian process did not start")
        return guardian


def reap_stale(base: Path) -> None:
    """Clean up the runs under `base` whose parent and guardian are both dead."""
    for directory in base.glob(f"{_PREFIX}*"):
        if not _is_ours(directory):
            continue
        with suppress(OSError):  # locked: in use, or another start reaps it at this moment
            lock = _take_lock(directory, wait=False)
            try:
                clean(directory)
            finally:
                os.close(lock)


def clean(directory: Path) -> None:
    """Stop the processes of the run in `directory` and remove it."""
    halt(_read_owned(directory))
    _kill_strays(directory)
    for _ in range(10):  # a dying process may still add a file while the tree is walked
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.05)


def _kill_strays(directory: Path) -> None:
    """Kill what works inside `directory` unregistered: its parent died between start and `own`.

    The lab's servers stand in the run's directory and have no terminal; a person's shell has one.
    """
    for pid, seen in everybody():
        with suppress(OSError):
            place = Path(f"/proc/{pid}/cwd").readlink()
            if place.is_relative_to(directory) and not seen.terminal:
                os.kill(pid, signal.SIGKILL)


def _is_ours(directory: Path) -> bool:
    """Say whether this user's lab made `directory`; a link or a stranger's file rules it out."""
    paths = (directory, directory / _STATE, directory / _LOCK)
    try:
        if any(path.is_symlink() or path.stat().st_uid != os.geteuid() for path in paths):
            return False
        state = json.loads((directory / _STATE).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(state, dict) and state.get("made_by") == _MARKER


def _read_owned(directory: Path) -> Sequence[Owned]:
    try:
        rows = json.loads((directory / _STATE).read_bytes())["processes"]
    except FileNotFoundError:
        return ()
    return [Owned(row["pid"], row["born"], Stop(row["stop"])) for row in rows]


def _take_lock(directory: Path, *, wait: bool = True) -> int:
    """Return a locked descriptor; raise OSError when it is taken and we may not wait."""
    handle = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        raise
    return handle


def _usual_base() -> Path:
    """Return where runs live: the temporary directory, unless sockets could not be named there."""
    usual = Path(tempfile.gettempdir())
    return usual if len(str(usual)) <= _LONGEST_BASE else Path("/tmp")  # noqa: S108 - mkdtemp below


def main() -> None:
    """Wait for the parent to go, then clean up the directory given as argument."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    parent = os.getppid()
    print("ready", flush=True)
    # The end of stdin is the sign. A child forked by the parent may hold the other end open, so
    # look after the parent as well.
    while os.getppid() == parent and not select.select([sys.stdin], [], [], 1.0)[0]:
        pass
    clean(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
