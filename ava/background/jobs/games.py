"""Games: the schedule of the coming days, and the scores of those under way."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ava.background.job import Backoff, Job
from ava.background.timetable import Every
from ava.services.scoreboard import Refresh, Scoreboard

if TYPE_CHECKING:
    from ava.core import Core


async def schedule(core: Core, _tick: datetime) -> str:
    """Store today's games and those of the week to come."""
    return _said(await core.service(Scoreboard).refresh_schedule())


async def scores(core: Core, _tick: datetime) -> str:
    """Store how the games stand that are under way."""
    return _said(await core.service(Scoreboard).refresh_scores())


def _said(done: Refresh) -> str:
    failed = "".join(f"; {sport}: {why}" for sport, why in done.failed.items())
    return f"{done.games} games, {done.added} new, {done.changed} changed{failed}"


SCHEDULE = Job(
    name="games_sync",
    title="Games of the coming week",
    timetable=Every(6 * 3600),
    work=schedule,
    at_start=True,
    grace_s=3600.0,
)
SCORES = Job(
    name="scores_sync",
    title="Scores of the games under way",
    timetable=Every(120),
    work=scores,
    grace_s=120.0,
    limit_s=110.0,
    priority=4,
    backoff=Backoff(attempts=1),  # in two minutes there are newer ones
)
