"""Cores that do not halt: what is short is then measured without the time a core takes to wake up.

A core with nothing to do halts, and in a virtual machine it takes the host a quarter of a
millisecond to wake it. A request crosses two or three such moments, which is nothing to a service
and more than half of a known delay of one millisecond. A spinner of the idle class on each core
takes only what nobody wants, and so keeps it awake. Only measurements of known, short delays are
made this way: a service runs on cores that halt, and its figures contain it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SPIN = """
import os, sys, threading
def leave():
    sys.stdin.read()
    os._exit(0)
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
os.sched_setaffinity(0, {int(sys.argv[1])})
threading.Thread(target=leave, daemon=True).start()
while True:
    pass
"""


@contextmanager
def awake() -> Iterator[bool]:
    """Keep all cores from halting for the length of a block; yield whether that can be done."""
    if not hasattr(os, "SCHED_IDLE"):  # not on macOS
        yield False
        return
    spinners = [
        subprocess.Popen([sys.executable, "-c", _SPIN, str(core)], stdin=subprocess.PIPE)
        for core in sorted(os.sched_getaffinity(0))
    ]
    try:
        yield True
    finally:
        for one in spinners:
            one.kill()
            one.wait()
            if one.stdin is not None:
                one.stdin.close()
