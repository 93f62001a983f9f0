"""The history of trades: of everybody, of an account, of a symbol, of a symbol in an account.

Each of the four is a statement of its own that an index serves. Pages are kept as long as the
documents keep recent activity: who asks for a minute-old page asks for the same rows, since a
cursor names a place in the list and not a number of rows.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from ava.cache import ttls
from ava.cache.keys import key
from ava.db.page import fetch_page
from ava.db.query import Query, named
from ava.services.fresh import Fresh
from ava.services.lists import Listed, listed

if TYPE_CHECKING:
    from ava.core import Core


class Trade(Struct, frozen=True, kw_only=True):
    """One execution; `action` is buy or sell, `total_value` is without a sign."""

    id: int
    account_id: int
    symbol: str
    action: str
    quantity: Decimal
    price: Decimal
    total_value: Decimal
    order_type: str
    executed_at: datetime


class Trades:
    """What accounts did."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def history(
        self,
        *,
        account_id: int | None = None,
        symbol: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> Fresh[Listed[Trade]]:
        """Return trades, the newest first; a page."""
        asked = {"account_id": account_id, "symbol": symbol}

        async def fetch() -> Listed[Trade]:
            query = _query(account_id, symbol)
            page = await fetch_page(self._core.database, query, asked, limit=limit, cursor=cursor)
            return listed(page, Trade)

        name = key("trades", **asked, limit=limit, cursor=cursor)
        return await self._core.kept(name, fetch, kind=Listed[Trade], keep=ttls.ACTIVITY)


def _query(account_id: int | None, symbol: str | None) -> Query:
    """Return the statement for what is given.

    One for all, with "is null or equal", would be planned once and suit none of the four.
    """
    if symbol is None:
        return named("trade_history" if account_id is None else "trade_history_by_account")
    if account_id is None:
        return named("trade_history_by_symbol")
    return named("trade_history_by_account_and_symbol")
