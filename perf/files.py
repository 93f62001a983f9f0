"""Files and folders that are replaced whole or not at all.

A report is read by people and scripts while the next one is being made; a run that is killed in
the middle must leave the last good one in place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from perf.errors import UserError


class OutputError(UserError):
    """The output folder cannot be written, or holds something that is not ours to replace."""


def write_atomically(path: Path, text: str) -> None:
    """Write beside `path`, then rename over it: a reader sees all of it or none."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def check_replaceable(folder: Path, marker: str) -> None:
    """Raise OutputError unless `folder` can be made, or is ours (holds `marker`) or empty.

    Called before measuring: nobody should wait for a run whose report cannot be kept.
    """
    probe = _beside(folder, "probe")
    try:
        _recover(folder)
        if folder.exists():
            _check_ours(folder, marker)
        probe.mkdir(parents=True)
        probe.rmdir()
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error


def _check_ours(folder: Path, marker: str) -> None:
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file; give --out a folder")
    if any(folder.iterdir()) and not (folder / marker).exists():
        raise OutputError(
            f"{folder} holds files that are not a report; give --out an empty or new folder"
        )


def replace_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a new folder beside `folder`, then put it in its place."""
    fresh, old = _beside(folder, "new"), _beside(folder, "old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        fill(fresh)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    except OSError as error:
        _recover(folder)
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _recover(folder: Path) -> None:
    """Put back the folder that a kill between the two renames left aside."""
    old = _beside(folder, "old")
    if old.exists() and not folder.exists():
        old.rename(folder)


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f".{folder.name}.{suffix}")
