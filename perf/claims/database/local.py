"""Rows D13, D5 and D4 on SQLite: the local store against the figures of document 004.

The store runs as it is used: a file on the lab's disk, WAL, its writer and readers on threads of
their own, so each figure includes the way to those threads and back.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count as counter
from typing import Any

from ava.db.local import BlockingLocalStore, LocalStore
from ava.db.local_rows import Bar, Position, Prediction
from perf.claim import Category, Plan, at_least, at_most, claim, prepare
from perf.claims.document.batches import open_sqlite, store_predictions
from perf.instruments import Arm, Compare, Latency
from perf.lab.lab import Lab, Profile

_START = datetime(2026, 1, 2, 14, 30, tzinfo=UTC)
_PRICE = Decimal("101.25")


def _bar(i: int, symbol: str = "AAA") -> Bar:
    moment = _START + timedelta(seconds=i)
    return Bar(symbol, moment, _PRICE, _PRICE, _PRICE, _PRICE, 1000 + i, "lab")


async def _store(lab: Lab) -> LocalStore:
    """Open a store that stays open as long as the process."""
    manager = LocalStore.open(lab.scratch / "ava.db")
    lab.keep(nullcontext(manager))  # a manager that is collected would close its store
    return await manager.__aenter__()


@prepare("local bars")
def local_bars(lab: Lab) -> dict[str, Any]:
    """Fill a store with bars of 50 symbols, through its own way, for all that read it."""
    path, rows = lab.scratch / "bars.db", _rows(lab)
    with BlockingLocalStore.open(path) as store:  # closed, it is one file, its journal in it
        for first in range(0, rows, 5000):
            block = range(first, min(first + 5000, rows))
            store.insert_market_data_batch([_bar(i, f"SYM{i % 50}") for i in block])
    return {"file": str(path.relative_to(lab.scratch.parent)), "rows": rows}


async def _filled(lab: Lab) -> LocalStore:
    """Open a copy of the filled store."""
    filled = lab.scratch.parent / lab.prepared["local bars"]["file"]  # in the run's directory
    shutil.copyfile(filled, lab.scratch / "ava.db")
    return await _store(lab)


def _rows(lab: Lab) -> int:
    return 1_000_000 if lab.profile is Profile.FULL else 100_000


def _operation(
    name: str, title: str, bound_ms: float, needs: Sequence[str] = ()
) -> Callable[[Callable[[Lab], Awaitable[Plan]]], Callable[[Lab], Awaitable[Plan]]]:
    return claim(
        id=f"D13.{name}",
        rows=["D13"],
        title=title,
        source="004 performance benchmarks",
        category=Category.LATENCY,
        target=at_most(bound_ms, "ms"),
        needs=needs,
        deadline_s=60,
    )


@_operation("insert", "The local store inserts a bar in under 1 ms", 1)
async def insert(lab: Lab) -> Plan:
    """Insert one new bar a call."""
    store, numbers = await _store(lab), counter()

    async def run() -> None:
        await store.insert_market_data(_bar(next(numbers)))

    return Latency(Arm(run))


@_operation("insert-batch", "The local store inserts a hundred bars in under 20 ms", 20)
async def insert_batch(lab: Lab) -> Plan:
    """Insert a hundred new bars a call."""
    store, numbers = await _store(lab), counter()

    async def run() -> int:
        return await store.insert_market_data_batch([_bar(next(numbers)) for _ in range(100)])

    return Latency(Arm(run), check=lambda inserted: inserted == 100)


@_operation(
    "select", "The local store finds a symbol's newest bars in under 1 ms", 1, ["local bars"]
)
async def select(lab: Lab) -> Plan:
    """Read the ten newest bars of one symbol."""
    store = await _filled(lab)

    async def run() -> int:
        return len((await store.latest_bars("SYM7", 10)).rows)

    return Latency(Arm(run), check=lambda rows: rows == 10, facts={"rows": _rows(lab)})


@_operation("update", "The local store updates a position in under 2 ms", 2)
async def update(lab: Lab) -> Plan:
    """Change one position a call."""
    store, numbers = await _store(lab), counter(1)

    async def run() -> None:
        quantity = Decimal(next(numbers))
        await store.update_position(Position("AAA", quantity, _PRICE, _START))

    return Latency(Arm(run))


@_operation(
    "select-time", "The local store reads a span of time in under 10 ms", 10, ["local bars"]
)
async def select_time(lab: Lab) -> Plan:
    """Read the hundred bars of all symbols that follow a moment."""
    rows = _rows(lab)
    store = await _filled(lab)
    start = _START + timedelta(seconds=rows // 2)

    async def run() -> int:
        return len((await store.bars_between(start, start + timedelta(hours=1), 100)).rows)

    return Latency(Arm(run), check=lambda found: found == 100, facts={"rows": rows})


@claim(
    id="D13.timestamp-index",
    rows=["D13", "D5"],
    title="A query by time alone is three times faster with an index on the timestamp (SQLite)",
    source="004 PERF-005",
    target=at_least(3, "x"),
)
@claim(
    id="D13.timestamp-index-5x",
    rows=["D13", "D5"],
    title="A query by time alone is five times faster with an index on the timestamp (SQLite)",
    source="004 PERF-005",
    target=at_least(5, "x"),
)
def timestamp_index(lab: Lab) -> Plan:
    """Read the newest hundred rows, with an index on (symbol, timestamp) only and with both."""
    arms = {name: _sqlite_bars(lab, name) for name in ("before", "after")}
    arms["after"].execute("CREATE INDEX bars_time ON bars (timestamp DESC)")
    arms["after"].execute("ANALYZE")

    def reader(connection: sqlite3.Connection) -> Arm:
        query = "SELECT symbol, timestamp, close FROM bars ORDER BY timestamp DESC LIMIT 100"
        return Arm(lambda: connection.execute(query).fetchall())

    return Compare(
        reader(arms["before"]),
        reader(arms["after"]),
        facts={"rows": _rows(lab), "before": "index on (symbol, timestamp)", "after": "and on it"},
    )


def _sqlite_bars(lab: Lab, name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(lab.scratch / f"{name}.db")
    connection.execute("CREATE TABLE bars (symbol TEXT, timestamp INTEGER, close REAL)")
    rows: Iterator[tuple[Any, ...]] = ((f"SYM{i % 50}", i, 101.25) for i in range(_rows(lab)))
    with connection:
        connection.executemany("INSERT INTO bars VALUES (?, ?, ?)", rows)
        connection.execute("CREATE INDEX bars_symbol ON bars (symbol, timestamp)")
    return connection


@claim(
    id="D4.local-predictions.10x",
    rows=["D4", "D13"],
    title="Storing the predictions of ten symbols is ten times faster as one batch (SQLite)",
    source="004 PERF-004",
    category=Category.THROUGHPUT,
    target=at_least(10, "x"),
)
async def local_predictions(lab: Lab) -> Plan:
    """Store one iteration's predictions by the document's loop and by the store's batch."""
    store, numbers = await _store(lab), counter()
    document = open_sqlite(str(lab.scratch / "document.db"))
    rows = [(f"SYM{i}", _START.isoformat(), 101.25, 0.75) for i in range(10)]

    def loop() -> int:
        store_predictions(document, rows)
        return len(rows)

    async def batch() -> int:
        moment = _START + timedelta(seconds=next(numbers))
        made = [Prediction(f"SYM{i}", moment, "m", "up", _PRICE, 0.75) for i in range(10)]
        return await store.insert_predictions_batch(made)

    return Compare(
        Arm(loop),
        Arm(batch),
        facts={
            "rows": len(rows),
            "before": "an INSERT and a COMMIT a symbol, on the caller's thread",
            "after": "one transaction on the store's writer thread",
        },
    )
