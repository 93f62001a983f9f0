"""The connections of the local store and the threads they live on.

SQLite has one writer at a time, so there is one writing connection on a thread of its own, and
writes queue there instead of failing; readers have as many connections as asked for, see the last
commit, and never wait for the writer (WAL). All are opened once and kept: a "pool" that opens a
connection for each query (document 004, PERF-002) pays for the file, the schema and an empty cache
every time.

synchronous=NORMAL: a commit survives the death of the process; a power cut can cost the last ones,
but never the file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from ava.db.local_work import transaction
from ava.db.migrate_split import Statement, split_statements
from ava.db.query import sql_directory
from ava.errors import AvaError

APPLICATION_ID = 0x41564131  # "AVA1" in the file's header
BUSY_S = 5.0
_BUSY_POLL_S = 0.01

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class LocalStoreError(AvaError):
    """The store's file cannot be opened, read or written; the message names it."""


class LocalStoreBusyError(LocalStoreError):
    """Another process held the file for longer than the time allowed; try again."""


class LocalStoreRowError(LocalStoreError):
    """A row breaks a rule of the schema, and will whenever it is written."""


class LocalStoreClosedError(LocalStoreError):
    """The store was used after it was closed."""


class Engine:
    """One writing connection and `readers` reading ones on the file `path`.

    Creating it touches nothing: `open` does, on the writer's thread.
    """

    def __init__(
        self,
        path: Path,
        readers: int,
        *,
        busy_s: float = BUSY_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if readers < 1:
            raise LocalStoreError(f"{path} needs at least one reading connection, not {readers}")
        self.path = path
        self._readers = readers
        self._busy_s = busy_s
        self._sleep = sleep
        self._writing = ThreadPoolExecutor(1, "ava-local-writer")
        self._reading = ThreadPoolExecutor(readers, "ava-local-reader")
        self._writer: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()

    def open(self) -> Future[None]:
        """Open every connection, and bring the file to the schema of this code."""
        return self._writing.submit(self._mapped, self._open)

    def write(self, work: Work[T]) -> Future[T]:
        """Do `work` on the writing connection, after the writes before it."""
        return self._submit(self._writing, self._writer, work)

    def read(self, work: Work[T]) -> Future[T]:
        """Do `work` on a reading connection."""
        return self._submit(self._reading, self._idle, work)

    def close(self) -> None:
        """Finish what was begun, then close; more than once is harmless."""
        for executor, connections in (
            (self._reading, self._idle),
            (self._writing, self._writer),  # last: the last connection folds the log into the file
        ):
            executor.shutdown(wait=True)
            while not connections.empty():
                connections.get().close()

    def _submit(
        self,
        executor: ThreadPoolExecutor,
        connections: SimpleQueue[sqlite3.Connection],
        work: Work[T],
    ) -> Future[T]:
        def run() -> T:
            # There are as many threads as connections, so one is always idle here.
            connection = connections.get_nowait()
            try:
                return work(connection)
            finally:
                connections.put(connection)

        try:
            return executor.submit(self._mapped, run)
        except RuntimeError as error:
            raise LocalStoreClosedError(f"{self.path} is closed; open it again") from error

    def _mapped(self, run: Callable[[], T]) -> T:
        try:
            return run()
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    def _open(self) -> None:
        if not self.path.parent.is_dir():
            raise LocalStoreError(f"{self.path} cannot be made: its folder does not exist")
        with ExitStack() as opened:
            writer = self._connect(opened)
            self._prepare(writer)
            readers = [self._connect(opened) for _ in range(self._readers)]
            for reader in readers:
                reader.execute("PRAGMA query_only = ON")
                self._idle.put(reader)
            self._writer.put(writer)
            opened.pop_all()  # nothing failed, so they stay open until `close`

    def _connect(self, opened: ExitStack) -> sqlite3.Connection:
        connection = opened.enter_context(
            closing(
                sqlite3.connect(
                    self.path,
                    timeout=self._busy_s,
                    isolation_level=None,  # transactions are begun where they are meant
                    check_same_thread=False,  # handed from thread to thread, used by one at a time
                )
            )
        )
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _prepare(self, writer: sqlite3.Connection) -> None:
        self._check_owner(writer)
        self._use_wal(writer)
        scripts = _schema()
        with transaction(writer):
            # Read under the write lock: another process may be doing the same.
            version = _pragma(writer, "user_version")
            if version > len(scripts):
                raise LocalStoreError(
                    f"{self.path} has schema {version}, newer than this code's {len(scripts)}; "
                    "use the newer code"
                )
            for script in scripts[version:]:
                for statement in script:
                    writer.execute(statement.text)
            writer.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            writer.execute(f"PRAGMA user_version = {len(scripts)}")

    def _check_owner(self, writer: sqlite3.Connection) -> None:
        """Refuse another program's database before anything in it is changed."""
        (tables,) = writer.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and _pragma(writer, "application_id") != APPLICATION_ID:
            raise LocalStoreError(
                f"{self.path} is a database of another program; give the store a file of its own"
            )

    def _use_wal(self, writer: sqlite3.Connection) -> None:
        """Turn the log on, which stays on; here SQLite does not wait for others by itself."""
        waited = 0.0
        while True:
            try:
                mode = writer.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or waited >= self._busy_s:
                    raise
                self._sleep(_BUSY_POLL_S)
                waited += _BUSY_POLL_S
            else:
                break
        if mode != "wal":
            raise LocalStoreError(
                f"{self.path} lies where SQLite cannot keep a write-ahead log (a network folder?); "
                "use a local disk"
            )


@cache
def _schema() -> tuple[tuple[Statement, ...], ...]:
    """Return the statements of each version of the schema, in order."""
    files = sorted((sql_directory() / "local").glob("*.sql"))
    return tuple(split_statements(file.read_text(encoding="utf-8")) for file in files)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    with closing(connection.execute(f"PRAGMA {name}")) as cursor:
        return int(cursor.fetchone()[0])


def _is_busy(error: sqlite3.Error) -> bool:
    # The low byte is the primary code, whatever variant of it was meant.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    }


def _translated(error: sqlite3.Error, path: Path) -> LocalStoreError:
    if _is_busy(error):
        return LocalStoreBusyError(f"{path} is locked by another process; try again")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_CONSTRAINT:
        return LocalStoreRowError(f"{path}: a row breaks a rule of the schema ({error})")
    reasons = {
        sqlite3.SQLITE_READONLY: "it or its folder is read-only; allow writing, or choose another",
        sqlite3.SQLITE_CANTOPEN: "it cannot be opened or made; check the path and its permissions",
        sqlite3.SQLITE_NOTADB: "it is not an SQLite database; choose another file",
        sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a copy",
        sqlite3.SQLITE_FULL: "the disk is full; make room",
    }
    reason = reasons.get(code, str(error))
    return LocalStoreError(f"{path}: {reason}")
