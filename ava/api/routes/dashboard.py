"""The first screen of an account."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Query

from ava.api.access import Access
from ava.api.parameters import AccountId, Cursor, Limit
from ava.api.route import Routes
from ava.core import Core
from ava.services.alerts import Alert
from ava.services.dashboard import Account, Balance, Dashboard, Dashboards, DayValue, Summary
from ava.services.fresh import Fresh, Part
from ava.services.lists import Listed
from ava.services.trades import Trade

Days = Annotated[int, Query(ge=1, le=366, description="How far back the curve goes.")]

_AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
TRADE = Trade(
    id=100_231,
    account_id=7,
    symbol="AAPL",
    action="buy",
    quantity=Decimal(10),
    price=Decimal("189.24"),
    total_value=Decimal("1892.40"),
    order_type="limit",
    executed_at=_AT,
)
ALERT = Alert(
    id=512,
    alert_type="assignment_risk",
    symbol="AAPL",
    message="The short put is in the money and expires in two days.",
    priority=5,
    created_at=_AT,
    is_read=False,
)
_SUMMARY = Summary(
    account_id=7,
    account_name="Account 007",
    balance=Balance(
        date=date(2026, 1, 2),
        portfolio_value=Decimal("104230.15"),
        cash=Decimal("18210.00"),
        total_equity=Decimal("122440.15"),
    ),
)
_DAY = DayValue(
    date=date(2026, 1, 2),
    portfolio_value=Decimal("104230.15"),
    day_change=Decimal("812.40"),
    day_change_pct=0.785,
)
_EXAMPLE = Dashboard(
    account_id=7,
    summary=Part(data=_SUMMARY, fresh_until=_AT),
    activity=Part(data=Listed(items=[TRADE]), fresh_until=_AT),
    performance=Part(data=Listed(items=[_DAY]), fresh_until=_AT),
    alerts=Part(data=Listed(items=[ALERT]), fresh_until=_AT),
)


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/dashboard", "dashboard")
    service = core.service(Dashboards)

    @area.get("", answers=Dashboard, example=_EXAMPLE, access=Access.KEY)
    async def dashboard(account_id: AccountId, days: Days = 30) -> Fresh[Dashboard]:
        """Return balance, activity, performance and alerts; a part that failed says so itself."""
        return await service.dashboard(account_id, days=days)

    @area.get(
        "/accounts",
        answers=Listed[Account],
        example=Listed(items=[Account(id=7, account_name="Account 007", created_at=_AT)]),
        access=Access.KEY,
    )
    async def accounts(limit: Limit = 100, cursor: Cursor = None) -> Listed[Account]:
        """List the accounts that have a dashboard."""
        return await service.accounts(limit=limit, cursor=cursor)

    return area
