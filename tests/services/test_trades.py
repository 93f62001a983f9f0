"""The history of trades, on a real database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ava.services.trades import Trade, Trades

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 1, 5, 17, tzinfo=UTC)


@pytest.fixture
async def trades(core):
    """The trades of two accounts: (account, symbol, minutes before noon)."""
    await core.database.execute(
        "INSERT INTO trading_accounts (account_name) VALUES ('one'), ('two')"
    )
    await executed(core, [(1, "A", 1), (2, "A", 2), (1, "B", 3), (2, "B", 4), (1, "A", 5)])
    return core.service(Trades)


async def executed(core, rows):
    """Store executions."""
    async with core.database.connection() as connection:
        await connection.cursor().executemany(
            "INSERT INTO trade_history (account_id, symbol, action, quantity, price, total_value,"
            " order_type, executed_at) VALUES (%s, %s, 'buy', 2, 1.5, 3, 'limit', %s)",
            [
                (account, symbol, NOON - timedelta(minutes=minutes))
                for account, symbol, minutes in rows
            ],
        )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"account_id": 1}, [1, 3, 5]),
        ({"symbol": "A"}, [1, 2, 5]),
        ({"account_id": 2, "symbol": "B"}, [4]),
        ({"account_id": 3}, []),
    ],
)
async def test_trades_are_those_of_the_account_and_the_symbol(trades, asked, found):
    """Each of the four questions has a statement of its own."""
    page = (await trades.history(**asked, limit=10)).value
    assert [trade.id for trade in page.items] == found
    assert page.next_cursor is None


async def test_a_trade_is_exact(trades):
    """Money is Decimal from the column to the answer."""
    page = (await trades.history(limit=1)).value
    assert page.items == [
        Trade(
            id=1, account_id=1, symbol="A", action="buy", quantity=Decimal(2),
            price=Decimal("1.5"), total_value=Decimal(3), order_type="limit",
            executed_at=NOON - timedelta(minutes=1),
        )
    ]  # fmt: skip


@examples(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 4),
    meanwhile=st.lists(st.tuples(st.just(1), st.just("A"), st.integers(-3, 8)), max_size=4),
)
async def test_pages_go_on_exactly_though_trades_come_in(trades, core, limit, meanwhile):
    """What was there at the start is listed once and in order, wherever new rows fall."""
    before = (await trades.history(symbol="A", limit=1000)).value.items
    seen, cursor, first = [], None, True
    while first or cursor:
        page = (await trades.history(symbol="A", limit=limit, cursor=cursor)).value
        assert len(page.items) <= limit
        seen, cursor = [*seen, *page.items], page.next_cursor
        if first:
            await executed(core, meanwhile)
        first = False
    await core.platform.cache.invalidate_tags("activity")
    assert len({trade.id for trade in seen}) == len(seen)
    old = {trade.id for trade in before}
    assert [trade for trade in seen if trade.id in old] == before


async def test_the_first_page_is_kept_and_says_for_how_long(trades, core):
    """The documents keep recent activity for 30 s."""
    await trades.history(limit=1)
    await executed(core, [(1, "A", 0)])
    kept = await trades.history(limit=1)
    assert kept.value.items[0].id == 1
    assert 25 < kept.fresh_s <= 30
    assert kept.tags == ("activity",)
