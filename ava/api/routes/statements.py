"""What the database takes time for: the last slow statements, by their names."""

from __future__ import annotations

from datetime import UTC, datetime

from ava.api.access import Access
from ava.api.route import Routes
from ava.core import Core
from ava.telemetry.telemetry import SlowStatement, SlowStatements, Telemetry

_EXAMPLE = SlowStatements(
    slower_than_s=1.0,
    statements=[
        SlowStatement(
            at=datetime(2026, 1, 5, 14, 30, tzinfo=UTC),
            statement="portfolio_history",
            seconds=1.84,
            failed=False,
        )
    ],
)


def routes(core: Core) -> Routes:
    """Return the route."""
    area = Routes("/api/v1/statements", "operation")
    telemetry = core.service(Telemetry)

    @area.get("/slow", answers=SlowStatements, example=_EXAMPLE, access=Access.KEY)
    async def slow() -> SlowStatements:
        """List the last slow statements of this process, the latest first."""
        return telemetry.slow()

    return area
