"""When companies report."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Query

from ava.api.parameters import Cursor, Limit
from ava.api.route import Routes
from ava.core import Core
from ava.services.earnings import Earnings, Report
from ava.services.fresh import Fresh
from ava.services.lists import Listed

MOST_DAYS = 90

_EXAMPLE = Report(
    id=4021,
    symbol="AAPL",
    fiscal_period_end=date(2025, 12, 31),
    report_date=date(2026, 1, 29),
    time_of_day="post-market",
    eps_estimate=Decimal("2.6700"),
    eps_actual=None,
    updated_at=datetime(2026, 1, 5, 11, tzinfo=UTC),
)

Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="How many days ahead.")]


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/earnings", "earnings")
    service = core.service(Earnings)

    @area.get("", answers=Listed[Report], example=Listed(items=[_EXAMPLE]))
    async def upcoming(
        days: Days = 7, limit: Limit = 100, cursor: Cursor = None
    ) -> Fresh[Listed[Report]]:
        """List the reports of the coming days, soonest first."""
        return await service.upcoming(days=days, limit=limit, cursor=cursor)

    return area
