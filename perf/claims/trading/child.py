"""A loop in a process of its own, to be killed, whose broker writes down each deed.

The price of a symbol is a function of its name and of the number of the look, so a run that was
killed and one that was not see the same. The broker keeps its promise (one id, one execution) as a
real one would, by what it has on its own disk: an execution is a line appended in one write, which
a kill of the process cannot tear, and an order sent again finds its line. A second line for an
order would be a double execution, and a line without a fill in the store a lost one.
"""

from __future__ import annotations

import asyncio
import math
import os
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from ava.db.pool import Database
from ava.section import Secret
from ava.settings import DatabaseSettings
from ava.signals.broker import PaperBroker
from ava.signals.config import TradingConfig
from ava.signals.decide import Rule
from ava.signals.loop import TradingLoop
from ava.signals.orders import Fill, Order
from ava.signals.predictor import Baseline
from ava.signals.source import Snapshot, Tick
from ava.signals.store import Store
from ava.signals.store_local import LocalTrading
from ava.signals.store_postgres import PostgresTrading

SYMBOLS = ("A", "B", "C", "D", "E")
START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
CONFIG = TradingConfig(symbols=SYMBOLS, threshold=0.001, rule=Rule(confidence=0.02))
READY = b"ready"


class Scripted:
    """Prices by rule, from a look on, to another."""

    def __init__(self, first: int, last: int | None = None) -> None:
        self.number, self._last = first, last

    async def snapshot(self, symbols: Sequence[str]) -> Snapshot | None:
        """Return the next look's prices; they end at the last."""
        if self._last is not None and self.number >= self._last:
            return None
        at = START + timedelta(seconds=self.number)
        ticks = {symbol: Tick(price(symbol, self.number), at) for symbol in symbols}
        self.number += 1
        return Snapshot(at, ticks, source="scripted")


def price(symbol: str, number: int) -> float:
    """Return a price with four decimals: a wave of the symbol's own, and a little noise."""
    phase = zlib.crc32(symbol.encode()) % 100
    noise = zlib.crc32(f"{symbol}{number}".encode()) % 1000 / 1000 - 0.5
    return round(100 + 8 * math.sin((number + phase) / 9) + 0.2 * noise, 4)


class RecordingBroker(PaperBroker):
    """Executes each order once, by what its file says."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._done = set(executions(path))

    async def submit(self, order: Order) -> Fill:
        """Execute an order unless that was done, and return its fill."""
        if order.order_id not in self._done:
            os.write(self._file, f"{order.order_id}\n".encode())
            self._done.add(order.order_id)
        return await super().submit(order)


def executions(path: Path) -> list[str]:
    """Return the ids of the orders executed, in their order, as often as that was done."""
    return path.read_text(encoding="ascii").splitlines() if path.exists() else []


@asynccontextmanager
async def opened(place: str) -> AsyncIterator[Store]:
    """Open the store: a file, or a database by its connection string."""
    if "=" not in place and "://" not in place:
        async with LocalTrading.open(Path(place)) as local:
            yield local
        return
    settings = DatabaseSettings(url=Secret(place), pool_min=1, pool_max=2)
    async with Database(settings) as database:
        yield PostgresTrading(database)


async def run(
    place: str, broker: Path, last: int | None = None, *, began: Callable[[], None] | None = None
) -> int:
    """Trade on from where the store stands, to a look or for ever; return the next look."""
    async with opened(place) as store:
        found = await store.resume(SYMBOLS, window=CONFIG.window, bars=CONFIG.outcome_bars)
        seen = [(at - START) // timedelta(seconds=1) for at in found.moments.values()]
        source = Scripted(max(seen, default=-1) + 1, last)
        loop = TradingLoop(CONFIG, source, store, RecordingBroker(broker), Baseline())
        if began is not None:
            began()
        await loop.resume()
        while await loop.step() is not None:
            pass
        return source.number


def trade(place: str, broker: Path, told: Connection) -> None:
    """Trade until somebody ends this process; tell when it begins."""
    asyncio.run(run(place, broker, began=lambda: told.send_bytes(READY)))
