"""The loop's store on one machine: the SQLite file of `ava.db.local`, one transaction a write.

The file is the local store's own, so bars, predictions and trades of the loop are those that its
readers see. A fill is a trade under its order's id. A write that was repeated finds its rows and
changes nothing. One loop trades on a file at a time: a second one would decide on the same holdings
as the first, so it is refused. The lock is the operating system's and ends with its process.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ava.db.local_engine import Engine, LocalStoreBusyError, LocalStoreError
from ava.db.local_rows import (
    Bar,
    Trade,
    Value,
    from_micros,
    from_units,
    to_micros,
    to_units,
    to_values,
)
from ava.db.local_work import statement, transaction
from ava.signals.decide import Action, Signal
from ava.signals.orders import Fill, Holding, Order, Side
from ava.signals.store import DIRECTIONS, Decided, Resumed, check_holdings
from ava.signals.tracker import Open, Outcome

_Values = Mapping[str, Value | None]
_Rows = Mapping[str, Sequence[_Values]]

_MOST = 100_000  # rows taken up again: more would be no resumption but a history


class LocalTrading:
    """The store; open it with `async with LocalTrading.open(path) as store`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[LocalTrading]:
        """Open or make the file; raise LocalStoreError where that cannot be.

        LocalStoreBusyError says that another loop trades on it.
        """
        with _alone(path):
            engine = Engine(path, readers=1)
            try:
                await asyncio.wrap_future(engine.open())
                yield cls(engine)
            finally:
                await asyncio.shield(asyncio.to_thread(engine.close))

    async def resume(self, symbols: Sequence[str], *, window: int, bars: int) -> Resumed:
        """Return what an earlier run left."""
        reading = self._engine.read(lambda connection: _resume(connection, symbols, window, bars))
        return await asyncio.wrap_future(reading)

    async def commit(self, decided: Decided) -> None:
        """Store what an iteration decided, all or nothing."""

        def rows() -> _Rows:
            return {
                "put_bar": [_bar(bar) for bar in decided.bars],
                "put_signal": [_signal(signal) for signal in decided.signals],
                "put_prediction": [
                    _prediction(s) for s in decided.signals if s.predicted_price is not None
                ],
                "put_outcome": [_outcome(outcome) for outcome in decided.outcomes],
                "put_order": [_order(order) for order in decided.orders],
            }

        await self._write(rows)

    async def settle(self, fills: Sequence[Fill], held: Iterable[Holding]) -> None:
        """Store fills and what is held after them, all or nothing."""
        at = max((to_micros(fill.filled_at) for fill in fills), default=0)

        def rows() -> _Rows:
            return {
                "put_trade": [to_values(_trade(fill)) for fill in fills],
                "mark_filled": [{"order_id": fill.order_id} for fill in fills],
                "put_holding": [_holding(one, at) for one in held],
            }

        await self._write(rows)

    async def _write(self, rows: Callable[[], _Rows]) -> None:
        """Make the rows on the writer's thread, and store them in one transaction."""

        def work(connection: sqlite3.Connection) -> None:
            made = rows()
            with transaction(connection):
                for name, values in made.items():
                    if values:
                        connection.executemany(statement(name), values)

        await asyncio.wrap_future(self._engine.write(work))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file for one loop; raise LocalStoreBusyError while another one has it."""
    try:
        held = path.with_name(f"{path.name}-loop").open("w")
    except OSError as error:
        raise LocalStoreError(f"{path} cannot be traded on: {error.strerror}") from None
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LocalStoreBusyError(
                f"another loop trades on {path}; end it, or give this one a --store of its own"
            ) from None
        yield


def _resume(
    connection: sqlite3.Connection, symbols: Sequence[str], window: int, bars: int
) -> Resumed:
    unfilled = connection.execute(statement("unfilled_orders"), {"limit": _MOST}).fetchall()
    held = connection.execute(statement("holdings"), {"limit": _MOST}).fetchall()
    filled = connection.execute(statement("filled_quantities"), {"limit": _MOST}).fetchall()
    holdings = {row[0]: Holding(row[0], *map(from_units, row[1:])) for row in held}
    check_holdings(holdings, {symbol: from_units(quantity) for symbol, quantity in filled})
    references: dict[str, float] = {}
    waiting: list[Open] = []
    prices: dict[str, list[float]] = {}
    moments: dict[str, datetime] = {}
    for symbol in symbols:
        asked = {"symbol": symbol, "limit": bars}
        said = connection.execute(statement("last_signals"), asked).fetchall()
        if said:
            references[symbol] = float(from_units(said[0][4]))
        waiting += [
            Open(_read_signal(row), row[9]) for row in reversed(said) if _is_open(row, bars)
        ]
        closes = connection.execute(
            statement("last_closes"), {"symbol": symbol, "limit": window}
        ).fetchall()
        prices[symbol] = [float(from_units(close)) for _, close in reversed(closes)]
        if closes:
            moments[symbol] = from_micros(closes[0][0])
    orders = [_read_order(row) for row in unfilled]
    return Resumed(orders, holdings, references, waiting, prices, moments)


def _is_open(row: tuple[Any, ...], bars: int) -> bool:
    return row[3] != Action.HOLD and row[8] is None and row[9] < bars


def _bar(bar: Bar) -> dict[str, Value | None]:
    """Return the values of a bar; there is one a symbol and price, so this is the store's path.

    Of a price alone the loop makes a bar whose four prices are one and the same.
    """
    close = to_units(bar.close)
    alone = bar.open is bar.close and bar.high is bar.close and bar.low is bar.close
    return {
        "symbol": bar.symbol,
        "timestamp": to_micros(bar.timestamp),
        "open": close if alone else to_units(bar.open),
        "high": close if alone else to_units(bar.high),
        "low": close if alone else to_units(bar.low),
        "close": close,
        "volume": bar.volume,
        "source": bar.source,
    }


def _prediction(signal: Signal) -> dict[str, Value | None]:
    said = _signal(signal)
    names = ("symbol", "timestamp", "model", "predicted_price", "confidence")
    return {**{name: said[name] for name in names}, "direction": DIRECTIONS[signal.action]}


def _signal(signal: Signal) -> dict[str, Value | None]:
    predicted = signal.predicted_price
    return {
        "symbol": signal.symbol,
        "timestamp": to_micros(signal.at),
        "model": signal.model,
        "action": signal.action.value,
        "price": to_units(signal.price),
        "predicted_price": None if predicted is None else to_units(predicted),
        "confidence": signal.confidence,
        "reason": signal.reason,
    }


def _read_signal(row: tuple[Any, ...]) -> Signal:
    symbol, at, model, action, price, predicted, confidence, reason = row[:8]
    return Signal(
        symbol,
        from_micros(at),
        Action(action),
        from_units(price),
        None if predicted is None else from_units(predicted),
        confidence,
        reason,
        model,
    )


def _outcome(outcome: Outcome) -> dict[str, Value | None]:
    return {
        "symbol": outcome.symbol,
        "timestamp": to_micros(outcome.at),
        "model": outcome.model,
        "outcome": outcome.ending.value,
        "outcome_price": to_units(outcome.price),
    }


def _order(order: Order) -> dict[str, Value | None]:
    return {
        "order_id": order.order_id,
        "symbol": order.symbol,
        "action": order.side.value,
        "quantity": to_units(order.quantity),
        "price": to_units(order.price),
        "decided_at": to_micros(order.decided_at),
    }


def _read_order(row: tuple[Any, ...]) -> Order:
    key, symbol, action, quantity, price, decided_at = row
    amounts = (from_units(quantity), from_units(price))
    return Order(key, symbol, Side(action), *amounts, from_micros(decided_at))


def _trade(fill: Fill) -> Trade:
    return Trade(
        fill.order_id, fill.symbol, fill.side.value, fill.quantity, fill.price, fill.filled_at
    )


def _holding(held: Holding, at: int) -> dict[str, Value | None]:
    return {
        "symbol": held.symbol,
        "quantity": to_units(held.quantity),
        "average_price": to_units(held.average_price),
        "updated_at": at,
        "realised": to_units(held.realised),
    }
