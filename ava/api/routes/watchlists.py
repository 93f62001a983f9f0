"""Lists of symbols that people keep."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Query
from msgspec import Meta, Struct

from ava.api.access import Access
from ava.api.parameters import LONGEST, SYMBOL, TEXT, Cursor, Limit, RowId
from ava.api.route import Routes
from ava.core import Core
from ava.services.fresh import Fresh
from ava.services.lists import Listed
from ava.services.watchlists import Added, NewItem, Watchlist, WatchlistItem, Watchlists

MOST_ITEMS = 500  # in one batch

Owner = Annotated[
    str, Query(min_length=1, max_length=LONGEST, pattern=TEXT, description="Whose lists.")
]
Named = Annotated[str, Meta(min_length=1, max_length=LONGEST, pattern=TEXT)]
OnList = Annotated[str, Path(pattern=SYMBOL)]

_AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
_LIST = Watchlist(id=12, owner="desk", name="wheel candidates", created_at=_AT)
_ITEM = WatchlistItem(watchlist_id=12, symbol="AAPL", notes="earnings soon", created_at=_AT)


class NewWatchlist(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list to be made."""

    owner: Named
    name: Named


class GivenItem(NewItem, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A symbol to put on a list, within the bounds of a request."""

    symbol: Annotated[str, Meta(pattern=SYMBOL)]
    notes: Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00]*$")] = ""


class Batch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Symbols to put on a list, all of them or none."""

    items: Annotated[list[GivenItem], Meta(min_length=1, max_length=MOST_ITEMS)]


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/watchlists", "watchlists")
    service = core.service(Watchlists)

    @area.get("", answers=Listed[Watchlist], example=Listed(items=[_LIST]), access=Access.KEY)
    async def owned(
        owner: Owner, limit: Limit = 100, cursor: Cursor = None
    ) -> Fresh[Listed[Watchlist]]:
        """List an owner's watchlists by name."""
        return await service.owned(owner, limit=limit, cursor=cursor)

    @area.change(
        "POST",
        "",
        takes=NewWatchlist,
        given=NewWatchlist(owner="desk", name="wheel candidates"),
        answers=Watchlist,
        example=_LIST,
        status=HTTPStatus.CREATED,
    )
    async def create(body: NewWatchlist) -> Watchlist:
        """Make an empty watchlist; 409 where the owner has one of that name."""
        return await service.create(body.owner, body.name)

    @area.get(
        "/{watchlist_id}/items",
        answers=Listed[WatchlistItem],
        example=Listed(items=[_ITEM]),
        access=Access.KEY,
    )
    async def items(
        watchlist_id: RowId, limit: Limit = 100, cursor: Cursor = None
    ) -> Fresh[Listed[WatchlistItem]]:
        """List the symbols of a watchlist, the last added first."""
        return await service.items(watchlist_id, limit=limit, cursor=cursor)

    @area.change(
        "POST",
        "/{watchlist_id}/items",
        takes=Batch,
        given=Batch(items=[GivenItem(symbol="AAPL"), GivenItem(symbol="MSFT", notes="dip")]),
        answers=Added,
        example=Added(added=2, present=0),
    )
    async def add(watchlist_id: RowId, body: Batch) -> Added:
        """Put symbols on a watchlist in one statement; those on it already stay as they are."""
        return await service.add(watchlist_id, body.items)

    @area.change("DELETE", "/{watchlist_id}/items/{symbol}", answers=WatchlistItem, example=_ITEM)
    async def remove(watchlist_id: RowId, symbol: OnList) -> WatchlistItem:
        """Take a symbol off a watchlist, and return what was there."""
        return await service.remove(watchlist_id, symbol)

    return area
