"""Row D4: batch inserts against row at a time, for the four tables the documents name.

002.7 says 10-50x for batches of watchlist rows. Its two ends are claims of their own, at 1,000
rows over a socket and 100 rows over 1 ms, since the network decides between them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from ava.db.batch import BatchTable, insert_many
from ava.db.pool import Database
from ava.db.tables import ALERTS, MARKET_DATA, PREDICTIONS, WATCHLIST_ITEMS
from perf.claim import Category, Plan, at_least, claim
from perf.claims.database.pool import settings
from perf.claims.database.prepared import connect, empty_copy
from perf.claims.document.batches import Row, insert_by_loop
from perf.instruments import Arm, Compare
from perf.lab.lab import Lab

_START = datetime(2026, 1, 2, 14, 30, tzinfo=UTC)


def _watchlist_item(i: int) -> Row:
    return {"watchlist_id": 1, "symbol": f"SYM{i}", "notes": "watch the gap"}


def _alert(i: int) -> Row:
    message = f"price crossed {i}"
    return {"alert_type": "price", "symbol": "AAA", "message": message, "priority": 1 + i % 5}


def _prediction(i: int) -> Row:
    return {
        "symbol": f"SYM{i}",
        "timestamp": _START + timedelta(seconds=i),
        "model": "baseline",
        "direction": "up",
        "predicted_price": Decimal("101.25"),
        "confidence": 0.75,
    }


def _bar(i: int) -> Row:
    prices = dict.fromkeys(("open", "high", "low", "close"), Decimal("101.25"))
    moment = {"symbol": "AAA", "timestamp": _START + timedelta(minutes=i)}
    return {**moment, **prices, "volume": 1000 + i, "source": "lab"}


TABLES: dict[str, tuple[BatchTable, Callable[[int], Row]]] = {
    "watchlists": (WATCHLIST_ITEMS, _watchlist_item),
    "alerts": (ALERTS, _alert),
    "predictions": (PREDICTIONS, _prediction),
    "market-data": (MARKET_DATA, _bar),
}
# Enough rows that a batch is worth its name, few enough that the loop over a network ends.
NETWORKS = ({"n": 1000, "rtt": 0}, {"n": 100, "rtt": 1})
CASES = [{"table": table, **network} for table in TABLES for network in NETWORKS]
# One table over a network says much of what the rest says; the quick profile has it alone.
QUICK = [case for case in CASES if case["table"] == "predictions" and case["rtt"]]


def _factor(figure: str, bound: float, profile: str) -> Callable[[Any], Any]:
    return claim(
        id=f"D4.{{table}}.{figure}.n{{n}}-rtt{{rtt}}",
        rows=["D4"],
        title=f"{{n}} {{table}} rows over {{rtt}} ms go in {bound:g} times faster as a batch",
        source="002.7",
        category=Category.THROUGHPUT,
        target=at_least(bound, "x"),
        needs=["schema"],
        profiles=("quick", "full") if profile == "quick" else ("full",),
        cases=[case for case in CASES if (case in QUICK) is (profile == "quick")],
    )


@_factor("10x", 10, "quick")
@_factor("50x", 50, "quick")
@_factor("10x", 10, "full")
@_factor("50x", 50, "full")
async def batch_insert(lab: Lab, table: str, n: int, rtt: int) -> Plan:
    """Insert the same rows by loop and by batch into an emptied table."""
    target, make = TABLES[table]
    rows = [make(i) for i in range(n)]
    name = empty_copy(lab)
    aside = connect(lab, name)
    if target is WATCHLIST_ITEMS:
        aside.execute(
            "INSERT INTO watchlists (id, owner, name) OVERRIDING SYSTEM VALUE VALUES (1, 'o', 'n')"
        )
    dsn = lab.dsn_via(lab.proxy(rtt_ms=rtt), name) if rtt else lab.dsn(name)
    loop = lab.keep(psycopg.connect(dsn, autocommit=True))
    database = Database(settings(dsn, pool_min=1, pool_max=1))
    await database.open()

    async def batch() -> None:
        async with database.connection() as connection:
            await insert_many(connection, target, rows)

    names = {"table": sql.Identifier(target.name)}
    columns = sql.SQL(", ").join(sql.Identifier(column) for column in target.columns)
    read = sql.SQL("SELECT {columns} FROM {table} ORDER BY {columns}").format(
        **names, columns=columns
    )
    truncate = sql.SQL("TRUNCATE {table}").format(**names)

    def arm(run: Callable[[], Any]) -> Arm:
        return Arm(
            run,
            reset=lambda: aside.execute(truncate),
            outcome=lambda: aside.execute(read).fetchall(),
        )

    return Compare(
        arm(lambda: insert_by_loop(loop, target.name, rows)),
        arm(batch),
        facts={
            "rtt_ms": rtt,
            "rows": n,
            "before": "one INSERT a row in a loop, one transaction",
            "after": "one batch: COPY, or unnest of typed arrays for few rows",
        },
    )
