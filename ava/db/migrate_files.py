"""What a deployment could do: the migration files, and which of them are pending.

`sql/migrations/NNNN_name.sql` run once, in order. `sql/views/NAME.sql` and `sql/functions/NAME.sql`
make the object they are named after, whenever their text changes. Everything here is decided from
text and the ledger's rows; nothing here talks to a server.

A migration is one transaction. With `-- no-transaction` on its first line its statements run one by
one outside any, so each must be safe to run again: a concurrent index needs IF NOT EXISTS.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from ava.db.migrate_split import Statement, UnfinishedSqlError, split_statements
from ava.errors import DatabaseError


class MigrationError(DatabaseError):
    """A deployment cannot be begun, or one of its files failed; the message names the file."""


class ObjectKind(StrEnum):
    """What can be applied again; the plural is the directory."""

    VIEW = "view"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Script:
    """A file of SQL; the checksum ignores how lines end, so every checkout has the same."""

    file: str
    checksum: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Migration:
    """A numbered script; `transactional` says whether it runs as one transaction."""

    version: int
    name: str
    script: Script
    transactional: bool


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A script that makes the view or function it is named after."""

    kind: ObjectKind
    name: str
    script: Script


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of the ledger."""

    version: int
    name: str
    checksum: str
    applied_at: datetime
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Scripts:
    """Every file of a directory, migrations in order."""

    migrations: tuple[Migration, ...]
    repeatables: tuple[Repeatable, ...]


@dataclass(frozen=True, slots=True)
class ConcurrentIndex:
    """The index a CREATE INDEX CONCURRENTLY statement makes; `table` as the statement writes it."""

    name: str
    table: str


_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_OBJECT_FILE = re.compile(r"[a-z_][a-z0-9_]*\.sql")
_NO_TRANSACTION = re.compile(r"--\s*no-transaction\s*(\n|\Z)")
_TRANSACTION_CONTROL = re.compile(
    r"(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE\s+TRANSACTION)\b",
    re.IGNORECASE,
)
_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_CONCURRENT_INDEX = re.compile(r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\b", re.IGNORECASE)
_REPEATABLE_INDEX = re.compile(
    rf"{_CONCURRENT_INDEX.pattern}\s+IF\s+NOT\s+EXISTS\s+(?P<name>{_NAME})"
    rf"\s+ON\s+(?:ONLY\s+)?(?P<table>{_NAME}(?:\s*\.\s*{_NAME})?)",
    re.IGNORECASE,
)


def read_scripts(directory: Path) -> Scripts:
    """Read `directory`; raise MigrationError for a gap, a double number or a malformed file."""
    migrations = [_migration(path) for path in sorted((directory / "migrations").glob("*.sql"))]
    if not migrations:
        raise MigrationError(f"there are no migrations in {directory.name}/migrations")
    _check_numbers(migrations)
    repeatables = [
        _repeatable(kind, path)
        for kind in ObjectKind
        for path in sorted((directory / f"{kind}s").glob("*.sql"))
    ]
    return Scripts(tuple(migrations), tuple(repeatables))


def pending(migrations: Sequence[Migration], applied: Iterable[Applied]) -> tuple[Migration, ...]:
    """Return the migrations still to run, in order.

    Raises MigrationError when the ledger and the files tell different stories: a newer database, an
    edited file, or a number that was passed over.
    """
    recorded = {row.version: row for row in applied}
    known = {migration.version for migration in migrations}
    for row in recorded.values():
        if row.version not in known:
            raise MigrationError(
                f"the database is newer than this code: it has migration {row.version:04d} "
                f"({row.name}), which the code does not; deploy the newer code"
            )
    waiting = [each for each in migrations if each.version not in recorded]
    for migration in migrations:
        _check_recorded(migration, recorded.get(migration.version), waiting)
    return tuple(waiting)


def concurrent_index(statement: Statement, file: str) -> ConcurrentIndex | None:
    """Return the index the statement builds concurrently, or None where it does something else."""
    if not _CONCURRENT_INDEX.match(statement.text):
        return None
    found = _REPEATABLE_INDEX.match(statement.text)
    if found is None:
        raise MigrationError(
            f"{file}: line {statement.line}: an index built concurrently needs IF NOT EXISTS and a "
            "name, since the file is run again after a failure"
        )
    return ConcurrentIndex(_unquoted(found["name"]), found["table"])


def _check_numbers(migrations: Sequence[Migration]) -> None:
    for expected, migration in enumerate(migrations, start=1):
        if migration.version < expected:
            raise MigrationError(
                f"{migrations[expected - 2].script.file} and {migration.script.file} "
                "have the same number; give the later one the next free number"
            )
        if migration.version > expected:
            raise MigrationError(
                f"migration {expected:04d} is missing before {migration.script.file}; "
                "numbers start at 0001 and leave no gap"
            )


def _check_recorded(
    migration: Migration, row: Applied | None, waiting: Sequence[Migration]
) -> None:
    file = migration.script.file
    if row is None:
        return
    if row.checksum != migration.script.checksum:
        raise MigrationError(
            f"{file} was changed after it was applied (as {row.version:04d}_{row.name}); "
            "restore it, and put the change into a new migration"
        )
    if waiting and waiting[0].version < migration.version:
        raise MigrationError(
            f"{file} is applied, but {waiting[0].script.file} before it is not; "
            "give the one that is not applied the next free number"
        )


def _migration(path: Path) -> Migration:
    named = _FILE.fullmatch(path.name)
    if named is None:
        raise MigrationError(f"{path.name} is no migration's name; it must look like 0007_what.sql")
    script, text = _script(path)
    migration = Migration(int(named[1]), named[2], script, not _NO_TRANSACTION.match(text))
    if not migration.transactional:
        for statement in script.statements:
            concurrent_index(statement, script.file)
    return migration


def _repeatable(kind: ObjectKind, path: Path) -> Repeatable:
    if not _OBJECT_FILE.fullmatch(path.name):
        raise MigrationError(f"{kind}s/{path.name} must be named after the {kind} it makes")
    return Repeatable(kind, path.stem, _script(path)[0])


def _script(path: Path) -> tuple[Script, str]:
    file = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
        statements = split_statements(text)
    except (OSError, UnicodeDecodeError, UnfinishedSqlError) as error:
        raise MigrationError(f"{file} cannot be read: {error}") from error
    if not statements:
        raise MigrationError(f"{file} holds no statement")
    for statement in statements:
        if _TRANSACTION_CONTROL.match(statement.text):
            raise MigrationError(
                f"{file}: line {statement.line}: remove this statement; a file runs in one "
                "transaction of the runner's (or, with -- no-transaction, in none)"
            )
    return Script(file, hashlib.sha256(text.encode()).hexdigest(), statements), text


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
