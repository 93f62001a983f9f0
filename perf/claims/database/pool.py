"""Rows D1 and D2: the one pool, its settings where they act, and its figures.

Sessions and timeouts are read from the server and attempts are counted on a socket, not from the
code that set them.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import psycopg

import ava
from ava.clock import ManualClock
from ava.db.pool import Database
from ava.errors import ServerUnreachableError
from ava.section import Secret
from ava.settings import DatabaseSettings
from perf.claim import Category, Plan, claim, exactly
from perf.claims.database.prepared import empty_copy
from perf.instruments import Count, Counted
from perf.lab.lab import Lab

MOST = 20


def settings(dsn: str, **changed: Any) -> DatabaseSettings:
    """Return the platform's settings for a server, everything else at its default."""
    return DatabaseSettings(url=Secret(dsn), **changed)


@claim(
    id="D1.pool.sessions-at-rest",
    rows=["D1"],
    title="An idle platform holds five connections",
    source="002.3",
    target=exactly(5, "sessions"),
    needs=["schema"],
)
def sessions_at_rest(lab: Lab) -> Plan:
    """Open the pool and count sessions on the server."""
    name = empty_copy(lab)

    async def count() -> int:
        async with Database(settings(lab.dsn(name))):
            return _sessions(lab, name)

    return Count(count, "sessions")


@claim(
    id="D1.pool.sessions-at-most",
    rows=["D1"],
    title="Both faces of the pool together never hold more than twenty connections",
    source="002.3",
    category=Category.SCALABILITY,
    target=exactly(MOST, "sessions"),
    needs=["schema"],
)
def sessions_at_most(lab: Lab) -> Plan:
    """Let twenty coroutines and twenty threads ask at once, and count sessions on the server."""
    name = empty_copy(lab)
    threads = lab.keep(ThreadPoolExecutor(MOST))

    async def count() -> Counted:
        holding, release = Holding(), threading.Event()
        async with Database(settings(lab.dsn(name))) as database, asyncio.TaskGroup() as group:
            for _ in range(MOST):
                group.create_task(_hold(database, holding, release))
                threads.submit(_hold_blocking, database, holding, release)
            # All that can be lent are lent, and everybody else is in the queue.
            await _until(
                lambda: len(holding) >= MOST and len(holding) + database.stats().waiting == 2 * MOST
            )
            facts = {"callers": 2 * MOST, "waiting": database.stats().waiting}
            seen = _sessions(lab, name)
            release.set()
            await _until(lambda: len(holding) == 2 * MOST)
        return Counted(seen, facts)

    return Count(count, "sessions")


@claim(
    id="D1.pool.statement-timeout",
    rows=["D1"],
    title="The server ends a platform's statement after 30 s",
    source="000.17",
    target=exactly(30, "s of statement_timeout"),
    needs=["schema"],
)
def statement_timeout(lab: Lab) -> Plan:
    """Ask the server which timeout holds for a pooled session."""
    name = empty_copy(lab)

    async def count() -> float:
        async with Database(settings(lab.dsn(name))) as database:
            row = await database.fetch_one(
                "SELECT extract(epoch FROM current_setting('statement_timeout')::interval) AS s"
            )
            return float(row["s"]) if row else 0.0

    return Count(count, "s of statement_timeout")


@claim(
    id="D1.pool.connection-attempts",
    rows=["D1"],
    profiles=("full",),
    title="An unreachable server is tried three times, then reported",
    source="002.3",
    category=Category.RESILIENCE,
    target=exactly(3, "attempts"),
)
def connection_attempts(lab: Lab) -> Plan:  # noqa: ARG001 - the server here is a bare socket
    """Count the connections that arrive at a socket which hangs up on each."""

    async def count() -> Counted:
        with _hangs_up() as (port, accepted):
            unreachable = Database(settings(f"postgresql://ava@127.0.0.1:{port}/ava"))
            reported = None
            try:
                await unreachable.open()
            except ServerUnreachableError as error:
                reported = type(error).__name__
            return Counted(len(accepted) if reported else 0, {"reported": reported})

    return Count(count, "attempts", repeats=1)  # two seconds of backoff


@claim(
    id="D1.pool.connect-timeout",
    rows=["D1"],
    title="A connection attempt is given up after 10 s",
    source="002.3",
    category=Category.RESILIENCE,
    target=exactly(10, "s of connect_timeout"),
    needs=["schema"],
)
def connect_timeout(lab: Lab) -> Plan:
    """Ask libpq which timeout a pooled session was opened with."""
    name = empty_copy(lab)

    async def count() -> float:
        async with (
            Database(settings(lab.dsn(name))) as database,
            database.connection() as connection,
        ):
            return float(connection.info.get_parameters()["connect_timeout"])

    return Count(count, "s of connect_timeout")


@claim(
    id="D1.pool.first-backoff",
    rows=["D1"],
    title="The first pause between attempts lasts one second at the most",
    source="002.3",
    category=Category.RESILIENCE,
    target=exactly(1, "s at the most"),
)
def first_backoff(lab: Lab) -> Plan:  # noqa: ARG001 - the server here is a bare socket
    """Let chance always choose the longest pause, on a clock that jumps, and read the first."""

    async def count() -> Counted:
        clock = ManualClock(jump=True)
        with _hangs_up() as (port, _):
            url = f"postgresql://ava@127.0.0.1:{port}/ava"
            unreachable = Database(settings(url), clock=clock, chance=_Longest())
            with contextlib.suppress(ServerUnreachableError):
                await unreachable.open()
        return Counted(clock.slept[0], {"pauses_s": clock.slept})

    return Count(count, "s at the most")


class _Longest(Random):
    """Chance that always falls on the upper end."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


@claim(
    id="D1.pool.one-place",
    rows=["D1"],
    title="One place in the platform makes a connection pool",
    source="002 key findings, 002.3",
    target=exactly(1, "places"),
)
def one_place(lab: Lab) -> Plan:  # noqa: ARG001 - the source is what is looked at
    """Count the calls in the platform's source that construct a pool."""

    def count() -> Counted:
        places = [
            f"{path}:{node.lineno}"
            for path, tree in sources()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and _name(node.func).endswith("ConnectionPool")
        ]
        return Counted(len(places), {"places": places})

    return Count(count, "places")


@claim(
    id="D2.stats.in-use",
    rows=["D2"],
    title="With seven connections held the statistics say seven",
    source="002.10",
    target=exactly(7, "connections in use"),
    needs=["schema"],
)
def stats_in_use(lab: Lab) -> Plan:
    """Hold seven connections and read the public statistics."""
    name = empty_copy(lab)

    async def count() -> Counted:
        holding, release = Holding(), threading.Event()
        async with Database(settings(lab.dsn(name))) as database, asyncio.TaskGroup() as group:
            holders = [group.create_task(_hold(database, holding, release)) for _ in range(7)]
            await _until(lambda: len(holding) == len(holders))
            stats = database.stats()
            release.set()
        facts = {"saturation": stats.saturation, "max_size": stats.max_size, "idle": stats.idle}
        return Counted(stats.in_use, facts)

    return Count(count, "connections in use")


@claim(
    id="D2.stats.private-attributes",
    rows=["D2"],
    title="The pool's statistics touch no private attribute of the pool",
    source="002.10",
    target=exactly(0, "private attributes"),
)
def private_attributes(lab: Lab) -> Plan:  # noqa: ARG001 - the source is what is looked at
    """Count reads of another object's underscored attributes in the database layer."""

    def count() -> Counted:
        found = [
            f"{path}:{node.lineno} {ast.unparse(node)}"
            for path, tree in sources()
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and _is_private_of_pool(node)
        ]
        return Counted(len(found), {"found": found})

    return Count(count, "private attributes")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the platform's modules, parsed."""
    root = Path(next(iter(ava.__path__)))
    for path in sorted(root.rglob("*.py")):
        yield path.relative_to(root), ast.parse(path.read_text(encoding="utf-8"))


def _is_private_of_pool(node: ast.Attribute) -> bool:
    """Say whether `node` reads an underscored attribute of a pool or a connection it holds."""
    holder = _name(node.value).rpartition(".")[2].strip("_")
    private = node.attr.startswith("_") and not node.attr.startswith("__")
    return private and holder in {"pool", "conn", "connection"}


def _name(node: ast.AST) -> str:
    """Return a dotted name; a subscript (`Pool[Row]`) is named by what is subscripted."""
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return ast.unparse(node)


def _sessions(lab: Lab, name: str) -> int:
    """Count the platform's sessions in database `name`, from outside."""
    with psycopg.connect(lab.dsn()) as aside:
        row = aside.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = 'ava'",
            (name,),
        ).fetchone()
    return int(row[0]) if row else 0


class Holding(list[int]):
    """Who holds a connection now: one entry each. Appending to a list is safe from any thread."""


async def _hold(database: Database, holding: Holding, release: threading.Event) -> None:
    async with database.connection():
        holding.append(1)
        await _until(release.is_set)


def _hold_blocking(database: Database, holding: Holding, release: threading.Event) -> None:
    with database.blocking.connection():
        holding.append(1)
        release.wait()


async def _until(reached: Any) -> None:
    """Wait for a state of the outside world, which sends no event; the deadline is the claim's."""
    while not reached():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.005)


@contextlib.contextmanager
def _hangs_up() -> Iterator[tuple[int, list[Any]]]:
    """Listen on a port and close every connection at once; yield the port and who came."""
    accepted: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):  # the server was closed: the claim is over
                while True:
                    visitor, address = server.accept()
                    accepted.append(address)
                    visitor.close()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], accepted
        server.shutdown(socket.SHUT_RDWR)
