"""Switches of the automation: asked for on every step it takes, changed once in a while.

Redis answers first and the database stands behind it (002.5). A change is written to the database
and then invalidated everywhere, never put: of two changes at once the cache could keep the one that
the database does not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ava.cache import ttls
from ava.db.page import fetch_page
from ava.db.query import named
from ava.errors import NotFoundError
from ava.services.fresh import Fresh
from ava.services.lists import Listed, listed

if TYPE_CHECKING:
    from ava.core import Core

PREFIX = "automation:enabled:"


class Switch(Struct, frozen=True, kw_only=True):
    """Whether an automation is on, and who turned it so."""

    name: str
    enabled: bool
    updated_at: datetime
    updated_by: str


class Automation:
    """The switches of one platform."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def switch(self, name: str) -> Fresh[Switch]:
        """Return a switch; raise NotFoundError for one that nobody ever set."""

        async def fetch() -> Switch:
            row = await self._core.database.fetch_one(named("automation_switch"), {"name": name})
            if row is None:
                raise NotFoundError(f"there is no automation {name!r}", provider="database")
            return msgspec.convert(row, Switch)

        keep = replace(ttls.AUTOMATION, tags=(*ttls.AUTOMATION.tags, _tag(name)))
        return await self._core.kept(PREFIX + name, fetch, kind=Switch, keep=keep)

    async def is_enabled(self, name: str, *, unset: bool = False) -> bool:
        """Say whether an automation may run; one that nobody ever set may not, but for `unset`."""
        try:
            return (await self.switch(name)).value.enabled
        except NotFoundError:
            return unset

    async def switches(self, *, limit: int, cursor: str | None = None) -> Listed[Switch]:
        """Return the switches by name; a page."""
        query = named("automation_switches")
        page = await fetch_page(self._core.database, query, limit=limit, cursor=cursor)
        return listed(page, Switch)

    async def turn(self, name: str, *, enabled: bool, by: str) -> Switch:
        """Turn an automation on or off for all processes."""
        row = await self._core.database.fetch_one(
            named("set_automation_switch"), {"name": name, "enabled": enabled, "updated_by": by}
        )
        await self._core.platform.cache.invalidate_tags(_tag(name))
        return msgspec.convert(row, Switch)


def _tag(name: str) -> str:
    return f"automation:{name}"
