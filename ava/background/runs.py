"""One attempt of a job: whether it may run, what is recorded of it, and what its end means.

A run is one row of `tasks` over all its attempts: running, pending while it waits for another one,
and at last succeeded, failed, or cancelled where there was nothing that could be done. What a
failure says is the package's own sentence; the text of any other error stays in the log. A job
that is switched off leaves no row, because it did not run.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from procrastinate.jobs import Job as Queued

from ava.background.job import TASKS, Job, NotDoneError
from ava.db.query import named
from ava.problems import problem_of
from ava.providers.asking import unhurried
from ava.services.automation import Automation

if TYPE_CHECKING:
    from ava.core import Core

LONGEST = 500  # characters of an error or a result

_log = logging.getLogger(__name__)


async def perform(core: Core, job: Job, queued: Queued, timestamp: int) -> None:
    """Make one attempt at the tick `timestamp`, a Unix time; raises what the work raises."""
    tick = datetime.fromtimestamp(timestamp, UTC)
    if not await core.service(Automation).is_enabled(job.name, unset=True):
        _log.info("%s is switched off", job.name)
        return
    if not queued.attempts and core.clock.now() - tick > timedelta(seconds=job.grace_s):
        _log.warning("the tick of %s at %s came too late, and is left out", job.name, tick)
        return
    run = _Run(core, job, queued, tick)
    await run.begin()
    try:
        with unhurried():
            async with asyncio.timeout(job.limit_s):
                said = await job.work(core, tick)
    except NotDoneError as reason:
        await run.end("cancelled", result=str(reason))
    except (Exception, asyncio.CancelledError) as error:
        await run.fail(error)
        raise
    else:
        await run.end("succeeded", result=said)


class _Run:
    """The row of one run."""

    def __init__(self, core: Core, job: Job, queued: Queued, tick: datetime) -> None:
        self._core, self._job, self._queued, self._tick = core, job, queued, tick
        self._made = queued.attempts + 1

    async def begin(self) -> None:
        await self._write(
            "begin_run",
            {
                "kind": self._job.name,
                "title": self._job.title,
                "priority": self._job.priority,
                "attempts": self._made,
                "scheduled_at": self._tick,
                "job_id": self._queued.id,
            },
        )

    async def fail(self, error: BaseException) -> None:
        """Record a failure: the last one, or one that is followed by another attempt."""
        again = self._job.backoff.wait_s(error, self._made) is not None
        await self.end("pending" if again else "failed", error=self._said(error))

    async def end(
        self, status: str, *, error: str | None = None, result: str | None = None
    ) -> None:
        await self._write(
            "end_run",
            {
                "job_id": self._queued.id,
                "status": status,
                "error": None if error is None else error[:LONGEST],
                "result": None if result is None else result[:LONGEST],
            },
        )

    async def _write(self, statement: str, values: dict[str, Any]) -> None:
        await self._core.database.execute(named(statement), values)
        await self._core.platform.cache.invalidate_tags(TASKS)

    def _said(self, error: BaseException) -> str:
        if isinstance(error, asyncio.CancelledError):
            return "its worker stopped while it ran"
        if isinstance(error, TimeoutError):
            return f"it took longer than {self._job.limit_s:g} s"
        found = problem_of(error)
        return f"{found.title}: {found.detail}"
