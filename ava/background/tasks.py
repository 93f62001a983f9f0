"""What is done in the background, for people: what runs, what ran, and what comes when.

The schedule is this process's code joined with the runs that the table of tasks holds, so it tells
the truth from any process, whether it works itself or not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from ava.background.job import TASKS, Job, discover
from ava.cache.keep import Keep
from ava.cache.keys import key
from ava.db.page import fetch_page
from ava.db.query import named
from ava.services.automation import Automation
from ava.services.fresh import Fresh
from ava.services.lists import Listed, listed

if TYPE_CHECKING:
    from ava.core import Core


# A run that begins or ends invalidates it; the time is for workers that no Redis joins to this
# process.
KEEP: Final = Keep(5, tags=(TASKS,))


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

    async def active(self, *, limit: int, cursor: str | None = None) -> Fresh[Listed[Task]]:
        """Return what waits or runs, the most urgent first; a page."""
        return await self._listed("active_tasks", limit, cursor)

    async def recent(self, *, limit: int, cursor: str | None = None) -> Fresh[Listed[Task]]:
        """Return every run, the newest first; a page."""
        return await self._listed("recent_tasks", limit, cursor)

    async def schedule(self) -> Fresh[list[Scheduled]]:
        """Return every job in the order of its next tick."""
        kinds = list(self._jobs)

        async def fetch() -> list[Scheduled]:
            rows = await self._core.database.fetch(
                named("latest_runs"), {"kinds": kinds, "limit": len(kinds)}
            )
            runs = {row["kind"]: row for row in rows}
            found = [await self._scheduled(job, runs.get(job.name)) for job in self._jobs.values()]
            return sorted(found, key=lambda one: (one.next_at, one.name))

        keep = replace(KEEP, tags=(*KEEP.tags, *(f"automation:{kind}" for kind in kinds)))
        return await self._core.kept("tasks:schedule", fetch, kind=list[Scheduled], keep=keep)

    async def _listed(self, name: str, limit: int, cursor: str | None) -> Fresh[Listed[Task]]:
        async def fetch() -> Listed[Task]:
            page = await fetch_page(self._core.database, named(name), limit=limit, cursor=cursor)
            return listed(page, Task)

        asked = key("tasks", name, limit=limit, cursor=cursor)
        return await self._core.kept(asked, fetch, kind=Listed[Task], keep=KEEP)

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
