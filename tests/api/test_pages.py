"""Pages over HTTP while rows come in: the second goes on exactly where the first ended."""

import asyncio

import pytest
from api_asking import KEYED, SECRET, asking

from ava.api.app import create_app
from ava.core import Core
from ava.section import Secret
from ava.settings import ApiSettings, DatabaseSettings, Settings, StateSettings

pytestmark = pytest.mark.anyio

TRADES = """
INSERT INTO trade_history
    (account_id, symbol, action, quantity, price, total_value, order_type, executed_at)
SELECT 1, 'A', 'buy', 1, 2, 2, 'market', '2026-01-05 14:30Z'::timestamptz + g % 5 * interval '1 s'
FROM generate_series(1, {count}) AS g
"""
ALERTS = """
INSERT INTO alerts (alert_type, symbol, message, priority, created_at)
SELECT 't', 'A', 'm', 1 + g % 5, '2026-01-05 14:30Z'::timestamptz + g % 3 * interval '1 s'
FROM generate_series(1, {count}) AS g
"""
# A list, what puts rows all over it, equal to those at the edges of pages too, and its order.
LISTS = {
    "/api/v1/analytics/trades": (TRADES, ("executed_at", "id")),
    "/api/v1/alerts": (ALERTS, ("priority", "created_at", "id")),
}
BEFORE, PAGE, AT_ONCE = 60, 7, 20


@pytest.fixture
async def core(platform_dsn, tmp_path):
    """A platform with an account."""
    settings = Settings(
        database=DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=3),
        api=ApiSettings(keys=Secret(f"desk:{SECRET}")),
        state=StateSettings(directory=tmp_path),
    )
    async with Core.open(settings) as opened:
        await opened.database.execute("INSERT INTO trading_accounts (account_name) VALUES ('one')")
        yield opened


async def turned(client, path, between):
    """Return all rows, page by page; `between` is awaited after each."""
    rows, cursor = [], {}
    while True:
        answer = await client.get(path, params={"limit": PAGE, **cursor}, headers=KEYED)
        answer.raise_for_status()
        page = answer.json()
        assert len(page["items"]) <= PAGE
        rows += page["items"]
        if page["next_cursor"] is None:
            return rows
        cursor = {"cursor": page["next_cursor"]}
        await between()


@pytest.mark.parametrize("path", LISTS)
async def test_no_row_is_lost_or_shown_twice_while_others_come_in(core, path):
    """The rows of the beginning are there once each, and the order holds over all pages."""
    insert, order = LISTS[path]
    await core.database.execute(insert.format(count=BEFORE))
    rounds = iter(range(4))

    async def more():
        if next(rounds, None) is not None:
            both = (core.database.execute(insert.format(count=AT_ONCE)) for _ in range(2))
            await asyncio.gather(*both)
            await core.platform.cache.invalidate_pattern("*")

    async with asking(create_app(core)) as client:
        rows = await turned(client, path, more)
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)) > BEFORE
    assert set(range(1, BEFORE + 1)) <= set(ids)
    keys = [tuple(row[name] for name in order) for row in rows]
    assert keys == sorted(keys, reverse=True)
