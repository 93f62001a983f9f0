"""Switches of the automation."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Request
from msgspec import Struct

from ava.api.access import CALLER, Access
from ava.api.parameters import Cursor, Limit, Name
from ava.api.route import Routes
from ava.core import Core
from ava.services.automation import Automation, Switch
from ava.services.fresh import Fresh
from ava.services.lists import Listed

_EXAMPLE = Switch(
    name="odds_sync",
    enabled=True,
    updated_at=datetime(2026, 1, 5, 14, 30, tzinfo=UTC),
    updated_by="desk",
)


class Turn(Struct, frozen=True, forbid_unknown_fields=True):
    """What an automation is to be."""

    enabled: bool


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/automation", "automation")
    service = core.service(Automation)

    @area.get(
        "",
        answers=Listed[Switch],
        example=Listed(items=[_EXAMPLE]),
        access=Access.KEY,
    )
    async def switches(limit: Limit = 100, cursor: Cursor = None) -> Listed[Switch]:
        """List the switches by name."""
        return await service.switches(limit=limit, cursor=cursor)

    @area.get("/{name}", answers=Switch, example=_EXAMPLE, access=Access.KEY)
    async def switch(name: Name) -> Fresh[Switch]:
        """Say whether an automation is on."""
        return await service.switch(name)

    @area.change(
        "PUT", "/{name}", takes=Turn, given=Turn(enabled=True), answers=Switch, example=_EXAMPLE
    )
    async def turn(request: Request, name: Name, body: Turn) -> Switch:
        """Turn an automation on or off."""
        return await service.turn(name, enabled=body.enabled, by=request.scope[CALLER])

    return area
