"""Which files are migrations, and what the ledger and the files must agree on."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ava.db.migrate_files import (
    Applied,
    ConcurrentIndex,
    MigrationError,
    concurrent_index,
    pending,
    read_scripts,
)
from ava.db.migrate_split import split_statements
from ava.db.query import sql_directory


@pytest.fixture
def tree(tmp_path):
    """Write files below a directory and return it."""

    def write(**files):
        for name, text in files.items():
            folder, _, stem = name.partition("__")
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{stem}.sql").write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def three(tree):
    """Three migrations as read."""
    return read_scripts(
        tree(
            migrations__0001_a="SELECT 1;",
            migrations__0002_b="SELECT 2;",
            migrations__0003_c="SELECT 3;",
        )
    ).migrations


def recorded(*migrations):
    """Return the ledger's rows of migrations."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [Applied(m.version, m.name, m.script.checksum, at, 1.0) for m in migrations]


@pytest.mark.parametrize("applied", range(4))
def test_what_is_not_recorded_is_pending(three, applied):
    """After n migrations the rest is to do, in order."""
    assert pending(three, recorded(*three[:applied])) == three[applied:]


def test_an_edited_migration_is_refused(three):
    """A checksum other than the recorded one means the file and the database differ."""
    first = recorded(three[0])[0]
    with pytest.raises(MigrationError, match=r"0001_a.sql was changed after it was applied"):
        pending(three, [replace(first, checksum="other")])


def test_a_newer_database_is_refused(three):
    """An old release must not touch what a newer one made."""
    with pytest.raises(MigrationError, match="newer than this code: it has migration 0003"):
        pending(three[:2], recorded(*three))


def test_a_migration_that_was_passed_over_is_refused(three):
    """A number below an applied one came too late: branches were merged in another order."""
    with pytest.raises(MigrationError, match=r"0003_c.sql is applied, but .*0002_b.sql"):
        pending(three, recorded(three[0], three[2]))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"migrations__0002_b": "SELECT 1"}, "0001 is missing before migrations/0002_b.sql"),
        ({"migrations__0001_a": "SELECT 1", "migrations__0003_c": "SELECT 1"}, "0002 is missing"),
        ({"migrations__0001_a": "SELECT 1", "migrations__0001_b": "SELECT 1"}, "the same number"),
        ({"migrations__1_a": "SELECT 1"}, "no migration's name"),
        ({"migrations__0001_a": "-- nothing"}, "holds no statement"),
        ({"migrations__0001_a": "SELECT 'open"}, "0001_a.sql cannot be read: line 1"),
        ({"migrations__0001_a": "SELECT 1;\nCOMMIT;"}, "line 2: remove this statement"),
        ({"views__v": "SELECT 1"}, "there are no migrations"),
        (
            {"migrations__0001_a": "SELECT 1", "views__Vie-w": "SELECT 1"},
            "must be named after the view",
        ),
        (
            {"migrations__0001_a": "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a)"},
            "line 2: an index built concurrently needs IF NOT EXISTS",
        ),
    ],
)
def test_a_malformed_directory_is_refused(tree, files, said):
    """Each mistake is told with its file before anything is run."""
    with pytest.raises(MigrationError, match=said):
        read_scripts(tree(**files))


def test_line_endings_do_not_change_a_checksum(tree):
    """A checkout on another system has the same migrations."""
    unix = read_scripts(tree(migrations__0001_a="SELECT 1;\nSELECT 2;\n")).migrations[0]
    windows = read_scripts(tree(migrations__0001_a="SELECT 1;\r\nSELECT 2;\r\n")).migrations[0]
    assert unix.script.checksum == windows.script.checksum


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS Idx_A ON t (a)",
            ConcurrentIndex("idx_a", "t"),
        ),
        (
            'create unique index concurrently if not exists "I""x" on only "S".t using btree (a)',
            ConcurrentIndex('I"x', '"S".t'),
        ),
        ("CREATE INDEX i ON t (a)", None),
        ("DROP INDEX CONCURRENTLY IF EXISTS i", None),
    ],
)
def test_concurrent_indexes_are_recognised(text, index):
    """Names are folded as PostgreSQL folds them; the table stays as written."""
    (statement,) = split_statements(text)
    assert concurrent_index(statement, "a.sql") == index


def test_the_products_own_files_are_in_order():
    """Numbers, names and statements of the shipped directory pass every check."""
    scripts = read_scripts(sql_directory())
    assert [m.version for m in scripts.migrations] == [*range(1, len(scripts.migrations) + 1)]
    assert {m.name for m in scripts.migrations if not m.transactional} == {
        "trading_indexes",
        "sports_indexes",
        "signal_indexes",
        "background_indexes",
        "trading_loop_indexes",
    }
