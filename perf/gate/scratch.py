"""Temporary folders that say whose they are, so that what a killed run left can be taken away.

A run removes its own folders however it ends, SIGKILL excepted; the next run does it then.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

_PREFIX = "ava-gate-"


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a new folder; it is gone when the context is left."""
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def reap() -> None:
    """Remove what processes that are no more have left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
