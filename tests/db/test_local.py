"""The local store's verbs on real files: two faces, exact rows, whole batches, pages."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ava.db.local import BlockingLocalStore, LocalStore
from ava.db.local_engine import (
    Engine,
    LocalStoreError,
)
from ava.db.local_rows import Bar, Position, Prediction, Trade
from ava.db.local_work import BARS_BETWEEN, LATEST_BARS, RECENT_TRADES, TradeConflictError, page
from ava.errors import BadCursorError, BadLimitError, BadValueError

START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
TRADE = Trade("t1", "AAPL", "buy", Decimal("1.5"), Decimal("187.12"), START)


def bar(minute, symbol="AAPL", close="100.01"):
    """Return a bar of the minute after the start."""
    at = START + timedelta(minutes=minute)
    return Bar(symbol, at, *(Decimal(close),) * 4, volume=1000 + minute, source="test")


@pytest.fixture
def path(tmp_path):
    """Where a store is to be made."""
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    """An open store, for threads."""
    with BlockingLocalStore.open(path) as opened:
        yield opened


# Both faces


def test_coroutines_and_threads_see_the_same_rows(path):
    """The two faces share one file, one writer and one set of readers."""

    async def use():
        async with LocalStore.open(path) as opened:
            await opened.insert_market_data(bar(0))
            await opened.insert_market_data_batch([bar(1), bar(2)])
            await opened.insert_predictions_batch(
                [Prediction("AAPL", START, "m", "up", Decimal(1), 0.5)]
            )
            await opened.insert_trade(TRADE)
            await opened.update_position(Position("AAPL", Decimal(1), Decimal(2), START))
            blocking = opened.blocking
            for each in (
                (opened.latest_bars("AAPL", 9), blocking.latest_bars, ("AAPL", 9)),
                (
                    opened.bars_between(START, START.replace(year=2027), 9),
                    blocking.bars_between,
                    (START, START.replace(year=2027), 9),
                ),
                (opened.recent_predictions(9), blocking.recent_predictions, (9,)),
                (opened.recent_trades(9), blocking.recent_trades, (9,)),
                (opened.positions(), blocking.positions, ()),
            ):
                mine, theirs, arguments = each
                found = await mine
                assert found.rows
                assert found == await asyncio.to_thread(theirs, *arguments)

    asyncio.run(use())


def test_the_loop_is_not_held_up(path):
    """While the writer waits for another process, other coroutines go on."""

    async def use():
        async with LocalStore.open(path) as opened:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                writing = asyncio.create_task(opened.insert_market_data(bar(0)))
                # A read round trip is longer than a write, and the write is still waiting.
                assert (await opened.latest_bars("AAPL", 1)).rows == ()
                assert not writing.done()
                other.execute("COMMIT")
            await writing
            assert len((await opened.latest_bars("AAPL", 1)).rows) == 1

    asyncio.run(use())


def test_a_write_cancelled_before_it_began_is_not_made(path):
    """Cancelling a caller in the queue leaves the store as if the call had not been made."""

    async def use():
        async with LocalStore.open(path) as opened:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                first = asyncio.create_task(opened.insert_market_data(bar(0)))
                second = asyncio.create_task(opened.insert_market_data(bar(1)))
                await opened.positions()
                second.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await second
                other.execute("COMMIT")
            await first
            assert (await opened.latest_bars("AAPL", 9)).rows == (bar(0),)

    asyncio.run(use())


def test_connections_are_opened_once(path):
    """A hundred queries use the connections there were at the start."""
    engine = Engine(path, 3)
    engine.open().result()
    try:
        futures = [engine.read(id) for _ in range(100)] + [engine.write(id) for _ in range(20)]
        assert len({future.result() for future in futures}) <= 3 + 1
        assert engine.write(id).result() not in {engine.read(id).result() for _ in range(9)}
    finally:
        engine.close()


def test_readers_cannot_write(path):
    """Only the writing connection may change the file."""
    engine = Engine(path, 1)
    engine.open().result()
    try:
        with pytest.raises(LocalStoreError, match="read-only"):
            engine.read(lambda connection: connection.execute("DELETE FROM trades")).result()
    finally:
        engine.close()


def test_many_threads_write_and_none_fails(store):
    """Writers queue; nobody is told that the file is locked."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.insert_market_data(bar(n)), range(200)))
    assert len(store.latest_bars("AAPL", 1000).rows) == 200


# Writes


def test_a_later_bar_corrects_an_earlier_one(store):
    """Symbol and time are the key."""
    store.insert_market_data(bar(0))
    store.insert_market_data(bar(0, close="99.5"))
    assert store.latest_bars("AAPL", 9).rows == (bar(0, close="99.5"),)


def test_a_batch_is_all_or_nothing(store):
    """A bad row in the middle leaves no row, and is named."""
    rows = [bar(0), replace(bar(1), close=Decimal("0.123456789")), bar(2)]
    with pytest.raises(BadValueError) as raised:
        store.insert_market_data_batch(rows)
    assert (raised.value.row, raised.value.column) == (1, "close")
    assert store.latest_bars("AAPL", 9).rows == ()


def test_a_rule_of_the_schema_undoes_the_batch(store):
    """What the types allow and the schema does not is refused as a whole."""
    good = Prediction("AAPL", START, "m", "up", Decimal(1), 0.5)
    with pytest.raises(LocalStoreError, match="direction"):
        store.insert_predictions_batch([good, replace(good, model="n", direction="sideways")])
    assert store.recent_predictions(9).rows == ()


def test_an_empty_batch_is_no_work(store):
    """Nothing to store is stored at once, even while somebody else holds the lock."""
    assert store.insert_market_data_batch([]) == 0


def test_a_trade_is_stored_once(store):
    """A repeated delivery is harmless, a second trade of the same id is refused."""
    assert store.insert_trade(TRADE) is True
    assert store.insert_trade(TRADE) is False
    with pytest.raises(TradeConflictError, match="t1"):
        store.insert_trade(replace(TRADE, price=Decimal("187.13")))
    assert store.recent_trades(9).rows == (TRADE,)


def test_a_position_is_what_was_said_last(store):
    """One row a symbol."""
    store.update_position(Position("AAPL", Decimal(1), Decimal(100), START))
    last = Position("AAPL", Decimal("-2.5"), Decimal("101.5"), START + timedelta(seconds=1))
    store.update_position(last)
    assert store.positions().rows == (last,)


# Lists


def walk(fetch, limit):
    """Return every row of a list, page by page."""
    rows, cursor = [], None
    while True:
        found = fetch(limit=limit, cursor=cursor)
        rows += found.rows
        cursor = found.next_cursor
        if cursor is None:
            return rows
        assert len(found.rows) == limit


@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.tuples(st.integers(0, 5), st.sampled_from("ABC")), max_size=18),
    st.integers(1, 7),
)
def test_pages_hold_every_row_once_and_in_order(keys, limit):
    """Whatever ties in time there are, walking the pages is reading the list."""
    bars = [bar(minute, symbol) for minute, symbol in keys]
    trades = [Trade(f"{m}{s}", s, "buy", Decimal(1), Decimal(1), bar(m).timestamp) for m, s in keys]
    with TemporaryDirectory() as folder, BlockingLocalStore.open(Path(folder) / "s.db", 1) as store:
        store.insert_market_data_batch(bars)
        for trade in trades:
            store.insert_trade(trade)
        start, end = START + timedelta(minutes=1), START + timedelta(minutes=4)
        between = walk(lambda **kw: store.bars_between(start, end, **kw), limit)
        latest = walk(lambda **kw: store.latest_bars("A", **kw), limit)
        recent = walk(store.recent_trades, limit)
    in_time = sorted(bars, key=lambda row: (row.timestamp, row.symbol))
    assert between == [row for row in in_time if start <= row.timestamp < end]
    assert latest == [row for row in reversed(in_time) if row.symbol == "A"]
    assert recent == sorted(trades, key=lambda t: (t.executed_at, t.trade_id), reverse=True)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_list_has_a_limit(store, limit):
    """There is no way to ask for everything."""
    with pytest.raises(BadLimitError, match="1 to 1000"):
        store.recent_trades(limit)


def test_a_cursor_of_another_list_is_refused(store):
    """Each cursor knows its list."""
    store.insert_market_data_batch([bar(0), bar(1)])
    cursor = store.latest_bars("AAPL", 1).next_cursor
    with pytest.raises(BadCursorError):
        store.recent_trades(1, cursor)
    with pytest.raises(BadCursorError):
        store.latest_bars("AAPL", 1, "garbled")


def test_a_time_without_a_zone_is_no_bound(store):
    """The bounds of a list are moments too."""
    with pytest.raises(BadValueError, match="needs a zone"):
        store.bars_between(START.replace(tzinfo=None), START, 1)


@pytest.mark.parametrize(
    ("listing", "given", "index"),
    [
        (LATEST_BARS, {"symbol": "A"}, "PRIMARY KEY"),
        (BARS_BETWEEN, {"end": 1}, "INDEX idx_market_data_time"),
        (RECENT_TRADES, {}, "INDEX idx_trades_time"),
    ],
)
def test_lists_are_searched_and_never_sorted(path, listing, given, index):
    """Each list has an index of its own order, so a page costs its rows only."""
    plans = []

    def explained(connection):
        def trace(sql):
            with closing(sqlite3.connect(path)) as other:
                plans.extend(row[3] for row in other.execute(f"EXPLAIN QUERY PLAN {sql}"))

        connection.set_trace_callback(trace)
        page(connection, listing, 5, None, given)

    engine = Engine(path, 1)
    engine.open().result()
    try:
        engine.read(explained).result()
    finally:
        engine.close()
    (plan,) = plans
    assert plan.startswith("SEARCH")
    assert index in plan
