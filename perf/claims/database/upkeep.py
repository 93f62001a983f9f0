"""Rows D9, D11 and D14: the slow-query log, the views, and a maintenance schedule that runs."""

from __future__ import annotations

import asyncio
import logging
from typing import LiteralString

from ava.db.maintain import Period, Severity, maintain
from ava.db.pool import Database
from perf.claim import Plan, claim, exactly
from perf.claims.database.pool import settings
from perf.claims.database.prepared import connect, empty_copy
from perf.instruments import Count, Counted
from perf.lab.lab import Lab


@claim(
    id="D9.slow-log.over-one-second",
    rows=["D9"],
    title="Of statements of 0, 0.2 and 1.1 s the slow-query log holds the one over 1 s",
    source="002.10",
    target=exactly(1, "log lines"),
    needs=["schema"],
)
def slow_log(lab: Lab) -> Plan:
    """Run the three and listen to the log."""
    name = empty_copy(lab)

    async def count() -> Counted:
        lines = _Lines()
        logger = logging.getLogger("ava.db.slow")
        logger.addHandler(lines)
        try:
            async with Database(settings(lab.dsn(name))) as database:
                for seconds in (0, 0.2, 1.1):
                    await database.fetch("SELECT pg_sleep(%s)", (seconds,))
        finally:
            logger.removeHandler(lines)
        return Counted(len(lines.seen), {"logged": lines.seen})

    return Count(count, "log lines", repeats=1)  # over a second each


class _Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


@claim(
    id="D9.timing.every-statement",
    rows=["D9"],
    title="The query histograms count every statement of fifty concurrent callers",
    source="000.20",
    target=exactly(500, "statements counted"),
    needs=["schema"],
)
def every_statement(lab: Lab) -> Plan:
    """Let fifty callers run ten statements each."""
    name = empty_copy(lab)

    async def count() -> float:
        async with Database(settings(lab.dsn(name))) as database:
            already = _counted(database)

            async def caller() -> None:
                for _ in range(10):
                    await database.fetch("SELECT 1")

            async with asyncio.TaskGroup() as group:
                for _ in range(50):
                    group.create_task(caller())
            return _counted(database) - already

    return Count(count, "statements counted")


def _counted(database: Database) -> int:
    return sum(histogram.count for histogram in database.timer.snapshot().values())


# Each view with the query it stands for, written out from the tables.
VIEWS: dict[str, tuple[LiteralString, LiteralString]] = {
    "current-positions": (
        """
        SELECT symbol, account_name, quantity, current_value::numeric(24, 4)
        FROM v_current_positions
        """,
        """
        SELECT s.symbol, a.account_name, p.quantity, (p.quantity * p.current_price)::numeric(24, 4)
        FROM positions p
        JOIN stocks s ON s.id = p.stock_id
        JOIN trading_accounts a ON a.id = p.account_id
        WHERE p.closed_at IS NULL
        """,
    ),
    "live-games": (
        "SELECT game_id, home_team, away_team FROM v_live_games",
        """
        SELECT game_id, home_team, away_team FROM nfl_games WHERE game_status = 'live'
        UNION ALL
        SELECT game_id, home_team, away_team FROM nba_games WHERE game_status = 'live'
        UNION ALL
        SELECT game_id, home_team, away_team FROM ncaa_football_games WHERE game_status = 'live'
        UNION ALL
        SELECT game_id, home_team, away_team FROM ncaa_basketball_games WHERE game_status = 'live'
        """,
    ),
    "active-tasks": (
        "SELECT task_id, kind, status FROM v_active_tasks",
        "SELECT id, kind, status FROM tasks WHERE status IN ('pending', 'running')",
    ),
}


@claim(
    id="D11.view.{view}",
    rows=["D11"],
    title="The view of {view} shows the rows of its tables, none more and none less",
    source="002.9, 002.4",
    target=exactly(0, "rows that differ"),
    needs=["market"],
    cases=[{"view": view} for view in VIEWS],
)
def view_rows(lab: Lab, view: str) -> Plan:
    """Compare the view with its definition, as bags of rows."""
    connection = connect(lab, str(lab.prepared["market"]["database"]))
    shown, defined = VIEWS[view]

    def count() -> Counted:
        rows = [sorted(connection.execute(text).fetchall()) for text in (shown, defined)]
        if not rows[1]:
            raise RuntimeError("the data set holds no row the view could show")
        unlike = sum(a != b for a, b in zip(*rows, strict=False)) + abs(len(rows[0]) - len(rows[1]))
        return Counted(unlike, {"rows": len(rows[1])})

    return Count(count, "rows that differ")


# What the steps of a period need of the server beyond a plain PostgreSQL.
EXTENSIONS = {
    Period.DAILY: ("pg_stat_statements",),
    Period.MONTHLY: ("pg_stat_statements", "pgstattuple"),
    Period.QUARTERLY: ("pg_stat_statements", "pgstattuple"),
}


@claim(
    id="D14.schedule.{period}",
    rows=["D14"],
    title="Every step of the {period} maintenance can be run",
    source="002 maintenance schedule",
    target=exactly(0, "steps undone"),
    needs=["schema"],
    cases=[{"period": str(period)} for period in Period],
)
def schedule(lab: Lab, period: str) -> Plan:
    """Run the period's steps on a migrated database and count those that could not be done."""
    name = empty_copy(lab)
    for extension in EXTENSIONS.get(Period(period), ()):
        lab.require_extension(extension, name)

    def count() -> Counted:
        report = maintain(lab.dsn(name), Period(period))
        undone = [
            f"{f.check}: {f.advice}" for f in report.findings if f.severity is Severity.UNKNOWN
        ]
        return Counted(len(undone), {"undone": undone, "findings": len(report.findings)})

    return Count(count, "steps undone")
