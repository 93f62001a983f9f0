"""Deployments against a real server: once, in order, all or nothing, however many start."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ava.db.migrate import ATTEMPTS, migrate, status
from ava.db.migrate_files import MigrationError
from ava.db.migrate_session import LOCK_KEY
from ava.errors import ServerUnreachableError, SettingsError

TABLE = "CREATE TABLE t (id integer, name text)"
INDEX = "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_id ON t (id);"


@pytest.fixture
def tree(tmp_path):
    """Write migrations, numbered in order, and return their directory."""

    def write(*texts):
        (tmp_path / "migrations").mkdir(exist_ok=True)
        for number, text in enumerate(texts, start=1):
            path = tmp_path / "migrations" / f"{number:04d}_step.sql"
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def run(database):
    """Run a statement in the test's database and return its rows."""

    def execute(query):
        with psycopg.connect(database, autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    return execute


def no_sleep(seconds):
    """Fail: a test that gets here would wait."""
    raise AssertionError(f"slept {seconds} s")


def test_migrations_run_in_order_and_once(database, tree, run):
    """The second run finds nothing to do."""
    directory = tree(TABLE, "INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (2, 'b;c')")
    first, second = (migrate(database, directory) for _ in range(2))
    assert first.applied == ("migrations/0001_step.sql", "migrations/0002_step.sql")
    assert second.applied == ()
    assert run("SELECT id, name FROM t ORDER BY id") == [(1, "a"), (2, "b;c")]


def test_the_ledger_says_what_was_applied(database, tree, run):
    """Number, name, checksum, time and duration are on record."""
    directory = tree(TABLE)
    migrate(database, directory)
    ((version, name, digits, recent, took),) = run(
        "SELECT version, name, length(checksum), applied_at > now() - interval '1 minute', "
        "duration_ms > 0 FROM schema_migrations"
    )
    assert (version, name, digits, recent, took) == (1, "step", 64, True, True)


def test_a_failed_migration_leaves_nothing(database, tree, run):
    """What the file did before it failed is undone, what came before it stays."""
    directory = tree(TABLE, "INSERT INTO t VALUES (1);\n\nSELECT 1 / 0;", "SELECT 1")
    with pytest.raises(MigrationError) as raised:
        migrate(database, directory)
    assert run("SELECT count(*) FROM t") == [(0,)]
    assert run("SELECT version FROM schema_migrations") == [(1,)]
    message = str(raised.value)
    assert "migrations/0002_step.sql: line 3: division by zero" in message
    assert "SELECT ? / ?" in message
    assert raised.value.sqlstate == "22012"


def test_a_check_put_off_to_the_commit_is_told_with_its_file(database, tree, run):
    """A deferred constraint fails when no statement is running any more."""
    late = "CREATE TABLE u (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED)"
    directory = tree(TABLE, f"{late}; INSERT INTO u VALUES (1), (1)")
    with pytest.raises(
        MigrationError, match=r"0002_step.sql: it could not be committed: duplicate"
    ):
        migrate(database, directory)
    assert run("SELECT to_regclass('u')") == [(None,)]


def test_literals_of_a_failed_statement_are_not_shown(database, tree):
    """A migration may set a password."""
    directory = tree("CREATE ROLE pg_no PASSWORD 'hunter2'")
    with pytest.raises(MigrationError) as raised:
        migrate(database, directory)
    assert "hunter2" not in str(raised.value)


def test_deployers_at_once_do_the_work_once(database, tree, run):
    """The others wait without a snapshot, so the first one's concurrent index is not held up."""
    directory = tree(TABLE, "INSERT INTO t VALUES (1)", INDEX)
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda _: migrate(database, directory), range(3)))
    assert sorted(len(report.applied) for report in reports) == [0, 0, 3]
    assert run("SELECT count(*) FROM t") == [(1,)]


def test_a_stuck_deployer_is_not_waited_for_for_ever(database, tree):
    """After the time allowed the error says who is in the way."""
    slept = []
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        with pytest.raises(MigrationError, match="another deployment held the migration lock"):
            migrate(database, tree(TABLE), wait_s=0.5, sleep=slept.append)
    assert sum(slept) == pytest.approx(0.5)


def test_the_lock_is_given_back(database, tree):
    """A connection that goes on living does not keep others out."""
    with psycopg.connect(database, autocommit=True) as mine:
        migrate(mine, tree(TABLE))
        assert migrate(database, tree(TABLE), wait_s=0, sleep=no_sleep).applied == ()


def test_a_busy_table_is_tried_again(database, tree, run):
    """A lock that is not to be had makes the file wait outside the queue and try again."""
    directory = tree(TABLE)
    migrate(database, directory)
    directory = tree(TABLE, "ALTER TABLE t ADD COLUMN more integer")
    slept = []
    with psycopg.connect(database) as reader:
        reader.execute("SELECT count(*) FROM t")

        def sleep(seconds):
            slept.append(seconds)
            if len(slept) == 2:
                reader.rollback()

        migrate(database, directory, lock_timeout_s=0.05, sleep=sleep)
    assert slept == [1.0, 2.0]
    assert run("SELECT more FROM t") == []


def test_a_table_that_stays_busy_ends_the_deployment(database, tree, run):
    """After the last attempt nothing is applied and the error names the file."""
    migrate(database, tree(TABLE))
    directory = tree(TABLE, "ALTER TABLE t ADD COLUMN more integer")
    slept = []
    with psycopg.connect(database) as reader:
        reader.execute("SELECT count(*) FROM t")
        with pytest.raises(MigrationError, match=r"0002_step.sql: a lock was not to be had"):
            migrate(database, directory, lock_timeout_s=0.05, sleep=slept.append)
    assert len(slept) == ATTEMPTS - 1
    assert run("SELECT version FROM schema_migrations") == [(1,)]


def test_an_invalid_leftover_is_built_again(database, tree, run):
    """IF NOT EXISTS alone would take the INVALID index of a failed build for the real one."""
    directory = tree(TABLE, "INSERT INTO t VALUES (1), (1)", INDEX)
    with pytest.raises(MigrationError, match=r"0003_step.sql: line 2: could not create unique"):
        migrate(database, directory)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_id'::regclass"
    assert run(valid) == [(False,)]
    run("DELETE FROM t")
    assert migrate(database, directory).applied == ("migrations/0003_step.sql",)
    assert run(valid) == [(True,)]


def test_an_index_built_by_hand_is_kept(database, tree, run):
    """A valid index of the name on the table is not built twice."""
    migrate(database, tree(TABLE))
    run("CREATE UNIQUE INDEX t_id ON t (id)")
    before = run("SELECT 't_id'::regclass::oid")
    migrate(database, tree(TABLE, INDEX))
    assert run("SELECT 't_id'::regclass::oid") == before


def test_a_taken_index_name_is_refused(database, tree):
    """IF NOT EXISTS would skip in silence because of an index on another table."""
    other = "CREATE TABLE u (id integer); CREATE INDEX t_id ON u (id)"
    with pytest.raises(MigrationError, match="the name t_id is taken"):
        migrate(database, tree(TABLE, other, INDEX))


def test_a_callers_connection_comes_back_as_it_was(database, tree):
    """Autocommit and timeouts of the caller's session are restored."""
    with psycopg.connect(database) as mine:
        mine.execute("SET statement_timeout = '7s'")
        mine.commit()
        migrate(mine, tree(TABLE))
        assert mine.autocommit is False
        assert mine.execute("SHOW statement_timeout").fetchone() == ("7s",)
        assert mine.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_a_transaction_in_progress_is_not_ended(database, tree):
    """A connection in a transaction is refused: committing it is not the runner's to decide."""
    with psycopg.connect(database) as mine:
        mine.execute("SELECT 1")
        with pytest.raises(MigrationError, match="in a transaction"):
            migrate(mine, tree(TABLE))


def test_status_changes_nothing(database, tree, run):
    """On an untouched database everything is pending, and no ledger is made."""
    found = status(database, tree(TABLE))
    assert (found.applied, found.pending) == ((), ("migrations/0001_step.sql",))
    assert run("SELECT to_regclass('schema_migrations')") == [(None,)]


def test_status_after_a_deployment(database, tree):
    """What ran is applied, what came since is pending."""
    migrate(database, tree(TABLE))
    found = status(database, tree(TABLE, "SELECT 1"))
    assert [row.name for row in found.applied] == ["step"]
    assert found.pending == ("migrations/0002_step.sql",)


def test_a_lost_connection_is_told_and_nothing_half_done(database, tree, run):
    """The server ends the session in mid-migration; the next run starts that file again."""
    broken = tree("CREATE TABLE t (); SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(MigrationError, match=r"0001_step.sql: line 1: "):
        migrate(database, broken)
    assert migrate(database, tree(TABLE)).applied == ("migrations/0001_step.sql",)


@pytest.mark.parametrize(
    ("dsn", "error"),
    [
        ("postgresql://u:secr%zzet@localhost/d", SettingsError),
        ("secret nonsense", SettingsError),
        ("postgresql://u:secr@et@localhost:1/d", ServerUnreachableError),
        ("postgresql://u:secret@127.0.0.1:1/d", ServerUnreachableError),
    ],
)
def test_no_part_of_a_connection_string_is_shown(dsn, error, tree):
    """Neither the message nor anything chained to it holds a piece of the password."""
    with pytest.raises(error) as raised:
        migrate(dsn, tree(TABLE))
    shown = repr(raised.value) + repr(raised.value.__cause__)
    assert "secr" not in shown
    assert "et@" not in shown
    assert raised.value.__suppress_context__


def test_a_whole_deployment_leaves_nothing_to_do(database):
    """The product's own schema deploys on an empty database, and again."""
    migrate(database)
    again = migrate(database)
    assert (again.applied, again.repeated, again.removed) == ((), (), ())
    found = status(database)
    assert (found.pending, found.stale) == ((), ())


def test_waiting_deployers_hold_no_snapshot(database, tree):
    """Another deployer waiting at the door does not hold up a concurrent build."""
    migrate(database, tree(TABLE))
    arrived, leave = threading.Event(), threading.Event()

    def sleep(_seconds):
        arrived.set()
        assert leave.wait(30)

    with psycopg.connect(database, autocommit=True) as first, ThreadPoolExecutor(1) as pool:
        first.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        waiting = pool.submit(migrate, database, tree(TABLE), sleep=sleep)
        assert arrived.wait(30)
        first.execute("SET statement_timeout = '20s'")
        first.execute("CREATE INDEX CONCURRENTLY ON t (id)")
        first.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])
        leave.set()
        assert waiting.result(30).applied == ()
