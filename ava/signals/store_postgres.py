"""The loop's store in PostgreSQL: a transaction a write, a statement a table.

A transaction that failed for a passing reason is repeated by the pool; one whose COMMIT was lost is
repeated by the loop, and finds its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ava.db.batch import insert_many
from ava.db.connection import Connection, Row
from ava.db.pool import Database
from ava.db.query import named
from ava.db.tables import MARKET_DATA
from ava.signals.decide import Action, Signal
from ava.signals.orders import Fill, Holding, Order, Side
from ava.signals.store import Decided, Resumed, check_holdings
from ava.signals.tracker import Open

_MOST = 100_000  # rows taken up again: more would be no resumption but a history
_CORRECTED = ("open", "high", "low", "close", "volume", "source")


class PostgresTrading:
    """The store on an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def resume(self, symbols: Sequence[str], *, window: int, bars: int) -> Resumed:
        """Return what an earlier run left."""
        fetch = self._database.fetch
        unfilled = await fetch(named("unfilled_orders"), {"limit": _MOST})
        held = await fetch(named("loop_holdings"), {"limit": _MOST})
        holdings = {row["symbol"]: Holding(**row) for row in held}
        filled = await fetch(named("filled_quantities"), {"limit": _MOST})
        check_holdings(holdings, {row["symbol"]: row["quantity"] for row in filled})
        asked = {"symbols": list(symbols), "limit": _MOST}
        said = await fetch(named("last_loop_signals"), {**asked, "each": bars})
        closes = await fetch(named("last_loop_closes"), {**asked, "each": window})
        prices: dict[str, list[float]] = {symbol: [] for symbol in symbols}
        moments = {row["symbol"]: row["timestamp"] for row in closes}
        for row in closes:
            prices[row["symbol"]].append(float(row["close"]))
        return Resumed(
            unfilled=[_read_order(row) for row in unfilled],
            holdings=holdings,
            references={row["symbol"]: float(row["price"]) for row in said},
            open_signals=[Open(_read_signal(row), row["bars"]) for row in said if _open(row, bars)],
            prices=prices,
            moments=moments,
        )

    async def commit(self, decided: Decided) -> None:
        """Store what an iteration decided, all or nothing."""

        async def work(conn: Connection) -> None:
            bars = [
                {name: getattr(bar, name) for name in MARKET_DATA.columns} for bar in decided.bars
            ]
            await insert_many(conn, MARKET_DATA, bars, on_conflict=_CORRECTED)
            await _put(conn, "put_loop_signals", [_signal(one) for one in decided.signals])
            outcomes = [
                {
                    "symbol": one.symbol,
                    "timestamp": one.at,
                    "model": one.model,
                    "outcome": one.ending.value,
                    "outcome_price": one.price,
                }
                for one in decided.outcomes
            ]
            await _put(conn, "put_loop_outcomes", outcomes)
            await _put(conn, "put_loop_orders", [_order(one) for one in decided.orders])

        await self._database.run(work)

    async def settle(self, fills: Sequence[Fill], held: Iterable[Holding]) -> None:
        """Store fills and what is held after them, all or nothing."""
        if not fills:
            return
        holdings = [
            {
                "symbol": one.symbol,
                "quantity": one.quantity,
                "average_price": one.average_price,
                "realised": one.realised,
            }
            for one in held
        ]

        async def work(conn: Connection) -> None:
            await _put(conn, "put_loop_fills", [_fill(one) for one in fills])
            at = {"updated_at": max(fill.filled_at for fill in fills)}
            await _put(conn, "put_loop_holdings", holdings, at)

        await self._database.run(work)


async def _put(
    conn: Connection,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    also: Mapping[str, Any] | None = None,
) -> None:
    """Run a statement with the rows as an array a column."""
    if rows:
        arrays = {column: [row[column] for row in rows] for column in rows[0]}
        await conn.execute(named(name), {**arrays, **(also or {})}, prepare=False)


def _open(row: Row, bars: int) -> bool:
    return bool(row["action"] != Action.HOLD and row["outcome"] is None and row["bars"] < bars)


def _signal(signal: Signal) -> dict[str, Any]:
    return {
        "symbol": signal.symbol,
        "timestamp": signal.at,
        "model": signal.model,
        "action": signal.action.value,
        "price": signal.price,
        "predicted_price": signal.predicted_price,
        "confidence": signal.confidence,
        "reason": signal.reason,
    }


def _read_signal(row: Row) -> Signal:
    return Signal(
        symbol=row["symbol"],
        at=row["timestamp"],
        action=Action(row["action"]),
        price=row["price"],
        predicted_price=row["predicted_price"],
        confidence=row["confidence"],
        reason=row["reason"],
        model=row["model"],
    )


def _order(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "symbol": order.symbol,
        "action": order.side.value,
        "quantity": order.quantity,
        "price": order.price,
        "decided_at": order.decided_at,
    }


def _read_order(row: Row) -> Order:
    return Order(
        order_id=row["order_id"],
        symbol=row["symbol"],
        side=Side(row["action"]),
        quantity=row["quantity"],
        price=row["price"],
        decided_at=row["decided_at"],
    )


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "order_id": fill.order_id,
        "symbol": fill.symbol,
        "action": fill.side.value,
        "quantity": fill.quantity,
        "price": fill.price,
        "filled_at": fill.filled_at,
    }
