"""The maintenance schedule of document 002, by night, and the forgetting of old runs.

It works through a connection of its own, for as long as it takes: VACUUM refuses a transaction,
and a statement timeout would end it halfway. A stop ends its session at the server, since a thread
that waits for PostgreSQL hears nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import psycopg

from ava.background.job import Backoff, Job
from ava.background.timetable import At
from ava.db.failures import refusal
from ava.db.maintain import MaintenanceReport, Period, Severity, maintain
from ava.db.query import Query, named
from ava.errors import DatabaseError, ServerUnreachableError

if TYPE_CHECKING:
    from ava.core import Core

KEPT_DAYS = 14
MOST_FORGOTTEN = 20_000
_END = Query("end_session", "End a session.", "SELECT pg_terminate_backend(%(pid)s)")
_HOURS = 3600.0


def _of(period: Period) -> Callable[[Core, datetime], Awaitable[str]]:
    async def work(core: Core, _tick: datetime) -> str:
        report = await _maintained(core, period)
        if period is Period.DAILY:
            await core.database.execute(
                named("forget_runs"), {"days": KEPT_DAYS, "limit": MOST_FORGOTTEN}
            )
        return _said(report)

    return work


async def _maintained(core: Core, period: Period) -> MaintenanceReport:
    conninfo = core.settings.database.conninfo()

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(conninfo, autocommit=True, application_name="ava maintain")

    try:
        connection = await asyncio.to_thread(connect)
    except psycopg.Error as error:
        raise ServerUnreachableError(f"no connection for maintenance: {refusal(error)}") from None
    pid = connection.info.backend_pid

    def work() -> MaintenanceReport:
        with closing(connection):
            return maintain(connection, period)

    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await core.database.fetch_one(_END, {"pid": pid})
        with suppress(DatabaseError):
            await running
        raise


def _said(report: MaintenanceReport) -> str:
    counts = ", ".join(
        f"{sum(found.severity is severity for found in report.findings)} {severity}"
        for severity in reversed(Severity)
    )
    worst = [f for f in report.findings if f.severity in {Severity.CRITICAL, Severity.WARNING}]
    named_ones = "".join(f"; {f.check}: {' '.join(f.object.split())}" for f in worst[:5])
    return f"{counts}{named_ones}"


def _job(period: Period, timetable: At) -> Job:
    return Job(
        name=f"maintenance_{period}",
        title=f"Maintenance, {period}",
        timetable=timetable,
        work=_of(period),
        grace_s=3 * _HOURS,
        limit_s=4 * _HOURS,
        priority=1,
        backoff=Backoff(attempts=3, base_s=300.0),
    )


_QUARTERS = frozenset({1, 4, 7, 10})
DAILY = _job(Period.DAILY, At((time(1),), "daily at 01:00 New York"))
WEEKLY = _job(
    Period.WEEKLY, At((time(1, 30),), "Sundays at 01:30 New York", weekdays=frozenset({6}))
)
MONTHLY = _job(
    Period.MONTHLY,
    At(
        (time(3),),
        "on the 1st at 03:00 New York, but for quarters",
        days=frozenset({1}),
        months=frozenset(range(1, 13)) - _QUARTERS,
    ),
)
QUARTERLY = _job(
    Period.QUARTERLY,
    At(
        (time(3),),
        "on 1 January, April, July and October at 03:00 New York",
        days=frozenset({1}),
        months=_QUARTERS,
    ),
)
