"""The file of the history: one JSON line a run, extended whole or not at all.

Two runs may end at once, so a writer holds its folder's lock while it reads, adds and replaces; a
reader needs none, since the file is renamed into place. What was written is on the disk before the
name is: a history cannot be measured again. A line that cannot be read is kept as it is and
counted, never taken for a good run and never lost.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NEEDED = frozenset({"run", "started", "profile", "commit", "machine", "results"})

Line = Mapping[str, Any]
Lines = Sequence[Line]


def lines(path: Path) -> tuple[list[Line], int]:
    """Return the runs at `path`, oldest first, and how many lines could not be read."""
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return [], 0
    found = [line for text in texts if (line := _line(text)) is not None]
    return found, len(texts) - len(found)


def extend(path: Path, choose: Callable[[Lines], Lines]) -> None:
    """Add the lines that `choose` returns, given those that are there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()  # a link to a history that is kept elsewhere stays one
    with _locked(path.parent):
        added = choose(lines(path)[0])
        if not added:
            return
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if before and not before.endswith("\n"):
            before += "\n"
        text = "".join(f"{json.dumps(line, sort_keys=True)}\n" for line in added)
        _replace(path, before + text)


def _replace(path: Path, text: str) -> None:
    """Put a text in the place of a file's, whole or not at all even where the machine stops."""
    beside = path.with_name(f".{path.name}.new")  # one writer at a time has the lock
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's own lock: it needs no file that would be left behind."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _line(text: str) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    is_run = isinstance(line, dict) and line.keys() >= _NEEDED
    return line if is_run and isinstance(line["results"], dict) else None
