"""Row T1's resilience: a loop that is killed anywhere loses no fill and doubles no order.

A child trades at full speed on a real store and is ended by SIGKILL at a seeded moment; the next
one takes up what it left. After the last, three records must say the same: the broker's own file of
executions, the orders and fills in the store, and the orders of a run that nobody killed. A fault
is an order executed twice or not at all, a fill without its execution or the other way round, an
order that only one of both runs has, a holding that is not the sum of its fills, or damage that
SQLite finds in its file.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from ava.db.local_rows import from_units
from perf.claim import Category, Plan, claim, exactly
from perf.claims.database.prepared import empty_copy
from perf.claims.trading.child import READY, executions, run, trade
from perf.instruments import Count, Counted
from perf.lab.lab import Lab

_LONGEST_S = 0.15  # from when a child is ready until its end
_STORES = 2  # that are traded on at once, by two cores
_MORE = 20  # looks after the last kill, so that all of it is taken up

_PATIENCE_S = 30.0  # for a child to begin on a busy machine
# Forked from a process that has imported all of it: to start an interpreter a hundred times takes
# ten times as long as what is done in them.
_CHILDREN = multiprocessing.get_context("forkserver")
_CHILDREN.set_forkserver_preload([trade.__module__])

Decided = dict[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store holds: orders and fills by id (symbol, action, quantity), quantities held."""

    orders: Decided
    fills: Decided
    held: Mapping[str, Any]
    sound: bool


def kept_locally(place: str) -> Kept:
    """Read an SQLite store by itself, without the platform's code."""
    with sqlite3.connect(place) as connection:
        orders = connection.execute("SELECT order_id, symbol, action, quantity FROM orders")
        fills = connection.execute("SELECT trade_id, symbol, action, quantity FROM trades")
        held = connection.execute("SELECT symbol, quantity FROM positions")
        sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return Kept(
            {row[0]: (*row[1:3], from_units(row[3])) for row in orders},
            {row[0]: (*row[1:3], from_units(row[3])) for row in fills},
            {symbol: from_units(quantity) for symbol, quantity in held},
            sound,
        )


def kept_in_postgres(place: str) -> Kept:
    """Read a database the same way."""
    with psycopg.connect(place) as connection:
        orders = connection.execute("SELECT order_id, symbol, action, quantity FROM paper_orders")
        fills = connection.execute("SELECT order_id, symbol, action, quantity FROM paper_fills")
        held = connection.execute("SELECT symbol, quantity FROM paper_holdings")
        return Kept(
            {row[0]: row[1:] for row in orders.fetchall()},
            {row[0]: row[1:] for row in fills.fetchall()},
            dict(held.fetchall()),
            sound=True,
        )


def faults(kept: Kept, executed: list[str], calm: Kept) -> dict[str, int]:
    """Return what does not fit, by what it is."""
    once = Counter(executed)
    summed: Counter[str] = Counter()
    for symbol, side, quantity in kept.fills.values():
        summed[symbol] += quantity if side == "buy" else -quantity
    differ = {s for s in kept.held.keys() | summed.keys() if kept.held.get(s, 0) != summed[s]}
    return {
        "executed more than once": sum(times - 1 for times in once.values()),
        "ordered and not executed": len(kept.orders.keys() - once.keys()),
        "executed without a fill": len(once.keys() - kept.fills.keys()),
        "filled and not executed": len(kept.fills.keys() - once.keys()),
        "fills other than their orders": sum(
            kept.orders.get(key) != fill for key, fill in kept.fills.items()
        ),
        "orders that a calm run has not, or has alone": len(
            dict(kept.orders.items() ^ calm.orders.items())
        ),
        "holdings other than their fills": len(differ),
        "damage found in the file": int(not kept.sound),
    }


def kill_once(place: str, broker: Path, after_s: float) -> None:
    """Let a child trade, and kill it so long after it began."""
    heard, told = _CHILDREN.Pipe(duplex=False)
    child = _CHILDREN.Process(target=trade, args=(place, broker, told))
    child.start()
    told.close()
    try:
        if not heard.poll(_PATIENCE_S) or heard.recv_bytes() != READY:
            raise RuntimeError("the child did not begin to trade")
        time.sleep(after_s)
    finally:
        child.kill()
        child.join()
        child.close()
        heard.close()


def killed(  # noqa: PLR0913, PLR0917 - the scene, once
    lab: Lab, place: str, calm: str, read: Callable[[str], Kept], kills: int, turn: int = 0
) -> Counted:
    """Kill so many children on one store, run on to an end, and compare."""
    rng = random.Random(lab.seed + turn)  # noqa: S311 - moments of kills
    broker, resent = lab.scratch / f"executions{turn}.txt", 0
    for _ in range(kills):
        kill_once(place, broker, rng.uniform(0, _LONGEST_S))
        left = read(place)
        resent += len(left.orders.keys() - left.fills.keys())
    stands = asyncio.run(run(place, broker, 0))
    asyncio.run(run(place, broker, stands + _MORE))
    asyncio.run(run(calm, lab.scratch / f"calm{turn}.txt", stands + _MORE))
    kept = read(place)
    found = faults(kept, executions(broker), read(calm))
    facts = {
        "kills": kills,
        "looks": stands + _MORE,
        "orders": len(kept.orders),
        "orders found without a fill after a kill, and sent again": resent,
        "table": {"columns": ["fault", "found"], "rows": [list(row) for row in found.items()]},
        "moment": f"up to {_LONGEST_S * 1000:.0f} ms after a child began, seeded",
    }
    return Counted(sum(found.values()), facts)


def _beside(
    lab: Lab, places: Sequence[tuple[str, str]], read: Callable[[str], Kept], kills: int
) -> Counted:
    """Share the kills among stores, at once: while one child trades another is being started."""
    each = kills // len(places)
    lab.scratch.mkdir(exist_ok=True)  # made here: two threads would each make one

    def on(turn: int) -> Counted:
        return killed(lab, *places[turn], read, each, turn)

    with ThreadPoolExecutor(len(places)) as at_once:
        return added(list(at_once.map(on, range(len(places)))))


def added(found: Sequence[Counted]) -> Counted:
    """Return the faults of all stores as one count."""
    facts = dict(found[0].facts)
    for name, value in facts.items():
        if isinstance(value, int):
            facts[name] = sum(one.facts[name] for one in found)
    tables = [one.facts["table"]["rows"] for one in found]
    rows = [[rows[0][0], sum(row[1] for row in rows)] for rows in zip(*tables, strict=True)]
    facts |= {"stores": len(found), "table": {"columns": ["fault", "found"], "rows": rows}}
    return Counted(sum(one.value for one in found), facts)


def _on_sqlite(lab: Lab, kills: int) -> Plan:
    folder = lab.scratch
    places = [(str(folder / f"killed{n}.db"), str(folder / f"calm{n}.db")) for n in range(_STORES)]
    return Count(lambda: _beside(lab, places, kept_locally, kills), "faults", repeats=1)


@claim(
    id="T1.kills",
    rows=["T1"],
    title="A hundred kills of the loop on SQLite lose no fill and double no order",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(0, "faults"),
    profiles=("full",),
    deadline_s=600,
)
def kills_100(lab: Lab) -> Plan:
    """Kill fifty children on each of two stores."""
    return _on_sqlite(lab, 100)


@claim(
    id="T1.kills-postgres",
    rows=["T1"],
    title="Twenty kills of the loop on PostgreSQL lose no fill and double no order",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(0, "faults"),
    needs=["schema"],
    profiles=("full",),
    deadline_s=300,
)
def kills_postgres(lab: Lab) -> Plan:
    """Do the same on shared stores."""
    places = [(lab.dsn(empty_copy(lab)), lab.dsn(empty_copy(lab))) for _ in range(_STORES)]
    return Count(lambda: _beside(lab, places, kept_in_postgres, 20), "faults", repeats=1)
