"""What is done in the background, for people: what runs, what ran, and what comes when.

The schedule is this process's code joined with the runs that the table of tasks holds, so it tells
the truth from any process, whether it works itself or not.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from ava.background.job import Job, discover
from ava.db.page import fetch_page
from ava.db.query import named
from ava.services.automation import Automation
from ava.services.fresh import Fresh
from ava.services.lists import Listed, listed

if TYPE_CHECKING:
    from ava.core import Core


class Task(Struct, frozen=True, kw_only=True):
    """A piece of work; `error` and `result` are what its last attempt left."""

    id: int
    kind: str
    title: str
    status: str
    priority: int
    attempts: int
    error: str | None
    result: str | None = None
    scheduled_at: datetime
    started_at: datetime | None
    finished_at: datetime | None = None
    created_at: datetime


class Run(Struct, frozen=True, kw_only=True):
    """The latest run of a job; it is that of the tick `scheduled_at`."""

    status: str
    attempts: int
    error: str | None
    result: str | None
    scheduled_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Scheduled(Struct, frozen=True, kw_only=True):
    """A job: when it runs, whether it is switched on, and what came of its latest run."""

    name: str
    title: str
    timetable: str
    at_start: bool
    enabled: bool
    next_at: datetime
    last: Run | None = None


class Tasks:
    """The background work of one platform."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._jobs = discover()

    async def active(self, *, limit: int, cursor: str | None = None) -> Listed[Task]:
        """Return what waits or runs, the most urgent first; a page."""
        query = named("active_tasks")
        return listed(
            await fetch_page(self._core.database, query, limit=limit, cursor=cursor), Task
        )

    async def recent(self, *, limit: int, cursor: str | None = None) -> Listed[Task]:
        """Return every run, the newest first; a page."""
        query = named("recent_tasks")
        return listed(
            await fetch_page(self._core.database, query, limit=limit, cursor=cursor), Task
        )

    async def schedule(self) -> Fresh[list[Scheduled]]:
        """Return every job in the order of its next tick."""
        kinds = list(self._jobs)
        rows = await self._core.database.fetch(
            named("latest_runs"), {"kinds": kinds, "limit": len(kinds)}
        )
        runs = {row["kind"]: row for row in rows}
        found = [await self._scheduled(job, runs.get(job.name)) for job in self._jobs.values()]
        return Fresh(sorted(found, key=lambda one: (one.next_at, one.name)))

    async def _scheduled(self, job: Job, row: dict[str, Any] | None) -> Scheduled:
        return Scheduled(
            name=job.name,
            title=job.title,
            timetable=str(job.timetable),
            at_start=job.at_start,
            enabled=await self._core.service(Automation).is_enabled(job.name, unset=True),
            next_at=job.timetable.following(self._core.clock.now()),
            last=None if row is None else msgspec.convert(row, Run),
        )
