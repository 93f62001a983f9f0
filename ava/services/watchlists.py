"""Lists of symbols that people keep: made, filled in batches, read in pages.

They change only here, so they are kept for minutes and every write drops what it changed, by a tag
of the owner or of the list: other processes follow, and nobody else's lists are fetched anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ava.cache import ttls
from ava.cache.keep import Keep
from ava.cache.keys import key
from ava.db.batch import BatchTable, insert_many
from ava.db.page import fetch_page
from ava.db.query import named
from ava.errors import BadValueError, UnknownRowError
from ava.services.fresh import Fresh
from ava.services.lists import Listed, listed

if TYPE_CHECKING:
    from ava.core import Core

_LIST = "watchlist_id"
_ITEMS = BatchTable(
    "watchlist_items",
    {_LIST: "bigint", "symbol": "text", "notes": "text"},
    key=(_LIST, "symbol"),
)


class Watchlist(Struct, frozen=True, kw_only=True):
    """A list of an owner, who has no two of one name."""

    id: int
    owner: str
    name: str
    created_at: datetime


class WatchlistItem(Struct, frozen=True, kw_only=True):
    """A symbol on a list."""

    watchlist_id: int
    symbol: str
    notes: str
    created_at: datetime


class NewItem(Struct, frozen=True, kw_only=True):
    """A symbol to put on a list."""

    symbol: str
    notes: str = ""


class Added(Struct, frozen=True, kw_only=True):
    """What a batch did; `present` symbols were on the list already, and stay as they were."""

    added: int
    present: int


class Watchlists:
    """The watchlists of everybody."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def owned(
        self, owner: str, *, limit: int, cursor: str | None = None
    ) -> Fresh[Listed[Watchlist]]:
        """Return an owner's lists by name; a page."""

        async def fetch() -> Listed[Watchlist]:
            page = await fetch_page(
                self._core.database,
                named("watchlists"),
                {"owner": owner},
                limit=limit,
                cursor=cursor,
            )
            return listed(page, Watchlist)

        name = key("watchlists", owner, limit=limit, cursor=cursor)
        keep = _keep(_owned(owner))
        return await self._core.kept(name, fetch, kind=Listed[Watchlist], keep=keep)

    async def create(self, owner: str, name: str) -> Watchlist:
        """Make an empty list; raise ConstraintError where the owner has one of that name."""
        row = await self._core.database.fetch_one(
            named("create_watchlist"), {"owner": owner, "name": name}
        )
        await self._core.platform.cache.invalidate_tags(_owned(owner))
        return msgspec.convert(row, Watchlist)

    async def items(
        self, watchlist_id: int, *, limit: int, cursor: str | None = None
    ) -> Fresh[Listed[WatchlistItem]]:
        """Return the symbols of a list, last added first; a page. Raises UnknownRowError."""

        async def fetch() -> Listed[WatchlistItem]:
            page = await fetch_page(
                self._core.database,
                named("watchlist_items"),
                {_LIST: watchlist_id},
                limit=limit,
                cursor=cursor,
            )
            if not page.rows:
                await self._require(watchlist_id)
            return listed(page, WatchlistItem)

        name = key("watchlist-items", watchlist_id, limit=limit, cursor=cursor)
        keep = _keep(_filled(watchlist_id))
        return await self._core.kept(name, fetch, kind=Listed[WatchlistItem], keep=keep)

    async def add(self, watchlist_id: int, items: Sequence[NewItem]) -> Added:
        """Put symbols on a list in one statement, all of them or none.

        Raises UnknownRowError for a list there is not, DuplicateKeyError for a symbol given twice.
        """
        rows = [{_LIST: watchlist_id, "symbol": item.symbol, "notes": item.notes} for item in items]
        try:
            async with self._core.database.connection() as connection:
                done = await insert_many(connection, _ITEMS, rows, on_conflict="nothing")
        except BadValueError as error:
            if error.column == _LIST:
                raise _unknown(watchlist_id) from error
            raise
        await self._core.platform.cache.invalidate_tags(_filled(watchlist_id))
        return Added(added=done.inserted, present=done.skipped)

    async def remove(self, watchlist_id: int, symbol: str) -> WatchlistItem:
        """Take a symbol off a list and return what was there; raise UnknownRowError."""
        row = await self._core.database.fetch_one(
            named("remove_watchlist_item"), {_LIST: watchlist_id, "symbol": symbol}
        )
        if row is None:
            raise UnknownRowError(f"watchlist {watchlist_id} has no {symbol}")
        await self._core.platform.cache.invalidate_tags(_filled(watchlist_id))
        return msgspec.convert(row, WatchlistItem)

    async def _require(self, watchlist_id: int) -> None:
        """Tell an empty list from one that is not there."""
        query = named("watchlist")
        if await self._core.database.fetch_one(query, {_LIST: watchlist_id}) is None:
            raise _unknown(watchlist_id)


def _unknown(watchlist_id: int) -> UnknownRowError:
    return UnknownRowError(f"there is no watchlist {watchlist_id}")


def _owned(owner: str) -> str:
    return key("watchlists", owner)


def _filled(watchlist_id: int) -> str:
    return key("watchlist", watchlist_id)


def _keep(tag: str) -> Keep:
    return replace(ttls.WATCHLISTS, tags=(*ttls.WATCHLISTS.tags, tag))
