"""The local store's file: its settings, kills, other processes, and files that are not ours."""

import multiprocessing
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ava.db.local import BlockingLocalStore
from ava.db.local_engine import (
    Engine,
    LocalStoreBusyError,
    LocalStoreClosedError,
    LocalStoreError,
)
from ava.db.local_rows import Bar, Trade

START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
TRADE = Trade("t1", "AAPL", "buy", Decimal("1.5"), Decimal("187.12"), START)


def bar(minute, symbol):
    """Return a bar of the minute after the start."""
    at = START + timedelta(minutes=minute)
    return Bar(symbol, at, *(Decimal(100),) * 4, volume=1000 + minute, source="test")


@pytest.fixture
def path(tmp_path):
    """Where a store is to be made."""
    return tmp_path / "store.db"


def test_the_settings_of_the_file_are_as_promised(path):
    """Write-ahead log, no flush at each commit, foreign keys on, waiting for others."""

    def read(connection):
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    engine = Engine(path, 1)
    engine.open().result()
    try:
        assert engine.write(read).result() == ["wal", 1, 1, 5000]
        assert engine.read(read).result() == ["wal", 1, 1, 5000]
    finally:
        engine.close()


def test_a_store_is_there_after_it_was_closed(path):
    """Closing folds the log into the file; opening again changes nothing."""
    with BlockingLocalStore.open(path) as store:
        store.insert_trade(TRADE)
    assert [p.name for p in path.parent.iterdir()] == ["store.db"]
    with BlockingLocalStore.open(path) as store:
        assert store.recent_trades(9).rows == (TRADE,)


def test_a_closed_store_says_so(path):
    """Using it after the end is an error of its own."""
    with BlockingLocalStore.open(path) as store:
        pass
    with pytest.raises(LocalStoreClosedError):
        store.positions()


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ava.db.local import BlockingLocalStore, Bar
with BlockingLocalStore.open(sys.argv[1]) as store:
    for n in range(10**9):
        at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(microseconds=n)
        store.insert_market_data_batch(
            [Bar(s, at, *(Decimal(n),) * 4, volume=n, source="w") for s in ("A", "B")]
        )
        print(n, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(path):
    """After SIGKILL every batch that was said to be stored is there, and whole."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        for line in writer.stdout:
            last = int(line)
            if last >= 50:
                writer.send_signal(signal.SIGKILL)
                break
        rest = writer.stdout.read().split()
    last = int(rest[-1]) if rest else last
    with BlockingLocalStore.open(path) as store:
        a, b = (store.latest_bars(symbol, 1).rows[0] for symbol in "AB")
    assert a.volume == b.volume
    assert a.volume in {last, last + 1}


def write_some(path, symbol, barrier):
    """Open the store together with others and write to it."""
    barrier.wait(30)
    with BlockingLocalStore.open(path) as store:
        for minute in range(50):
            store.insert_market_data(bar(minute, symbol))


def test_processes_share_a_file(path):
    """Several processes make, open and write the same new file at once; nothing is lost."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    workers = [context.Process(target=write_some, args=(path, s, barrier)) for s in "ABC"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with BlockingLocalStore.open(path) as store:
        assert [len(store.latest_bars(s, 1000).rows) for s in "ABC"] == [50, 50, 50]


def test_a_file_held_too_long_is_busy(path):
    """After the time allowed the error says that another process is in the way."""
    engine = Engine(path, 1, busy_s=0.05)
    engine.open().result()
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LocalStoreBusyError, match="another process"):
                engine.write(lambda c: c.execute("BEGIN IMMEDIATE")).result()
    finally:
        engine.close()


def refused(path):
    """Return what opening says; no thread and no connection may stay behind."""
    before = threading.active_count()
    with pytest.raises(LocalStoreError) as raised, BlockingLocalStore.open(path):
        pass
    assert threading.active_count() == before
    return str(raised.value)


def test_a_file_of_something_else_is_refused(path):
    """Text is no database, and stays as it is."""
    path.write_text("dear diary, " * 100)
    assert "not an SQLite database" in refused(path)
    assert path.read_text().startswith("dear diary")


def test_a_database_of_another_program_is_refused(path):
    """Its tables are not ours to add to."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (id INTEGER)")
    before = path.read_bytes()
    assert "another program" in refused(path)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(path):
    """An old release must not write into a file that a newer one shaped."""
    with BlockingLocalStore.open(path):
        pass
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    assert "newer than this code" in refused(path)


def test_a_missing_folder_is_told(tmp_path):
    """SQLite would only say that it is unable to open the file."""
    assert "folder does not exist" in refused(tmp_path / "nowhere" / "store.db")


def test_a_folder_in_place_of_the_file_is_told(tmp_path):
    """The path must be a file."""
    assert "cannot be opened" in refused(tmp_path)


OPENER = """
import os, sys
from ava.db.local import BlockingLocalStore
from ava.errors import AvaError
with BlockingLocalStore.open(sys.argv[1]):
    pass  # the code and the schema are read before this process becomes somebody else
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere
try:
    with BlockingLocalStore.open(sys.argv[2]):
        print("opened")
except AvaError as error:
    print(error)
"""


@pytest.mark.parametrize("made", [False, True])
def test_a_read_only_folder_is_told(made):
    """Whether the file is there or not, the error says what to allow."""
    with TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "closed"
        folder.mkdir()
        path = folder / "store.db"
        if made:
            with BlockingLocalStore.open(path):
                pass
            path.chmod(0o444)
        folder.chmod(0o555)
        said = subprocess.run(
            [sys.executable, "-c", OPENER, f"{outer}/other.db", str(path)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        folder.chmod(0o755)
    assert str(path) in said
    assert ("read-only" if made else "permissions") in said
