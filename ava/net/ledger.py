"""A quota kept in a file, for all processes of one machine.

The file is SQLite's: each taking is one transaction that holds the write lock from reading the
count to storing it, and is on disk before the call is made. So the count is exact for any number
of processes, and survives their being killed, the machine's restart, and a Redis that forgets. A
process killed between the taking and the call has wasted its units; it never frees them.

A file that cannot be written, or that is busy for longer than `BUSY_S`, refuses every call. It must
lie on a local disk: locks of network file systems are not to be trusted.
"""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from ava.clock import Clock, SystemClock
from ava.errors import QuotaExhaustedError
from ava.net.quota import (
    Book,
    QuotaStats,
    Taking,
    check_cost,
    end_of,
    exhausted,
    observed,
    period_at,
    returned,
    taken,
    turned,
    used,
)
from ava.net.spec import Budget, QuotaRule

BUSY_S = 5.0

_LEDGER = "CREATE TABLE IF NOT EXISTS ledger (id TEXT NOT NULL)"
_QUOTA = """
    CREATE TABLE IF NOT EXISTS quota (name TEXT PRIMARY KEY, period TEXT NOT NULL,
        used INTEGER NOT NULL, told INTEGER NOT NULL, told_at REAL NOT NULL)
"""
_READ = "SELECT period, used, told, told_at FROM quota WHERE name = ?"
_WRITE = "REPLACE INTO quota (name, period, used, told, told_at) VALUES (?, ?, ?, ?, ?)"

T = TypeVar("T")


class LedgerError(QuotaExhaustedError):
    """The file of the count cannot be used, so nothing may be called; the message names it."""


class Ledger:
    """Books in a file, by name. Its methods block, and may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def identity(self) -> str:
        """Return a name drawn once for this file, which tells its counts from other machines'."""

        def read_or_draw(connection: sqlite3.Connection) -> str:
            row = connection.execute("SELECT id FROM ledger").fetchone()
            if row is None:
                row = (uuid.uuid4().hex,)
                connection.execute("INSERT INTO ledger (id) VALUES (?)", row)
            return str(row[0])

        return self._locked("identity", read_or_draw)

    def change(self, name: str, change: Callable[[Book | None], Book | None]) -> Book | None:
        """Replace the book of `name` by what `change` makes of it, which is returned.

        Nobody else changes it meanwhile. None leaves it as it was. Raises LedgerError.
        """

        def work(connection: sqlite3.Connection) -> Book | None:
            row = connection.execute(_READ, (name,)).fetchone()
            book = None if row is None else Book(*row)
            after = change(book)
            if after is not None and after != book:
                values = (after.period, after.used, after.told, after.told_at)
                connection.execute(_WRITE, (name, *values))
            return after

        return self._locked(name, work)

    def _locked(self, name: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction that excludes other writers from its first statement."""
        try:
            # Connecting takes a fraction of the commit, and leaves nothing to close or to fork.
            with closing(sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)) as file:
                file.execute("BEGIN IMMEDIATE")
                for statement in (_LEDGER, _QUOTA):
                    file.execute(statement)
                result = work(file)
                file.execute("COMMIT")
                return result
        except sqlite3.Error as error:
            raise LedgerError(
                f"the quota file {self.path} cannot be used ({error}); until it can, "
                f"{name} is not called",
                provider=name,
            ) from error


class LedgerQuota:
    """Hold `rule` for every process of this machine that gives the same `name` and `path`."""

    def __init__(
        self, name: str, rule: QuotaRule, path: Path, *, clock: Clock | None = None
    ) -> None:
        self.name = name
        self.rule = rule
        self._ledger = Ledger(path)
        self._clock = clock or SystemClock()
        self._book: Book | None = None  # as last seen
        self._turn = asyncio.Lock()  # threads of one process need not fight over the file
        self._taken = self._given_back = self._refused = 0

    async def take(self, cost: int = 1) -> Taking:
        """Count `cost` units; raise QuotaExhaustedError, counting nothing, if they are not left.

        A caller cancelled meanwhile has its units given back. Raises LedgerError, which is a
        QuotaExhaustedError, when the file cannot be used.
        """
        check_cost(cost)
        at = self._at()
        async with self._turn:
            book = await uncancelled(lambda: self._take(cost, at), self._untake(cost, at))
        if book is None:
            self._refused += 1
            raise exhausted(self.name, self.rule, self._period(), cost)
        self._book = book
        self._taken += cost
        return Taking(cost, book.period, at)

    async def give_back(self, taking: Taking) -> None:
        """Undo a taking whose request never left; one of an earlier period changes nothing."""
        await self._change(lambda book: returned(book, taking))
        self._given_back += taking.cost

    async def observe(self, budget: Budget, taking: Taking | None = None) -> None:
        """Adopt what the provider tells, where it is worse than the count (see `Quota`)."""
        at = self._at()
        await self._change(lambda book: observed(book, budget, self.rule.limit, at, taking))

    async def left(self) -> int | None:
        """Return the units left in this period."""
        return self._left(await self._change(lambda book: book))

    def stats(self) -> QuotaStats:
        """Return the counts of the moment; the file is not read for them."""
        return QuotaStats(
            limit=self.rule.limit,
            left=None if self._book is None else self._left(turned(self._book, self._period())),
            resets_at=end_of(self.rule, self._period()),
            taken=self._taken,
            given_back=self._given_back,
            refused=self._refused,
        )

    def _at(self) -> float:
        return self._clock.now().timestamp()

    def _period(self) -> str:
        now = period_at(self.rule, self._clock.now())
        return now if self._book is None else max(now, self._book.period)

    def _left(self, book: Book) -> int:
        return max(0, self.rule.limit - used(book, self._at()))

    def _take(self, cost: int, at: float) -> Book | None:
        period, limit = self._period(), self.rule.limit
        return self._ledger.change(
            self.name, lambda book: taken(turned(book, period), cost, limit, at)
        )

    def _untake(self, cost: int, at: float) -> Callable[[Book | None], object]:
        """Return what undoes a take that nobody waits for any more."""

        def undo(book: Book | None) -> object:
            if book is None:
                return None
            taking = Taking(cost, book.period, at)
            return self._ledger.change(self.name, lambda b: b and returned(b, taking))

        return undo

    async def _change(self, change: Callable[[Book], Book]) -> Book:
        period = self._period()
        book = await asyncio.to_thread(
            self._ledger.change, self.name, lambda book: change(turned(book, period))
        )
        self._book = turned(book, period)
        return self._book


async def uncancelled(work: Callable[[], T], undo: Callable[[T], object]) -> T:
    """Do blocking `work` in a thread; if the caller is cancelled meanwhile, `undo` its result."""
    task = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _finish(asyncio.ensure_future(_undone(task, undo)))
        raise


async def _undone(task: asyncio.Future[T], undo: Callable[[T], object]) -> None:
    result = await task
    await asyncio.to_thread(undo, result)


async def _finish(task: asyncio.Task[None]) -> None:
    """Wait for `task` even through further cancellations: it takes as long as one commit."""
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            continue
        except Exception:  # noqa: BLE001 - what could not be counted needs no undoing
            return
