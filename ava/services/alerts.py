"""Alerts that nobody has dismissed, the most urgent first, and the marks that people put on them.

A mark is written and what was kept is invalidated, in all processes; the list of the person who
dismissed an alert no longer has it when they ask again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ava.cache import ttls
from ava.cache.keys import key
from ava.db.page import fetch_page
from ava.db.query import named
from ava.errors import UnknownRowError
from ava.services.fresh import Fresh
from ava.services.lists import Listed, listed

if TYPE_CHECKING:
    from ava.core import Core


class Alert(Struct, frozen=True, kw_only=True):
    """Something to look at; `priority` is 1 to 5, and 5 the most urgent."""

    id: int
    alert_type: str
    symbol: str
    message: str
    priority: int
    created_at: datetime
    is_read: bool
    is_dismissed: bool = False


class Alerts:
    """The alerts of the desk."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def active(self, *, limit: int, cursor: str | None = None) -> Fresh[Listed[Alert]]:
        """Return the alerts that are not dismissed; a page."""

        async def fetch() -> Listed[Alert]:
            query = named("active_alerts")
            page = await fetch_page(self._core.database, query, limit=limit, cursor=cursor)
            return listed(page, Alert)

        name = key("alerts", limit=limit, cursor=cursor)
        return await self._core.kept(name, fetch, kind=Listed[Alert], keep=ttls.ALERTS)

    async def mark(
        self, alert_id: int, *, read: bool | None = None, dismissed: bool | None = None
    ) -> Alert:
        """Mark an alert for all processes; None leaves a mark as it is.

        Raises UnknownRowError.
        """
        row = await self._core.database.fetch_one(
            named("mark_alert"),
            {"alert_id": alert_id, "is_read": read, "is_dismissed": dismissed},
        )
        if row is None:
            raise UnknownRowError(f"there is no alert {alert_id}")
        await self._core.platform.cache.invalidate_tags(*ttls.ALERTS.tags)
        return msgspec.convert(row, Alert)
