"""What every store of the loop promises: whole writes, harmless repeats, and a way back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ava.db.local import LocalStore
from ava.db.local_engine import LocalStoreBusyError
from ava.db.local_rows import Bar
from ava.db.pool import Database
from ava.section import Secret
from ava.settings import DatabaseSettings
from ava.signals.decide import Action, Signal
from ava.signals.orders import Fill, Holding, Order, Side
from ava.signals.store import Decided, HoldingsDifferError, MemoryStore
from ava.signals.store_local import LocalTrading
from ava.signals.store_postgres import PostgresTrading
from ava.signals.tracker import Ending, Outcome

pytestmark = pytest.mark.anyio

AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
ORDER = Order("m:A:1", "A", Side.BUY, Decimal(10), Decimal("100.25"), AT)
FILL = Fill("m:A:1", "A", Side.BUY, Decimal(10), Decimal("100.27005"), AT)
HELD = Holding("A", Decimal(10), Decimal("100.27005"), Decimal("-1.5"))


def minute(n):
    """Return a moment."""
    return AT + timedelta(minutes=n)


def bar(n, symbol="A"):
    """Return the bar of a minute; its close is a hundred and the minute."""
    return Bar(symbol, minute(n), *(Decimal(100 + n),) * 4, volume=1, source="test")


def said(n, action=Action.BUY, symbol="A"):
    """Return the signal of a minute."""
    return Signal(symbol, minute(n), action, Decimal(100 + n), Decimal("101.5"), 0.5, "why", "m")


@pytest.fixture(params=["memory", "local", "postgres"])
async def store(request, tmp_path):
    """Each store there is."""
    if request.param == "memory":
        yield MemoryStore()
        return
    if request.param == "postgres":
        dsn = request.getfixturevalue("platform_dsn")
        async with Database(DatabaseSettings(url=Secret(dsn), pool_min=1, pool_max=2)) as database:
            yield PostgresTrading(database)
        return
    async with LocalTrading.open(tmp_path / "store.db") as opened:
        yield opened


async def left(store, symbols=("A",), window=64, bars=10):
    """Return what a new run would take up."""
    return await store.resume(symbols, window=window, bars=bars)


async def test_an_order_without_a_fill_is_left_to_do(store):
    """It may have been executed without our knowing."""
    await store.commit(Decided(AT, orders=[ORDER]))
    assert list((await left(store)).unfilled) == [ORDER]
    await store.settle([FILL], [HELD])
    found = await left(store)
    assert list(found.unfilled) == []
    assert found.holdings == {"A": HELD}


async def test_a_write_may_be_repeated(store):
    """Also one whose order was filled meanwhile."""
    decided = Decided(minute(1), [bar(1)], [said(1)], [], [ORDER])
    for _ in range(2):
        await store.commit(decided)
        await store.settle([FILL], [HELD])
    found = await left(store)
    assert list(found.unfilled) == []
    assert found.holdings == {"A": HELD}
    assert found.references == {"A": 101.0}
    assert found.prices == {"A": [101.0]}


async def test_the_last_prices_and_signals_are_taken_up(store):
    """The window's prices, oldest first, and the price of the last signal."""
    for n in range(5):
        await store.commit(Decided(minute(n), [bar(n)], [said(n)] if n < 4 else []))
    found = await left(store, window=3)
    assert found.prices == {"A": [102.0, 103.0, 104.0]}
    assert found.references == {"A": 103.0}


async def test_signals_without_an_outcome_are_taken_up_with_their_bars(store):
    """Those to hold have none to come, and those too old have missed theirs."""
    for n in range(6):
        action = Action.HOLD if n == 4 else Action.BUY
        await store.commit(Decided(minute(n), [bar(n)], [said(n, action)]))
    ended = Outcome("A", minute(3), "m", Ending.WIN, Decimal(110))
    await store.commit(Decided(minute(6), outcomes=[ended]))
    found = await left(store, bars=4)
    assert [(one.signal, one.bars) for one in found.open_signals] == [(said(2), 3), (said(5), 0)]


async def test_symbols_are_kept_apart(store):
    """What is held counts whatever is followed; the rest is of those followed."""
    await store.commit(Decided(AT, [bar(0), bar(0, "B")], [said(0), said(0, symbol="B")]))
    found = await left(store, symbols=("B", "C"))
    assert found.references == {"B": 100.0}
    assert found.prices == {"B": [100.0], "C": []}


async def test_nothing_stored_is_nothing_left(store):
    """A first run starts from nothing."""
    found = await left(store)
    assert (list(found.unfilled), found.holdings, found.references) == ([], {}, {})


async def test_the_last_moment_is_taken_up(store):
    """So that the same price is not taken for a new one."""
    await store.commit(Decided(minute(2), [bar(1), bar(2)]))
    assert (await left(store)).moments == {"A": minute(2)}


async def test_predictions_are_kept_beside_signals(tmp_path):
    """Once, however often they are written, and none of a signal without a price."""
    nothing = replace(said(2), predicted_price=None)
    async with LocalTrading.open(tmp_path / "store.db") as store:
        for _ in range(2):
            await store.commit(Decided(minute(2), [bar(1), bar(2)], [said(1), nothing]))
    async with LocalStore.open(tmp_path / "store.db") as store:
        (found,) = (await store.recent_predictions(10)).rows
    assert (found.direction, found.predicted_price, found.confidence) == (
        "up",
        Decimal("101.5"),
        0.5,
    )


async def test_predictions_are_kept_in_postgres(platform_dsn):
    """The same, by one statement for both tables."""
    nothing = replace(said(2), predicted_price=None)
    settings = DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=2)
    async with Database(settings) as database:
        store = PostgresTrading(database)
        for _ in range(2):
            await store.commit(Decided(minute(2), [bar(1), bar(2)], [said(1), nothing]))
        rows = await database.fetch("SELECT direction, predicted_price FROM predictions")
    assert [tuple(row.values()) for row in rows] == [("up", Decimal("101.5000"))]


async def test_holdings_that_are_not_the_fills_are_refused(tmp_path, platform_dsn):
    """Something else wrote there, and nobody knows what is held."""
    wrong = Holding("A", Decimal(11), Decimal(100), Decimal(0))
    settings = DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=2)
    async with (
        LocalTrading.open(tmp_path / "store.db") as local,
        Database(settings) as database,
    ):
        for store in (local, PostgresTrading(database)):
            await store.commit(Decided(AT, orders=[ORDER]))
            await store.settle([FILL], [wrong])
            with pytest.raises(HoldingsDifferError, match=r"11\S* of A .* 10\S* by its fills"):
                await left(store)


async def test_one_loop_trades_on_a_file(tmp_path):
    """A second would decide on the same holdings; after the first it may."""
    async with LocalTrading.open(tmp_path / "store.db"):
        with pytest.raises(LocalStoreBusyError, match="another loop"):
            async with LocalTrading.open(tmp_path / "store.db"):
                pass
    async with LocalTrading.open(tmp_path / "store.db"):
        pass


async def test_a_write_that_cannot_be_stored_stores_nothing(tmp_path):
    """Bars and signals of an iteration whose order is refused are not there either."""
    async with LocalTrading.open(tmp_path / "store.db") as store:
        wrong = Order("m:A:2", "A", Side.BUY, Decimal(-1), Decimal(1), AT)
        with pytest.raises(Exception, match="breaks a rule"):
            await store.commit(Decided(AT, [bar(0)], [said(0)], [], [wrong]))
        found = await left(store)
    assert (found.references, found.prices) == ({}, {"A": []})
