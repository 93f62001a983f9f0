"""The first screen of an account: its balance, what it did, how it went, and what wants attention.

The document asked for the four parts one after the other, each of them blocking the event loop.
Here they are asked for at once through the one pool, each is kept as long as 001.2 says, and only
those whose time is over are asked for at all. A part that fails says so in its place.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ava.cache import ttls
from ava.cache.keys import key
from ava.db.page import MAX_LIMIT, fetch_page
from ava.db.query import named
from ava.errors import UnknownRowError
from ava.services.alerts import Alert, Alerts
from ava.services.fresh import Fresh, Part, parts
from ava.services.lists import Listed, listed
from ava.services.trades import Trade, Trades

if TYPE_CHECKING:
    from ava.core import Core

ACTIVITY, ALERTS = 10, 20  # rows on the first screen (002, "Performance Testing Queries")


class Account(Struct, frozen=True, kw_only=True):
    """An account there is a dashboard of."""

    id: int
    account_name: str
    created_at: datetime


class Balance(Struct, frozen=True, kw_only=True):
    """What an account was worth at the end of a day."""

    date: date
    portfolio_value: Decimal
    cash: Decimal
    total_equity: Decimal


class Summary(Struct, frozen=True, kw_only=True):
    """An account and its last balance, None for one that never had any."""

    account_id: int
    account_name: str
    balance: Balance | None


class DayValue(Struct, frozen=True, kw_only=True):
    """A point of the curve: the value at the end of a day, and its change since the day before."""

    date: date
    portfolio_value: Decimal
    day_change: Decimal
    day_change_pct: float


class Dashboard(Struct, frozen=True, kw_only=True):
    """The four parts of the first screen."""

    account_id: int
    summary: Part[Summary]
    activity: Part[Listed[Trade]]
    performance: Part[Listed[DayValue]]
    alerts: Part[Listed[Alert]]


class Dashboards:
    """The dashboard of any account."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def dashboard(self, account_id: int, *, days: int = 30) -> Fresh[Dashboard]:
        """Return all parts, asked for at once; raise UnknownRowError for no such account."""
        trades, alerts = self._core.service(Trades), self._core.service(Alerts)
        found, whole = await parts(
            {
                "summary": self.summary(account_id),
                "activity": trades.history(account_id=account_id, limit=ACTIVITY),
                "performance": self.performance(account_id, days=days),
                "alerts": alerts.active(limit=ALERTS),
            },
            self._core.clock,
        )
        _require_account(found["summary"])
        shown = Dashboard(account_id=account_id, **found)
        return Fresh(shown, whole.fresh_s, whole.tags, whole.stale)

    async def summary(self, account_id: int) -> Fresh[Summary]:
        """Return an account and its last balance; raise UnknownRowError."""

        async def fetch() -> Summary:
            query = named("account_summary")
            row = await self._core.database.fetch_one(query, {"account_id": account_id})
            if row is None:
                raise UnknownRowError(f"there is no account {account_id}")
            balance = None if row["date"] is None else msgspec.convert(row, Balance)
            name = row["account_name"]
            return Summary(account_id=account_id, account_name=name, balance=balance)

        name = key("dashboard.summary", account_id)
        return await self._core.kept(name, fetch, kind=Summary, keep=ttls.PORTFOLIO_SUMMARY)

    async def performance(self, account_id: int, *, days: int) -> Fresh[Listed[DayValue]]:
        """Return the daily values of the last days, oldest first."""

        async def fetch() -> Listed[DayValue]:
            page = await fetch_page(
                self._core.database,
                named("portfolio_history"),
                {"account_id": account_id, "days": days},
                limit=MAX_LIMIT,
            )
            return listed(page, DayValue)

        name = key("dashboard.performance", account_id, days=days)
        return await self._core.kept(name, fetch, kind=Listed[DayValue], keep=ttls.PERFORMANCE)

    async def accounts(self, *, limit: int, cursor: str | None = None) -> Listed[Account]:
        """Return the accounts there are; a page."""
        query = named("accounts")
        page = await fetch_page(self._core.database, query, limit=limit, cursor=cursor)
        return listed(page, Account)


def _require_account(summary: Part[Summary]) -> None:
    """Refuse an account there is not: the other parts of it are empty, and look like answers."""
    problem = summary.problem
    if problem is not None and problem.status == HTTPStatus.NOT_FOUND:
        raise UnknownRowError(problem.detail)
