"""Processes as the lab sees them: who they are, and how they are brought to an end.

A pid alone names nobody, since the system gives it again. Here a process is its pid *and* its time
of birth, and what is not both is never signalled.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_PATIENCE_S = (5.0, 2.0, 2.0)
_POLL_S = 0.005


class Stop(StrEnum):
    """How a process is asked to end; SIGKILL is the last word to all."""

    POSTGRES = "postgres"
    TERMINATE = "terminate"
    GROUP = "group"  # for the leader of a process group: what it started goes with it


_SIGNALS = {
    Stop.POSTGRES: (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL),
    Stop.TERMINATE: (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL),
    Stop.GROUP: (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL),
}


@dataclass(frozen=True, slots=True)
class Owned:
    """A process of the run; `born` tells it from a later one with the same pid."""

    pid: int
    born: str
    stop: Stop


@dataclass(frozen=True, slots=True)
class Seen:
    """What the system says about a process; a zombie has ended and is only not yet waited for."""

    born: str
    group: int
    zombie: bool
    terminal: bool


def look(pid: int) -> Seen | None:
    """Return what is known of `pid`, or None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _look_by_ps(pid)
    except ProcessLookupError:
        return None
    fields = text.rpartition(")")[2].split()  # the command's name may hold spaces and brackets
    return Seen(f"{_boot()}/{fields[19]}", int(fields[2]), fields[0] in "ZX", fields[4] != "0")


def everybody() -> Iterator[tuple[int, Seen]]:
    """Yield the machine's processes; none where there is no /proc."""
    for entry in Path("/proc").glob("[0-9]*"):
        seen = look(int(entry.name))
        if seen is not None:
            yield int(entry.name), seen


def halt(processes: Iterable[Owned], patience_s: Sequence[float] = _PATIENCE_S) -> None:
    """Stop `processes`, all at a time; strangers are left alone.

    `patience_s` is how long each of the three signals is given to work.
    """
    left = [owned for owned in processes if _is_born_as(owned)]
    for step, wait_s in enumerate(patience_s):
        for owned in left:
            _send(owned, _SIGNALS[owned.stop][step])
        deadline = time.monotonic() + wait_s
        while left and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            left = [owned for owned in left if _is_running(owned)]
        if not left:
            return


@functools.cache
def _boot() -> str:
    """Name this boot and pid namespace: Linux counts births from the boot of the machine."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"


def _look_by_ps(pid: int) -> Seen | None:
    columns = [word for name in ("stat=", "pgid=", "tty=", "lstart=") for word in ("-o", name)]
    shown = subprocess.run(
        [shutil.which("ps") or "/bin/ps", *columns, "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C"},
    )
    if shown.returncode != 0:
        return None
    state, group, terminal, born = shown.stdout.split(maxsplit=3)
    return Seen(born.strip(), int(group), state.startswith("Z"), not terminal.startswith("?"))


def _is_born_as(owned: Owned) -> bool:
    seen = look(owned.pid)
    return seen is not None and seen.born == owned.born


def _is_running(owned: Owned) -> bool:
    seen = look(owned.pid)
    if seen is not None and seen.born == owned.born and not seen.zombie:
        return True
    # A group's id is not given again while it has members, so they are still ours.
    return owned.stop is Stop.GROUP and any(
        other.group == owned.pid and not other.zombie for _, other in everybody()
    )


def _send(owned: Owned, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        if owned.stop is not Stop.GROUP:
            os.kill(owned.pid, number)
            return
        try:
            os.killpg(owned.pid, number)
        except ProcessLookupError:  # it leads no group after all
            os.kill(owned.pid, number)
