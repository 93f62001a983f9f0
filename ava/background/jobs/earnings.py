"""The calendar of earnings: at the start, and daily at 06:00, before the market opens (001.5)."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

from ava.background.job import Backoff, Job
from ava.background.timetable import At
from ava.services.earnings import Earnings

if TYPE_CHECKING:
    from ava.core import Core


async def sync(core: Core, _tick: datetime) -> str:
    """Store the calendar of the coming weeks."""
    done = await core.service(Earnings).sync()
    return f"{done.reports} reports of {done.provider}, {done.added} new, {done.changed} changed"


EARNINGS = Job(
    name="earnings_sync",
    title="Calendar of earnings",
    timetable=At((time(6),), "daily at 06:00 New York"),
    work=sync,
    at_start=True,
    grace_s=6 * 3600.0,
    backoff=Backoff(attempts=6, base_s=60.0),
)
