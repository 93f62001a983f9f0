"""The worker: names the ticks that are due, runs the jobs they make, and frees those of the dead.

Any number of workers may run, in processes of their own or beside the API. A tick becomes a job
once, because its name is unique in the database; a job is run by one of them, because it is taken
by a locked row; and one whose worker fell silent goes back into the queue. So a job is done at
least once, and twice only if a worker dies at it or is held up for longer than `SILENT_S`.

A worker outlives the database: what fails while PostgreSQL is away is tried again when it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Job as Queued

from ava.background.job import START_S, Backoff, Job, discover
from ava.background.queue import Connector
from ava.background.runs import perform
from ava.background.timetable import Every, Timetable, soonest
from ava.db.query import named
from ava.errors import AvaError, DatabaseError

if TYPE_CHECKING:
    from ava.core import Core

QUEUE: Final = "ava"
SILENT_S: Final = 30.0  # after which a worker counts as dead; it tells of itself every ten
LOOK_S: Final = 15.0  # how often a worker looks for jobs of dead ones
PAUSE_S: Final = 5.0  # after a failure of the worker itself
MOST_TAKEN: Final = 100
_STARTS: Final[Timetable] = Every(int(START_S))

_log = logging.getLogger(__name__)


class Background:
    """The jobs of one platform, and a worker for them."""

    def __init__(self, core: Core, jobs: Mapping[str, Job] | None = None) -> None:
        self._core = core
        self.jobs = discover() if jobs is None else dict(jobs)
        self._app = App(connector=Connector(core.database, core.clock))
        self._deferred: dict[str, datetime] = {}
        for job in self.jobs.values():
            self._register(job)

    async def start(self) -> None:
        """Queue what is done at a start; raise DatabaseError where the queue has no tables."""
        if not await self._app.check_connection_async():
            raise DatabaseError("the queue has no tables yet; run `ava migrate`")
        now = self._core.clock.now()
        begun = _STARTS.latest(now)
        for job in self.jobs.values():
            if job.at_start:
                is_tick = job.timetable.latest(now) == begun  # which would be run beside it
                await self._defer(job, "tick" if is_tick else "start", begun)

    async def tick(self, now: datetime | None = None) -> list[str]:
        """Queue the ticks that are due; return the names of the jobs that nobody had queued yet."""
        now = now or self._core.clock.now()
        queued = []
        for job in self.jobs.values():
            due = job.timetable.latest(now)
            if self._deferred.get(job.name) == due or now - due > timedelta(seconds=job.grace_s):
                continue
            if await self._defer(job, "tick", due):
                queued.append(job.name)
            self._deferred[job.name] = due
        return queued

    async def take_over(self) -> int:
        """Put back the jobs of workers that are silent; return how many there were."""
        freed = await self._core.database.fetch(
            named("take_over"),
            {
                "silent_s": SILENT_S,
                "attempts": max((j.backoff.attempts for j in self.jobs.values()), default=1),
                "limit": MOST_TAKEN,
            },
        )
        for row in freed:
            _log.warning("the worker of %s ended: the job is %s", row["task_name"], row["status"])
        return len(freed)

    async def run_pending(self) -> None:
        """Run what is in the queue and may run now, and return when nothing is left of it."""
        await self._work(wait=False)

    async def run(self) -> None:
        """Work until cancelled; running jobs are then finished, for as long as the drain allows."""
        timer = asyncio.create_task(self._keep_time(), name="ticks")
        try:
            while True:
                try:
                    await self._work(wait=True)
                except (ProcrastinateException, AvaError) as error:
                    _log.warning("the worker failed and begins anew: %s", error)
                except Exception:  # noqa: BLE001 - a worker must not end in silence
                    _log.exception("the worker failed for no known reason and begins anew")
                await self._core.clock.sleep(PAUSE_S)
        finally:
            timer.cancel()
            with suppress(asyncio.CancelledError):
                await timer

    def _register(self, job: Job) -> None:
        async def attempt(context: JobContext, timestamp: int) -> None:
            await perform(self._core, job, context.job, timestamp)

        self._app.task(
            name=job.name,
            queue=QUEUE,
            lock=job.name,  # two ticks of one job never run at once
            priority=job.priority,
            retry=_Retry(job.backoff),
            pass_context=True,
        )(attempt)

    async def _defer(self, job: Job, why: str, tick: datetime) -> bool:
        """Queue a tick; return whether it was not queued before, by this worker or another."""
        timestamp = int(tick.timestamp())
        made = self._app.configure_task(
            job.name, allow_unknown=False, task_kwargs={"timestamp": timestamp}
        )
        queued = await self._app.job_manager.defer_periodic_job(
            job=made.job, periodic_id=why, defer_timestamp=timestamp
        )
        return queued is not None

    async def _keep_time(self) -> None:
        clock = self._core.clock
        tables = [job.timetable for job in self.jobs.values()]
        while True:
            try:
                await self.tick()
                await self.take_over()
            except (ProcrastinateException, AvaError) as error:
                _log.warning("the ticks wait for the database: %s", error)
            except Exception:  # noqa: BLE001 - nor its ticks
                _log.exception("the ticks failed for no known reason, and go on")
            now = clock.now()
            until_s = (soonest(tables, now) - now).total_seconds() if tables else LOOK_S
            await clock.sleep(min(LOOK_S, until_s))

    async def _work(self, *, wait: bool) -> None:
        settings = self._core.settings
        await self._app.run_worker_async(
            queues=[QUEUE],
            wait=wait,
            concurrency=settings.worker.concurrency,
            # An ear takes a connection for good, which a pool of one cannot give.
            listen_notify=wait and settings.database.pool_max > 1,
            shutdown_graceful_timeout=settings.worker.drain_s,
            stalled_worker_timeout=SILENT_S,
            install_signal_handlers=False,
        )


class _Retry(BaseRetryStrategy):
    """A job's backoff, as procrastinate asks for it."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff

    def get_retry_decision(self, *, exception: BaseException, job: Queued) -> RetryDecision | None:
        """Return when to try again; None to give up."""
        wait_s = self._backoff.wait_s(exception, job.attempts + 1)
        if wait_s is None:
            return None
        if isinstance(exception, asyncio.CancelledError):
            wait_s = 0.0  # it was stopped, and is nobody's fault
        return RetryDecision(retry_in={"milliseconds": int(wait_s * 1000)})


@asynccontextmanager
async def working(core: Core, jobs: Mapping[str, Job] | None = None) -> AsyncIterator[Background]:
    """Run a worker beside the block, on the block's own loop and the core's own pool."""
    # What it says of each job is in the table of tasks, where people look.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    background = Background(core, jobs)
    await background.start()
    task = asyncio.create_task(background.run(), name="worker")
    try:
        yield background
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
