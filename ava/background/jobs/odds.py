"""Odds, every quarter of an hour from 09:00 to 23:00 (001.5), as far as the month's credits go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ava.background.job import Backoff, Job, NotDoneError
from ava.background.timetable import At, quarter_hours
from ava.errors import ProviderError
from ava.net.spec import Priority
from ava.providers.odds_api import GAME_MARKETS, NAME, price_of
from ava.services.odds_budget import CLOSES, OPENS, Credits, choose, day_of
from ava.services.scoreboard import Scoreboard
from ava.services.sports import Sport
from ava.services.sports_desk import OddsReport, Sports
from ava.settings import ProviderKeys

if TYPE_CHECKING:
    from ava.core import Core

COST = price_of(GAME_MARKETS)
_MONTH = timedelta(days=31)


async def sync(core: Core, tick: datetime) -> str:
    """Sync the sports that are due, one after the other; raise only if none of them could be."""
    if not core.platform.gateway.offers(NAME):
        raise NotDoneError(f"{ProviderKeys.key(NAME)} is not set")
    due, left = await plan(core, tick)
    if not due:
        return f"no sport is due; {left} credits are left"
    sports = core.service(Sports)
    reports: list[OddsReport] = []
    errors: dict[Sport, ProviderError] = {}
    for sport in due:
        try:
            reports.append(await sports.sync_odds(sport, priority=Priority.BACKGROUND, keep=None))
        except ProviderError as error:
            errors[sport] = error
    if not reports:
        raise next(iter(errors.values()))
    return "; ".join([*map(_said, reports), *(f"{s}: {e}" for s, e in errors.items())])


async def plan(core: Core, tick: datetime) -> tuple[Sequence[Sport], int]:
    """Return the sports to sync at a tick, and the credits there are."""
    sports = core.service(Sports)
    spend = await sports.credits()
    if spend.left is None:
        raise NotDoneError("the credits of the month cannot be counted now")
    starts = await core.service(Scoreboard).starts(tick, day_of(tick).ends)
    past = await sports.syncs_since(tick - _MONTH)
    return choose(tick, Credits(spend.left, spend.resets_at, COST), starts, past), spend.left


def _said(report: OddsReport) -> str:
    said = f"{report.sport}: {report.updated} games"
    for count, what in ((report.unmatched, "unmatched"), (report.ambiguous, "ambiguous")):
        said += f", {count} {what}" if count else ""
    return said


ODDS = Job(
    name="odds_sync",
    title="Odds of the games to come",
    timetable=At(quarter_hours(OPENS, CLOSES), "every 15 min from 09:00 to 23:00 New York"),
    work=sync,
    # After a quarter of an hour the next tick is there, and knows better.
    backoff=Backoff(attempts=3, base_s=60.0),
)
