"""What accounts did."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from ava.api.access import Access
from ava.api.parameters import SYMBOL, AccountId, Cursor, Limit
from ava.api.route import Routes
from ava.api.routes.dashboard import TRADE
from ava.core import Core
from ava.services.fresh import Fresh
from ava.services.lists import Listed
from ava.services.trades import Trade, Trades

Symbol = Annotated[str, Query(pattern=SYMBOL, description="A symbol, in capitals.")]


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/analytics", "analytics")
    service = core.service(Trades)

    @area.get("/trades", answers=Listed[Trade], example=Listed(items=[TRADE]), access=Access.KEY)
    async def trades(
        account_id: AccountId | None = None,
        symbol: Symbol | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Fresh[Listed[Trade]]:
        """List trades, the newest first: all, or those of an account, of a symbol, of both."""
        return await service.history(
            account_id=account_id, symbol=symbol, limit=limit, cursor=cursor
        )

    return area
