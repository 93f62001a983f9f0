"""A file of another tool, opened once: its text, and what the text is as JSON or as a table.

Importers look at a document and say whether it is theirs; none opens a file. A packed file is
unpacked, a JavaScript file that assigns one JSON value (github-action-benchmark's page data) is
that value. What cannot be read at all is refused here, with the reason.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.errors import UserError
from perf.history.figures import moment

LARGEST_MB = 200
_GZIP = b"\x1f\x8b"
_ASSIGNED = re.compile(r"\s*(?:window\.|var\s+|const\s+)[\w.$]+\s*=\s*")


class NotReadableError(UserError):
    """A file cannot be imported; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's name without its folder, when it was last changed, and what it holds.

    `json` is None where it is no JSON; `columns` and `rows` are empty where it is no table.
    """

    name: str
    modified: str
    json: Any = None
    columns: tuple[str, ...] = ()
    rows: tuple[Mapping[str, str], ...] = ()

    @property
    def stem(self) -> str:
        """Return the name without its endings."""
        return self.name.removesuffix(".gz").rpartition(".")[0] or self.name


def open_document(path: Path) -> Document:
    """Read a file; raise NotReadableError when it is neither JSON nor a table."""
    try:
        modified = moment(path.stat().st_mtime)
        text = _text(path.read_bytes(), path.name)
    except OSError as error:
        raise NotReadableError(f"{path} cannot be read: {error.strerror or error}") from error
    if not text.strip():
        raise NotReadableError(f"{path.name} is empty")
    if path.name.removesuffix(".gz").endswith(".csv"):
        return _table(path.name, modified, text)
    try:
        return Document(path.name, modified, json=_json(text))
    except ValueError as error:
        raise NotReadableError(f"{path.name} is no JSON ({error}) and no .csv") from error


def _text(data: bytes, name: str) -> str:
    try:
        if data.startswith(_GZIP):
            with gzip.open(io.BytesIO(data)) as packed:
                data = packed.read(LARGEST_MB * 2**20 + 1)
        if len(data) > LARGEST_MB * 2**20:
            raise NotReadableError(f"{name} holds more than {LARGEST_MB} MB")
        return data.decode("utf-8-sig")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise NotReadableError(f"{name} is not whole: {error}") from error
    except UnicodeDecodeError as error:
        raise NotReadableError(f"{name} is not text: {error.reason}") from error


def _json(text: str) -> Any:
    assigned = _ASSIGNED.match(text)
    if assigned is None:
        return json.loads(text)
    return json.loads(text[assigned.end() :].rstrip().rstrip(";"))


def _table(name: str, modified: str, text: str) -> Document:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        columns = tuple(column.strip() for column in next(reader))
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise NotReadableError(f"{name}, line {reader.line_num}: {error}") from error
    if len(set(columns)) < len(columns):
        raise NotReadableError(f"{name} names a column twice")
    for number, row in enumerate(rows, 1):
        if len(row) != len(columns):
            raise NotReadableError(
                f"{name}, row {number}: {len(row)} values for {len(columns)} columns"
            )
    table = tuple(dict(zip(columns, row, strict=True)) for row in rows)
    return Document(name, modified, columns=columns, rows=table)
