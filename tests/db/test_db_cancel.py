"""Cancelled at any await, the pool is left as if the call had not been made."""

import asyncio
from collections.abc import Coroutine

import pytest

from ava.db.batch import insert_many
from ava.db.pool import Database
from ava.db.tables import WATCHLIST_ITEMS

pytestmark = pytest.mark.anyio

ADD = "INSERT INTO watchlists (owner, name) VALUES ('me', 'mine')"


class CancelledAt(Coroutine):
    """A coroutine whose task is cancelled where it suspends for the n-th time."""

    def __init__(self, coroutine, number):
        self._coroutine, self._left = coroutine, number

    def send(self, value):
        self._left -= 1
        if self._left == 0:
            asyncio.current_task().cancel()
        return self._coroutine.send(value)

    def throw(self, *args):
        return self._coroutine.throw(*args)

    def close(self):
        self._coroutine.close()

    def __await__(self):
        return self


async def cancel_everywhere(call, check):
    """Run `call` anew, cancelled at its first await, its second, and so on until it ends first."""
    for number in range(1, 500):
        task = asyncio.get_running_loop().create_task(CancelledAt(call(), number))
        await asyncio.wait([task])
        await check()
        if not task.cancelled():
            task.result()
            return number
    raise AssertionError("the call never ended")


async def whole(database):
    """Prove that every connection of the pool can be had at once, each fit for a transaction."""
    async with database.transaction() as one, database.transaction() as two:
        await one.execute("SELECT 1")
        await two.execute("SELECT 1")
    assert database.stats().size == 2


async def fetch(database):
    await database.fetch("SELECT 1")


async def transaction(database):
    async with database.transaction() as conn:
        await conn.execute(ADD)
        async with conn.transaction():
            await conn.execute("SELECT 1")
        await conn.execute("DELETE FROM watchlists")


async def upsert(database):
    async with database.connection() as conn:
        rows = [{"watchlist_id": 1, "symbol": str(n), "notes": ""} for n in range(3)]
        await insert_many(conn, WATCHLIST_ITEMS, rows, ["notes"], large=1)


@pytest.mark.parametrize("call", [fetch, transaction, upsert])
async def test_a_cancelled_call_leaves_the_pool_whole(call, platform):
    """Whatever the await it is cancelled at, no connection is lost or left in a transaction."""
    await platform.execute("INSERT INTO watchlists (owner, name) VALUES ('me', 'list')")
    steps = await cancel_everywhere(lambda: call(platform), lambda: whole(platform))
    assert steps > 1


async def test_a_cancelled_transaction_stores_nothing_or_all(platform):
    """Rows of a cancelled transaction are there only if its COMMIT had already been sent."""

    async def add_two():
        async with platform.transaction() as conn:
            await conn.execute("INSERT INTO watchlists (owner, name) VALUES ('me', 'a')")
            await conn.execute("INSERT INTO watchlists (owner, name) VALUES ('me', 'b')")

    async def check():
        (row,) = await platform.fetch("SELECT count(*) AS n FROM watchlists")
        assert row["n"] in {0, 2}
        await platform.execute("DELETE FROM watchlists")

    await cancel_everywhere(add_two, check)


async def test_a_cancelled_wait_for_a_connection_gives_up_its_place(platform):
    """Who is cancelled while the pool is exhausted takes no connection with him."""
    async with platform.connection(), platform.connection():
        waiting = asyncio.ensure_future(platform.fetch("SELECT 1"))
        while not platform.stats().waiting:  # noqa: ASYNC110 - the pool has no event for this
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    await whole(platform)


async def test_a_crowd_of_which_half_is_cancelled_leaves_the_pool_whole(platform):
    """Cancellation in the midst of contention for the pool's lock loses no connection."""
    crowd = [asyncio.ensure_future(transaction(platform)) for _ in range(40)]
    for turn in range(200):
        await asyncio.sleep(0)
        if turn % 5 == 0:
            crowd[turn // 5].cancel()
    await asyncio.wait(crowd)
    await whole(platform)


async def test_a_cancelled_start_leaves_nothing_open(platform_dsn, settings_for):
    """Opening can be cancelled at any await; a new database then opens as if it were the first."""
    databases = []

    async def opening():
        databases.append(Database(settings_for(platform_dsn)))
        async with databases[-1]:
            pass

    async def check():
        assert databases[-1].pool.closed

    await cancel_everywhere(opening, check)
