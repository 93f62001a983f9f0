"""Taking runs into the history: read, compare with what is there, append.

A file of another tool is taken when it is imported, a run of our own when it ends. What a command
measured is read from the document that it writes, by the importer of that format: its file, brought
back later from elsewhere, is then the run that is there already. A run that is there is not added
again, and is counted as such; what a file holds is either added, known or skipped with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.history import importers, store
from perf.history.document import Document, NotReadableError, open_document
from perf.history.figures import IMPORTED, OWN, Imported, to_line


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: what it held, and how many of its runs were new."""

    file: str
    imported: Imported
    added: int

    @property
    def known(self) -> int:
        """Return how many of its runs the history had already."""
        return len(self.imported.runs) - self.added


def take(history: Path, path: Path) -> Taken:
    """Add a file's runs to the history; raise NotReadableError when it cannot be read."""
    return _add(history, open_document(path), IMPORTED)


def keep(
    history: Path | None, name: str, document: Mapping[str, Any], tell: Callable[[str], None]
) -> None:
    """Add the run that a command has just made; None for a history keeps nothing.

    Whatever hinders it is told and raises nothing: figures without a history are still figures.
    """
    if history is None:
        return
    try:
        _add(history, Document(name, modified="", json=document), OWN)
    except NotReadableError as error:
        tell(f"not kept in the history: {error}")
    except (OSError, UnicodeDecodeError) as error:
        tell(f"{history} was not extended: {error}")


def _add(history: Path, document: Document, profile: str) -> Taken:
    imported = importers.read(document)
    lines = {run.id: to_line(run, document.name, profile) for run in imported.runs}
    added: list[Mapping[str, Any]] = []

    def choose(there: store.Lines) -> store.Lines:
        held = {line["run"] for line in there}
        added.extend(line for name, line in lines.items() if name not in held)
        return added

    if lines:
        store.extend(history, choose)
    return Taken(document.name, imported, len(added))


def as_json(taken: Taken) -> dict[str, Any]:
    """Return what became of a file as `history import --json` prints it."""
    imported = taken.imported
    return {
        "file": taken.file,
        "format": imported.format,
        "rows": imported.rows,
        "runs": len(imported.runs),
        "added": taken.added,
        "known": taken.known,
        "figures": imported.figures,
        "skipped": [{"where": one.where, "reason": one.reason} for one in imported.skipped],
        "notes": list(imported.notes),
    }
