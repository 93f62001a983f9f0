"""Taking files into the history: read, compare with what is there, append.

A run that is there already is not added again, and is counted as such; what a file holds is either
added, known or skipped with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.history import importers, store
from perf.history.document import open_document
from perf.history.figures import Imported, to_line


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
    document = open_document(path)
    imported = importers.read(document)
    lines = {run.id: to_line(run, document.name) for run in imported.runs}
    added: list[Mapping[str, Any]] = []

    def choose(there: store.Lines) -> store.Lines:
        held = {line["run"] for line in there}
        added.extend(line for name, line in lines.items() if name not in held)
        return added

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
