"""Row S7: what is due is done once, by however many workers.

Four workers in processes of their own share one PostgreSQL, and a job that is due every second: all
of them wake at the same moment, again and again. Which tick each of them ran is written down by the
work itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from ava.background.job import Job
from ava.background.timetable import Every
from ava.background.worker import working
from ava.core import Core
from ava.section import Secret
from ava.settings import DatabaseSettings, Settings, StateSettings
from perf.claim import Category, Plan, claim, exactly
from perf.claims.database.prepared import empty_copy
from perf.instruments import Count, Counted
from perf.lab.lab import Lab
from perf.lab.swarm import Start, Swarm

WORKERS = 4
LASTS_S = {"quick": 5.0, "full": 20.0}


async def work(start: Start, dsn: str, directory: str, lasts_s: float) -> list[float]:
    """Be a worker for so many seconds; return the ticks that it ran."""
    ran: list[float] = []

    async def note(_core: Core, tick: datetime) -> str:
        ran.append(tick.timestamp())
        return "noted"

    job = Job(name="pulse", title="Pulse", timetable=Every(1), work=note)
    settings = Settings(
        database=DatabaseSettings(url=Secret(dsn), pool_min=1, pool_max=3),
        state=StateSettings(directory=Path(directory)),
    )
    async with Core.open(settings) as core:
        await start.wait()
        async with working(core, {job.name: job}):
            await core.clock.sleep(lasts_s)
    return ran


@claim(
    id="S7.ticks.once",
    rows=["S7"],
    profiles=("full",),
    title="Each tick of a job that is due every second is run once by four workers",
    source="001.5; product target: once however many instances run",
    target=exactly(0, "ticks run twice or not at all"),
    category=Category.RESILIENCE,
    needs=["schema"],
)
def ticks(lab: Lab) -> Plan:
    """Let them wake together, and look at what each of them ran."""
    arguments: dict[str, Any] = {
        "dsn": lab.dsn(empty_copy(lab)),
        "directory": str(lab.scratch),
        "lasts_s": LASTS_S[lab.profile],
    }

    async def count() -> Counted:
        return await asyncio.to_thread(_counted, arguments)

    return Count(count, "ticks run twice or not at all", repeats=1)


def _counted(arguments: dict[str, Any]) -> Counted:
    with Swarm(f"{__name__}:work", WORKERS, arguments) as swarm:
        swarm.go()
        ran = swarm.results(arguments["lasts_s"] + 30)
    runs = Counter(round(tick) for mine in ran for tick in mine)
    if not runs:
        raise RuntimeError("no worker ran a tick")
    expected = range(min(runs), max(runs) + 1)
    facts = {
        "workers": WORKERS,
        "ticks": len(expected),
        "runs_by_worker": [len(mine) for mine in ran],
    }
    return Counted(sum(runs[tick] != 1 for tick in expected), facts)
