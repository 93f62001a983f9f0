"""What wants attention."""

from __future__ import annotations

from msgspec import Struct

from ava.api.access import Access
from ava.api.parameters import Cursor, Limit, RowId
from ava.api.route import Routes
from ava.api.routes.dashboard import ALERT
from ava.core import Core
from ava.services.alerts import Alert, Alerts
from ava.services.fresh import Fresh
from ava.services.lists import Listed


class Marks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The marks to put on an alert or to take back; what is left out stays as it is."""

    read: bool | None = None
    dismissed: bool | None = None


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/alerts", "alerts")
    service = core.service(Alerts)

    @area.get("", answers=Listed[Alert], example=Listed(items=[ALERT]), access=Access.KEY)
    async def active(limit: Limit = 100, cursor: Cursor = None) -> Fresh[Listed[Alert]]:
        """List the alerts that nobody dismissed, the most urgent and then the newest first."""
        return await service.active(limit=limit, cursor=cursor)

    @area.change(
        "PATCH", "/{alert_id}", takes=Marks, given=Marks(read=True), answers=Alert, example=ALERT
    )
    async def mark(alert_id: RowId, body: Marks) -> Alert:
        """Mark an alert read or dismissed, or take that back."""
        return await service.mark(alert_id, read=body.read, dismissed=body.dismissed)

    return area
