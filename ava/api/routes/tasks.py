"""Background work: what runs, what ran, and what comes when."""

from __future__ import annotations

from datetime import UTC, datetime

from ava.api.parameters import Cursor, Limit
from ava.api.route import Routes
from ava.background.tasks import Run, Scheduled, Task, Tasks
from ava.core import Core
from ava.services.fresh import Fresh
from ava.services.lists import Listed

_AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
_BEGAN = datetime(2026, 1, 5, 14, 30, 0, 512000, tzinfo=UTC)
_ENDED = datetime(2026, 1, 5, 14, 30, 1, 204000, tzinfo=UTC)
_RUNNING = Task(
    id=5120,
    kind="odds_sync",
    title="Odds of the games to come",
    status="running",
    priority=3,
    attempts=1,
    error=None,
    scheduled_at=_AT,
    started_at=_BEGAN,
    created_at=_BEGAN,
)
_FAILED = Task(
    id=5119,
    kind="scores_sync",
    title="Scores of the games under way",
    status="failed",
    priority=4,
    attempts=1,
    error="outage: espn answered 503",
    scheduled_at=_AT,
    started_at=_BEGAN,
    finished_at=_ENDED,
    created_at=_BEGAN,
)
_SCHEDULED = Scheduled(
    name="odds_sync",
    title="Odds of the games to come",
    timetable="every 15 min from 09:00 to 23:00 New York",
    at_start=False,
    enabled=True,
    next_at=datetime(2026, 1, 5, 14, 45, tzinfo=UTC),
    last=Run(
        status="succeeded",
        attempts=1,
        error=None,
        result="nba: 6 games",
        scheduled_at=_AT,
        started_at=_BEGAN,
        finished_at=_ENDED,
    ),
)


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/tasks", "tasks")
    service = core.service(Tasks)

    @area.get("", answers=Listed[Task], example=Listed(items=[_RUNNING]))
    async def active(limit: Limit = 100, cursor: Cursor = None) -> Fresh[Listed[Task]]:
        """List what waits or runs, the most urgent first."""
        return await service.active(limit=limit, cursor=cursor)

    @area.get("/recent", answers=Listed[Task], example=Listed(items=[_FAILED]))
    async def recent(limit: Limit = 100, cursor: Cursor = None) -> Fresh[Listed[Task]]:
        """List every run, the newest first."""
        return await service.recent(limit=limit, cursor=cursor)

    @area.get("/schedule", answers=list[Scheduled], example=[_SCHEDULED])
    async def schedule() -> Fresh[list[Scheduled]]:
        """Show every job: when it runs, whether it is on, and what came of its latest run."""
        return await service.schedule()

    return area
