"""The dashboard on a real database: whole, in part, and as fresh as the document says."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ava.cache import ttls
from ava.clock import ManualClock
from ava.core import Core
from ava.errors import UnknownRowError
from ava.services.dashboard import Dashboards
from ava.settings import RedisSettings, Settings

pytestmark = pytest.mark.anyio

STATEMENTS = {
    "account_summary": ttls.PORTFOLIO_SUMMARY,
    "trade_history_by_account": ttls.ACTIVITY,
    "portfolio_history": ttls.PERFORMANCE,
    "active_alerts": ttls.ALERTS,
}
ROWS = """
INSERT INTO trading_accounts (account_name) VALUES ('one'), ('two');
INSERT INTO portfolio_balances
SELECT 1, CURRENT_DATE - g, 100 + g, 10, 110 + g FROM generate_series(0, 3) AS g;
INSERT INTO portfolio_history
SELECT 1, CURRENT_DATE - g, 100 + g, 1, 0.5 FROM generate_series(0, 90) AS g;
INSERT INTO trade_history
    (account_id, symbol, action, quantity, price, total_value, order_type, executed_at)
SELECT 1 + g % 2, 'A', 'sell', 1, 2, 2, 'market', now() - g * interval '1 minute'
FROM generate_series(1, 40) AS g;
INSERT INTO alerts (alert_type, symbol, message, priority)
SELECT 't', 'A', 'm', 3 FROM generate_series(1, 30)
"""


async def filled(core):
    """Store two accounts, of which the second has only trades."""
    await core.database.execute(ROWS)
    return core.service(Dashboards)


@pytest.fixture
async def dashboards(core):
    """The dashboards of two accounts."""
    return await filled(core)


@pytest.fixture
def clock():
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
async def alone(settings, clock):
    """A platform without Redis on that clock, since Redis has a clock of its own."""
    async with Core.open(replace(settings, redis=RedisSettings()), clock=clock) as core:
        yield core


def counts(core):
    """Return how often each statement of the dashboard was run."""
    seen = core.database.timer.snapshot()
    return {name: seen[name].count if name in seen else 0 for name in STATEMENTS}


async def test_a_dashboard_has_its_four_parts(dashboards):
    """Each is bounded as in the document, and the lists say that there is more."""
    shown = (await dashboards.dashboard(1)).value
    assert shown.summary.data.account_name == "one"
    assert shown.summary.data.balance.portfolio_value == Decimal(100)
    assert len(shown.activity.data.items) == 10
    assert {trade.account_id for trade in shown.activity.data.items} == {1}
    assert len(shown.performance.data.items) == 31
    assert len(shown.alerts.data.items) == 20
    assert shown.alerts.data.next_cursor is not None


async def test_the_curve_runs_from_the_oldest_day(dashboards):
    """As many days as were asked for, and today."""
    days = [day.date for day in (await dashboards.performance(1, days=5)).value.items]
    assert days == [days[-1] - timedelta(days=n) for n in range(5, -1, -1)]


async def test_an_account_without_a_balance_has_none(dashboards):
    """Unknown is not nothing."""
    assert (await dashboards.summary(2)).value.balance is None


async def test_an_unknown_account_is_no_empty_dashboard(dashboards):
    """Its other parts would be empty lists, as if it had done nothing."""
    with pytest.raises(UnknownRowError, match="no account 3"):
        await dashboards.dashboard(3)


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ("portfolio_balances", "summary"),
        ("trade_history", "activity"),
        ("portfolio_history", "performance"),
        ("alerts", "alerts"),
    ],
)
async def test_a_part_whose_source_is_down_fails_alone(dashboards, core, table, part):
    """The rest is there, and the whole is not kept by anybody."""
    await core.database.execute(f"ALTER TABLE {table} RENAME TO gone")
    fresh = await dashboards.dashboard(1)
    shown = {
        name: getattr(fresh.value, name)
        for name in ("summary", "activity", "performance", "alerts")
    }
    failed = shown.pop(part)
    assert (failed.data, failed.problem.status) == (None, 503)
    assert all(one.data is not None and one.problem is None for one in shown.values())
    assert fresh.fresh_s == 0


async def test_a_part_heals_by_itself(dashboards, core):
    """A failure is not kept."""
    await core.database.execute("ALTER TABLE alerts RENAME TO gone")
    assert (await dashboards.dashboard(1)).value.alerts.problem is not None
    await core.database.execute("ALTER TABLE gone RENAME TO alerts")
    assert (await dashboards.dashboard(1)).value.alerts.problem is None


async def test_without_a_database_every_part_says_so():
    """The setting that is missing is named in each."""
    async with Core.open(Settings()) as core:
        shown = (await core.service(Dashboards).dashboard(1)).value
    for part in (shown.summary, shown.activity, shown.performance, shown.alerts):
        assert "AVA_DATABASE_URL" in part.problem.detail


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_each_part_is_asked_for_again_when_its_own_time_is_over(alone, clock, statement):
    """001.2: 60, 30, 300 and 15 s; before that it is not asked for at all."""
    dashboards, keep = await filled(alone), STATEMENTS[statement]
    await dashboards.dashboard(1)
    await clock.advance(keep.ttl_s * 0.7)
    await dashboards.dashboard(1)
    assert counts(alone)[statement] == 1
    await clock.advance(keep.ttl_s * 0.31)
    await dashboards.dashboard(1)
    assert counts(alone)[statement] == 2


async def test_fifty_who_ask_at_once_cost_four_statements(dashboards, core):
    """Those who ask after them cost none."""
    await asyncio.gather(*(dashboards.dashboard(1) for _ in range(50)))
    await dashboards.dashboard(1)
    assert counts(core) == dict.fromkeys(STATEMENTS, 1)


async def test_the_whole_is_fresh_as_long_as_its_first_part(dashboards):
    """Alerts change first; every tag of the parts is a tag of the whole."""
    fresh = await dashboards.dashboard(1)
    assert 13 < fresh.fresh_s <= 15
    assert set(fresh.tags) == {"portfolio", "activity", "alerts"}
    assert fresh.value.performance.fresh_until > fresh.value.alerts.fresh_until


async def test_accounts_are_listed_in_pages(dashboards):
    """The second page goes on where the first ended."""
    first = await dashboards.accounts(limit=1)
    second = await dashboards.accounts(limit=1, cursor=first.next_cursor)
    assert [a.account_name for a in (*first.items, *second.items)] == ["one", "two"]
