"""A store for one machine: bars, predictions, trades and positions in an SQLite file.

`LocalStore` is for coroutines and never blocks their loop; its `blocking` face, or
`BlockingLocalStore.open` without a loop, is for everybody else. Both hand the same work to the same
few threads and connections. Writes happen one after another in the order they were asked for; a
batch is one transaction. A write that was begun is finished even if its caller is cancelled; one
that was not is not made.

It is not shared between machines and keeps no history of corrections: that is PostgreSQL's part.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ava.db import local_work as work
from ava.db.local_engine import Engine
from ava.db.local_rows import Bar, Position, Prediction, R, Trade, Value, to_micros
from ava.db.local_work import Listing, Page
from ava.errors import BadValueError

READERS = 4


class _Requests:
    """Each verb of the store as a future: what both faces wait for, each in its own way."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def bars(self, bars: Sequence[Bar]) -> Future[int]:
        return self._engine.write(lambda connection: work.put_bars(connection, bars))

    def predictions(self, predictions: Sequence[Prediction]) -> Future[int]:
        return self._engine.write(lambda connection: work.put_predictions(connection, predictions))

    def trade(self, trade: Trade) -> Future[bool]:
        return self._engine.write(lambda connection: work.put_trade(connection, trade))

    def position(self, position: Position) -> Future[None]:
        return self._engine.write(lambda connection: work.put_position(connection, position))

    def page(
        self, listing: Listing[R], limit: int, cursor: str | None, **given: Value
    ) -> Future[Page[R]]:
        return self._engine.read(
            lambda connection: work.page(connection, listing, limit, cursor, given)
        )

    def bars_between(
        self, start: datetime, end: datetime, limit: int, cursor: str | None
    ) -> Future[Page[Bar]]:
        try:
            first, beyond = to_micros(start), to_micros(end)
        except ValueError as error:
            raise BadValueError(f"bars_between from {start} to {end}: {error}") from error
        # No symbol is empty, so this lies before every bar of the first moment.
        listing = replace(work.BARS_BETWEEN, first=(first, ""))
        return self.page(listing, limit, cursor, end=beyond)


class LocalStore:
    """The store for coroutines; open it with `async with LocalStore.open(path) as store`."""

    def __init__(self, engine: Engine) -> None:
        self._requests = _Requests(engine)
        self.blocking = BlockingLocalStore(engine)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path | str, readers: int = READERS) -> AsyncIterator[LocalStore]:
        """Open or make the file; raise LocalStoreError where that cannot be."""
        engine = Engine(Path(path), readers)
        try:
            await asyncio.wrap_future(engine.open())
            yield cls(engine)
        finally:
            await asyncio.shield(asyncio.to_thread(engine.close))

    async def insert_market_data(self, bar: Bar) -> None:
        """Store a bar; a later one of the same symbol and time corrects it."""
        await asyncio.wrap_future(self._requests.bars([bar]))

    async def insert_market_data_batch(self, bars: Sequence[Bar]) -> int:
        """Store bars, all or none; return how many."""
        return await asyncio.wrap_future(self._requests.bars(bars))

    async def insert_predictions_batch(self, predictions: Sequence[Prediction]) -> int:
        """Store predictions, all or none; return how many."""
        return await asyncio.wrap_future(self._requests.predictions(predictions))

    async def insert_trade(self, trade: Trade) -> bool:
        """Store a trade once; return False where the very same is stored already.

        Raises TradeConflictError where its id belongs to another trade.
        """
        return await asyncio.wrap_future(self._requests.trade(trade))

    async def update_position(self, position: Position) -> None:
        """Store what is held of a symbol now."""
        await asyncio.wrap_future(self._requests.position(position))

    async def latest_bars(self, symbol: str, limit: int, cursor: str | None = None) -> Page[Bar]:
        """Return a symbol's bars, newest first."""
        return await asyncio.wrap_future(
            self._requests.page(work.LATEST_BARS, limit, cursor, symbol=symbol)
        )

    async def bars_between(
        self, start: datetime, end: datetime, limit: int, cursor: str | None = None
    ) -> Page[Bar]:
        """Return the bars of all symbols from `start` up to and without `end`, oldest first."""
        return await asyncio.wrap_future(self._requests.bars_between(start, end, limit, cursor))

    async def recent_predictions(self, limit: int, cursor: str | None = None) -> Page[Prediction]:
        """Return the predictions of all models, newest first."""
        return await asyncio.wrap_future(
            self._requests.page(work.RECENT_PREDICTIONS, limit, cursor)
        )

    async def recent_trades(self, limit: int, cursor: str | None = None) -> Page[Trade]:
        """Return trades, newest first."""
        return await asyncio.wrap_future(self._requests.page(work.RECENT_TRADES, limit, cursor))

    async def positions(
        self, limit: int = work.MAX_LIMIT, cursor: str | None = None
    ) -> Page[Position]:
        """Return what is held, by symbol."""
        return await asyncio.wrap_future(self._requests.page(work.POSITIONS, limit, cursor))


class BlockingLocalStore:
    """The store for threads; every verb returns when its work is done.

    On an event loop's own thread it holds up that loop: use `LocalStore` there.
    """

    def __init__(self, engine: Engine) -> None:
        self._requests = _Requests(engine)

    @classmethod
    @contextmanager
    def open(cls, path: Path | str, readers: int = READERS) -> Iterator[BlockingLocalStore]:
        """Open or make the file; raise LocalStoreError where that cannot be."""
        engine = Engine(Path(path), readers)
        try:
            engine.open().result()
            yield cls(engine)
        finally:
            engine.close()

    def insert_market_data(self, bar: Bar) -> None:
        """Store a bar; a later one of the same symbol and time corrects it."""
        self._requests.bars([bar]).result()

    def insert_market_data_batch(self, bars: Sequence[Bar]) -> int:
        """Store bars, all or none; return how many."""
        return self._requests.bars(bars).result()

    def insert_predictions_batch(self, predictions: Sequence[Prediction]) -> int:
        """Store predictions, all or none; return how many."""
        return self._requests.predictions(predictions).result()

    def insert_trade(self, trade: Trade) -> bool:
        """Store a trade once; return False where the very same is stored already.

        Raises TradeConflictError where its id belongs to another trade.
        """
        return self._requests.trade(trade).result()

    def update_position(self, position: Position) -> None:
        """Store what is held of a symbol now."""
        self._requests.position(position).result()

    def latest_bars(self, symbol: str, limit: int, cursor: str | None = None) -> Page[Bar]:
        """Return a symbol's bars, newest first."""
        return self._requests.page(work.LATEST_BARS, limit, cursor, symbol=symbol).result()

    def bars_between(
        self, start: datetime, end: datetime, limit: int, cursor: str | None = None
    ) -> Page[Bar]:
        """Return the bars of all symbols from `start` up to and without `end`, oldest first."""
        return self._requests.bars_between(start, end, limit, cursor).result()

    def recent_predictions(self, limit: int, cursor: str | None = None) -> Page[Prediction]:
        """Return the predictions of all models, newest first."""
        return self._requests.page(work.RECENT_PREDICTIONS, limit, cursor).result()

    def recent_trades(self, limit: int, cursor: str | None = None) -> Page[Trade]:
        """Return trades, newest first."""
        return self._requests.page(work.RECENT_TRADES, limit, cursor).result()

    def positions(self, limit: int = work.MAX_LIMIT, cursor: str | None = None) -> Page[Position]:
        """Return what is held, by symbol."""
        return self._requests.page(work.POSITIONS, limit, cursor).result()
