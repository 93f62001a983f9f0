"""The exchange's hours."""

from __future__ import annotations

from datetime import UTC, datetime

from ava.api.route import Routes
from ava.core import Core
from ava.services.exchange import Exchange, Trading
from ava.services.fresh import Fresh


def routes(core: Core) -> Routes:
    """Return the route."""
    area = Routes("/api/v1/exchange", "operation")
    service = core.service(Exchange)
    example = Trading(open=True, until=datetime(2026, 1, 5, 21, tzinfo=UTC), certain=True)

    @area.get("", answers=Trading, example=example)
    async def trading() -> Fresh[Trading]:
        """Say whether the New York Stock Exchange trades, and until when that stays so."""
        return service.trading()

    return area
