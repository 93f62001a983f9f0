"""What a child process does before it becomes its program: die with its parent, heed Ctrl-C.

Linux sends it SIGKILL when the thread that started it ends, however that ends; elsewhere the child
has to notice by itself. It refuses to become a program whose parent is gone already.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PDEATHSIG = 1


def bound(parent: int) -> Callable[[], None]:
    """Return what binds a child to the process `parent`, for `preexec_fn`.

    All is looked up beforehand: between fork and exec nothing may be imported.
    """
    linux = sys.platform.startswith("linux")
    prctl, kill = (ctypes.CDLL(None).prctl if linux else None), signal.SIGKILL

    def bind() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background has it ignored
        if prctl is not None:
            prctl(_PDEATHSIG, kill)
        if os.getppid() != parent:  # it died before the lines above
            os._exit(1)

    return bind
