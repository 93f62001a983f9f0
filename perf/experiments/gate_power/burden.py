"""Keep one core busy in bursts: the neighbour that a shared machine has.

Run as a process of its own; it ends with its parent. Bursts and rests are drawn anew each time,
between a fraction of a slice's process and several of them, half of the time each.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_SHORTEST_S, _LONGEST_S = 0.05, 2.0


@contextmanager
def burden() -> Iterator[None]:
    """Have the neighbour beside what is done within."""
    process = subprocess.Popen([sys.executable, "-m", __name__, str(os.getpid())])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _disturb(parent: int) -> None:
    rng = random.Random()  # noqa: S311 - draws pauses; a repeated pattern would favour one side
    while os.getppid() == parent:
        until = time.monotonic() + rng.uniform(_SHORTEST_S, _LONGEST_S)
        while time.monotonic() < until:
            sum(i * i for i in range(1000))
        time.sleep(rng.uniform(_SHORTEST_S, _LONGEST_S))


if __name__ == "__main__":
    _disturb(int(sys.argv[1]))
