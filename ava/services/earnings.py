"""When companies report: the calendar of a provider, stored in one statement, and the coming days.

Finnhub's calendar of all companies is one call; Alpha Vantage's, which reaches further and knows
fiscal periods, is one of its 25 a day, so it is asked when Finnhub cannot answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from ava.cache.keep import Keep
from ava.cache.keys import key
from ava.db.columns import Column
from ava.db.page import fetch_page
from ava.db.query import named
from ava.net.spec import Priority
from ava.providers import questions
from ava.providers.market import EarningsDate, ReportTime
from ava.services.fresh import Fresh
from ava.services.lists import Listed, listed
from ava.services.odds_budget import ZONE

if TYPE_CHECKING:
    from ava.core import Core

BEHIND_DAYS: Final = 7  # results of the last week arrive with the calendar
AHEAD_DAYS: Final = 28
KEEP: Final = Keep(300, stale_s=3_600, tags=("earnings",))

_TIMES = {ReportTime.BEFORE_OPEN: "pre-market", ReportTime.AFTER_CLOSE: "post-market"}
_COLUMNS = tuple(
    Column(name, kind)
    for name, kind in {
        "symbol": "text",
        "report_date": "date",
        "fiscal_period_end": "date",
        "time_of_day": "text",
        "eps_estimate": "numeric(12, 4)",
        "eps_actual": "numeric(12, 4)",
    }.items()
)


class Report(Struct, frozen=True, kw_only=True):
    """A report that is due, or was made; `fiscal_period_end` is None where no source named it."""

    id: int
    symbol: str
    fiscal_period_end: date | None
    report_date: date
    time_of_day: str
    eps_estimate: Decimal | None
    eps_actual: Decimal | None
    updated_at: datetime


class EarningsSync(Struct, frozen=True, kw_only=True):
    """What a sync did, and whose calendar it was."""

    provider: str
    reports: int
    added: int
    changed: int


class Earnings:
    """The calendar of one platform."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def upcoming(
        self, *, days: int = 7, limit: int = 100, cursor: str | None = None
    ) -> Fresh[Listed[Report]]:
        """Return the reports of the coming days, soonest first; a page."""

        async def fetch() -> Listed[Report]:
            query = named("upcoming_earnings")
            page = await fetch_page(
                self._core.database, query, {"days": days}, limit=limit, cursor=cursor
            )
            return listed(page, Report)

        asked = key("earnings", days=days, limit=limit, cursor=cursor)
        return await self._core.kept(asked, fetch, kind=Listed[Report], keep=KEEP)

    async def sync(self) -> EarningsSync:
        """Store the calendar from a week back to four weeks ahead; raises ProviderError."""
        today = self._core.clock.now().astimezone(ZONE).date()
        first, last = today - timedelta(days=BEHIND_DAYS), today + timedelta(days=AHEAD_DAYS)
        answered = await questions.earnings_calendar(
            self._core.platform, first, last, priority=Priority.BACKGROUND
        )
        rows = _rows(answered.value, first, last)
        added, changed = await self._store(rows)
        if added or changed:
            await self._core.platform.cache.invalidate_tags(*KEEP.tags)
        return EarningsSync(
            provider=answered.provider, reports=len(rows), added=added, changed=changed
        )

    async def _store(self, rows: list[dict[str, Any]]) -> tuple[int, int]:
        if not rows:
            return 0, 0
        arrays = {c.name: c.checked([row[c.name] for row in rows]) for c in _COLUMNS}
        (row,) = await self._core.database.fetch(named("store_earnings"), arrays, prepare=False)
        return row["added"], row["changed"]


def _rows(reports: Iterable[EarningsDate], first: date, last: date) -> list[dict[str, Any]]:
    """Return a row a report; a company reports a period, or on a day, once."""
    found: dict[tuple[str, date], dict[str, Any]] = {}
    for report in reports:
        if not first <= report.day <= last:
            continue
        found[report.symbol, report.fiscal_end or report.day] = {
            "symbol": report.symbol,
            "report_date": report.day,
            "fiscal_period_end": report.fiscal_end,
            "time_of_day": "unknown" if report.time is None else _TIMES.get(report.time, "unknown"),
            "eps_estimate": report.eps_estimate,
            "eps_actual": report.eps_actual,
        }
    return list(found.values())
