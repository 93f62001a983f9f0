"""Start a server on a loopback port that nobody has, and wait until it answers.

Ready means that a client got in: nothing here sleeps and hopes. A port is chosen and bound by two
different processes, so another program may take it in between; then the next one is tried. What
does not come up is `Unavailable`, with the last words of the server's log.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from perf.lab import Unavailable
from perf.lab.guard import Guard

LOOPBACK = "127.0.0.1"

_PORT_TAKEN = "Address already in use"
_ATTEMPTS = 3
_PATIENCE_S = 20.0
_PAUSE_S = 0.01


def launch(
    guard: Guard,
    log: Path,
    start: Callable[[int], subprocess.Popen[bytes]],
    answers: Callable[[int], bool],
) -> tuple[int, subprocess.Popen[bytes]]:
    """Return the port and process of a server that `start` started and that `answers`.

    `start` hands the process to the guard; `log` is what the server writes to.
    """
    for _ in range(_ATTEMPTS):
        port = _free_port()
        process = start(port)
        if _comes_up(process, port, answers):
            return port, process
        guard.stop(process)
        if _PORT_TAKEN not in log.read_text(errors="replace"):
            break
    raise Unavailable(f"{log.parent.name} did not start: {tail(log.read_text(errors='replace'))}")


def tail(log: str) -> str:
    """Return the end of `log` on one line."""
    return " | ".join(log.strip().splitlines()[-5:]) or "it left no message"


def _comes_up(process: subprocess.Popen[bytes], port: int, answers: Callable[[int], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if answers(port):
            return True
        time.sleep(_PAUSE_S)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
