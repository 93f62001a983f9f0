"""Named statements that live in `.sql` files.

A file of `sql/queries` holds statements, each opened by `-- name: snake_case` and one or more
comment lines that describe it. A `Query` is a `psycopg.sql.SQL`, so any cursor executes it as it
is, and the query timer knows it by name. Nothing is ever put into a statement's text from values:
parameters are bound. A statement without a name or a description is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from psycopg import sql as composing

from ava.db.redact import is_single
from ava.errors import QueryFileError

_HEADING = re.compile(r"^--[ \t]*name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BODY = re.compile(r"\n((?:--[^\n]*\n)+)(.*)", re.DOTALL)


class Query(composing.SQL):
    """A statement with the name it is timed and logged under; `file` is empty if it was built."""

    def __init__(self, name: str, description: str, sql: str, file: str = "") -> None:
        super().__init__(sql)
        self.name = name
        self.description = description
        self.sql = sql
        self.file = file

    def __repr__(self) -> str:
        return f"Query({self.name!r})"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def built(name: str, composed: composing.Composable) -> Query:
    """Name a statement composed in code from identifiers."""
    return Query(name, "Composed in code.", composed.as_string(None))


def sql_directory() -> Path:
    """Return the directory of migrations, functions, views and queries.

    An installed package carries it inside; a checkout has it beside the package.
    """
    package = Path(__file__).resolve().parent.parent
    for found in (package / "sql", package.parent / "sql"):
        if found.is_dir():
            return found
    raise QueryFileError(f"no sql directory in {package} or beside it; install the package again")


def load(directory: Path) -> Mapping[str, Query]:
    """Read every `*.sql` file of `directory`; raise QueryFileError for a breach of the format."""
    queries: dict[str, Query] = {}
    for path in sorted(directory.glob("*.sql")):
        for query in parse(path.read_text(encoding="utf-8"), path.name):
            if query.name in queries:
                raise QueryFileError(
                    f"{query.file}: {query.name} is named in {queries[query.name].file} already; "
                    "give one of them another name"
                )
            queries[query.name] = query
    return MappingProxyType(queries)


def parse(text: str, file: str) -> Iterator[Query]:
    """Yield the statements of one file; comments before the first name belong to the file."""
    head, *rest = _HEADING.split(text)
    if re.sub(r"--[^\n]*", "", head).strip():
        raise QueryFileError(f"{file}: a statement stands before the first `-- name:` line")
    for name, section in zip(rest[::2], rest[1::2], strict=True):
        yield _query(name, section, file)


def _query(name: str, section: str, file: str) -> Query:
    if not _NAME.fullmatch(name):
        raise QueryFileError(f"{file}: {name!r} is no name; use lower case and underscores")
    body = _BODY.fullmatch(section)
    if body is None:
        raise QueryFileError(f"{file}: {name} has no description; write a comment below its name")
    if not is_single(body[2]):
        raise QueryFileError(f"{file}: {name} must hold one statement, no less and no more")
    description = " ".join(line.lstrip("-").strip() for line in body[1].splitlines()).strip()
    if not description:
        raise QueryFileError(f"{file}: {name} has an empty description; say what it returns")
    return Query(name, description, body[2].strip().rstrip(";").rstrip(), file)


@cache
def catalogue() -> Mapping[str, Query]:
    """Return the package's own statements, read once."""
    return load(sql_directory() / "queries")


def named(name: str) -> Query:
    """Return one of the package's statements; raise QueryFileError when there is none."""
    try:
        return catalogue()[name]
    except KeyError:
        close = difflib.get_close_matches(name, catalogue(), n=1)
        advice = f"did you mean {close[0]}?" if close else "see sql/queries"
        raise QueryFileError(f"no statement is named {name!r}; {advice}") from None
