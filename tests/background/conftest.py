"""Workers on one database, each with a platform of its own and all on one clock."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from ava.background.job import Backoff, Job
from ava.background.timetable import Every
from ava.background.worker import Background
from ava.clock import ManualClock
from ava.core import Core
from ava.section import Secret
from ava.settings import DatabaseSettings, Settings, StateSettings, WorkerSettings

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@pytest.fixture
def clock():
    """A clock that stands until it is moved."""
    return ManualClock(NOW)


@pytest.fixture
def settings(platform_dsn, tmp_path):
    """Settings of a platform with a small pool and a short drain."""
    return Settings(
        database=DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=4),
        state=StateSettings(directory=tmp_path),
        worker=WorkerSettings(drain_s=0.2),
    )


@pytest.fixture
async def cores(settings, clock):
    """Make platforms on one database."""
    async with AsyncExitStack() as stack:

        async def make(n=1, clock=clock):
            return [
                await stack.enter_async_context(Core.open(settings, clock=clock)) for _ in range(n)
            ]

        yield make


@pytest.fixture
async def core(cores):
    """One platform."""
    (made,) = await cores()
    return made


@pytest.fixture
def worker(core):
    """Make a worker for some jobs."""
    return lambda *jobs: Background(core, {job.name: job for job in jobs})


@pytest.fixture
def job():
    """Make a job that is due every quarter of an hour."""

    def make(work, name="job", **how):
        how = {"timetable": Every(900), "backoff": Backoff(3, 30.0), **how}
        return Job(name=name, title="A job", work=work, **how)

    return make


@pytest.fixture
def runs(core):
    """Return what the table of tasks holds of the jobs' runs."""

    async def read():
        return await core.database.fetch(
            "SELECT kind, status, attempts, error, result, scheduled_at, finished_at FROM tasks"
            " WHERE job_id IS NOT NULL ORDER BY id"
        )

    return read


@pytest.fixture
def hasten(core):
    """Let the wait before the next attempt be over; return how long it would have been."""

    async def move():
        row = await core.database.fetch_one(
            "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'"
            " RETURNING (SELECT extract(epoch FROM old.scheduled_at - now())"
            " FROM procrastinate_jobs AS old WHERE old.id = procrastinate_jobs.id) AS wait_s"
        )
        return None if row is None else float(row["wait_s"])

    return move
