"""Importers of other tools' results: a module a format, found by name.

Each has a `NAME`, `reads(document)`, which says whether a document is of its format, and
`read(document)`, which returns what it holds. Formats are told apart by what a file holds, never
by its name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Protocol, cast

from perf.history.document import Document, NotReadableError
from perf.history.figures import Imported


class Importer(Protocol):
    """What a module of this package offers."""

    NAME: str

    def reads(self, document: Document) -> bool:
        """Say whether the document is of this format."""

    def read(self, document: Document) -> Imported:
        """Return what the document holds; raise NotReadableError when it is broken."""


def importers() -> Iterator[Importer]:
    """Yield all importers, by name; each is imported when its turn comes, as some are slow to."""
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        yield cast("Importer", importlib.import_module(f"{__name__}.{name}"))


def read(document: Document) -> Imported:
    """Return what a document holds; raise NotReadableError when no format, or no run, is its."""
    found = next((importer for importer in importers() if importer.reads(document)), None)
    if found is None:
        known = ", ".join(importer.NAME for importer in importers())
        raise NotReadableError(f"{document.name} is of no known format; known are {known}")
    try:
        return found.read(document)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NotReadableError(
            f"{document.name} looks like {found.NAME}, and is not: {error!r}"
        ) from error
