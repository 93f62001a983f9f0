"""The maintenance schedule of document 002, as steps that run.

A step asks the server (the statements lie in `sql/maintenance`) or works on it (ANALYZE, VACUUM)
and returns findings; a period is a list of steps. A step that cannot be done becomes a finding of
severity `unknown` with its cure, and the others still run: silence is never taken for health.

Nothing here rewrites a table, drops an index or ends a session. VACUUM FULL locks a table for as
long as it takes, so it is advised where the figure supports it, and left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache, partial
from typing import Any

import psycopg
from psycopg import sql

from ava.clock import Clock, SystemClock
from ava.db.failures import is_lost, translated
from ava.db.migrate_session import Connection, configured, rows, session
from ava.db.query import Query, load, sql_directory

SLOW_MS = 1000.0
LONG_TRANSACTION_S = 300.0
UNUSED_DAYS = 30
# Waiting longer for a table's lock would hold up whoever queues behind.
LOCK_TIMEOUT = "5s"
_CLOCK = SystemClock()


class Severity(StrEnum):
    """What a finding asks of its reader; `unknown` is a check that could not be made."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Period(StrEnum):
    """How often; the longer periods hold more."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check saw: on what, which figure, and what to do (empty if nothing)."""

    check: str
    severity: Severity
    object: str
    figure: str
    advice: str


@dataclass(frozen=True, slots=True)
class MaintenanceReport:
    """The findings of a period's steps, in order."""

    period: Period
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def needs_attention(self) -> bool:
        """Say whether a finding asks somebody to act."""
        return any(f.severity in {Severity.WARNING, Severity.CRITICAL} for f in self.findings)

    @property
    def incomplete(self) -> bool:
        """Say whether a check could not be made."""
        return any(f.severity is Severity.UNKNOWN for f in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)


Findings = Sequence[Finding]
Step = Callable[[Connection], Findings]


def slow_queries(connection: Connection, threshold_ms: float = SLOW_MS) -> Findings:
    """Find statements that take longer than that on average."""
    return _ask(connection, "slow_queries", threshold_ms=threshold_ms)


def connection_saturation(connection: Connection) -> Findings:
    """Hold the connections in use against the most there may be."""
    return _ask(connection, "connection_saturation")


def database_errors(connection: Connection) -> Findings:
    """Count deadlocks, conflicts, rollbacks and damage."""
    return [*_ask(connection, "database_errors"), *_ask(connection, "rollbacks")]


def long_transactions(connection: Connection, limit_s: float = LONG_TRANSACTION_S) -> Findings:
    """Find transactions that keep locks and dead rows for that long."""
    return _ask(connection, "long_transactions", limit_s=limit_s)


def analyze_active(connection: Connection) -> Findings:
    """ANALYZE each table that was written since it was last analysed."""
    return [
        finding
        for schema, table, changes in rows(connection, _statements()["active_tables"], {})
        for finding in _work_on(connection, "ANALYZE {}", schema, table, f"{changes} rows changed")
    ]


def index_usage(connection: Connection) -> Findings:
    """Find large tables that are read from end to end."""
    return _ask(connection, "index_usage")


def cache_hit(connection: Connection) -> Findings:
    """Return the share of page reads that memory answered."""
    return _ask(connection, "cache_hit")


def vacuum_all(connection: Connection) -> Findings:
    """VACUUM (ANALYZE) every table."""
    return [
        finding
        for schema, table in rows(connection, _statements()["all_tables"], {})
        for finding in _work_on(connection, "VACUUM (ANALYZE) {}", schema, table, "vacuumed")
    ]


def unused_indexes(connection: Connection) -> Findings:
    """Find indexes that nothing has read for a month."""
    return _ask(connection, "unused_indexes", min_days=UNUSED_DAYS)


def bloat(connection: Connection) -> Findings:
    """Find tables and indexes that hold mostly empty space."""
    return [*_ask(connection, "table_bloat"), *_ask(connection, "index_bloat")]


def foreign_keys(connection: Connection) -> Findings:
    """Find foreign keys that no index serves."""
    return _ask(connection, "foreign_keys")


def statistics(connection: Connection) -> Findings:
    """Find tables that stay without current statistics."""
    return _ask(connection, "changed_statistics")


def capacity(connection: Connection) -> Findings:
    """Return sizes, growth and memory."""
    return [*_ask(connection, "database_size"), *_ask(connection, "memory_settings")]


def transaction_age(connection: Connection) -> Findings:
    """Return how near the transaction numbers are to their end."""
    return _ask(connection, "transaction_age")


_WATCH: tuple[Step, ...] = (
    slow_queries,
    connection_saturation,
    database_errors,
    long_transactions,
)
_REVIEW: tuple[Step, ...] = (unused_indexes, bloat, foreign_keys)

SCHEDULE: Mapping[Period, tuple[Step, ...]] = {
    Period.DAILY: _WATCH,
    Period.WEEKLY: (analyze_active, index_usage, cache_hit),
    Period.MONTHLY: (vacuum_all, slow_queries, *_REVIEW),
    # VACUUM (ANALYZE) covers what the week would analyse.
    Period.QUARTERLY: (
        *_WATCH,
        vacuum_all,
        index_usage,
        cache_hit,
        *_REVIEW,
        statistics,
        capacity,
        transaction_age,
    ),
}


def maintain(
    target: str | Connection,
    period: Period,
    *,
    progress: Callable[[str], None] = lambda _: None,
    clock: Clock = _CLOCK,
) -> MaintenanceReport:
    """Run the steps of a period on the database of a DSN or of an idle connection.

    `progress` is told each step's name as it begins. Raises DatabaseError when the connection
    cannot be made or is lost; whatever else fails is a finding.
    """
    started = clock.monotonic()
    findings: list[Finding] = []
    with (
        translated(),
        session(target, "ava maintain") as connection,
        configured(connection, {"statement_timeout": "0", "lock_timeout": LOCK_TIMEOUT}),
    ):
        for step in SCHEDULE[period]:
            name = step.__name__
            progress(name)
            findings += _attempt(name, "the whole check", partial(step, connection))
    return MaintenanceReport(period, tuple(findings), clock.monotonic() - started)


def _ask(connection: Connection, check: str, **params: Any) -> Findings:
    return [
        Finding(check, Severity(severity), str(thing), str(figure), str(advice))
        for severity, thing, figure, advice in rows(connection, _statements()[check], params)
    ]


def _work_on(
    connection: Connection, command: str, schema: str, table: str, figure: str
) -> Iterable[Finding]:
    """Run a command on one table; a table that was skipped or locked is a finding, not the end."""
    check = command.partition(" ")[0].lower()
    name = f"{schema}.{table}"

    def run() -> Findings:
        with _warnings(connection) as said:
            connection.execute(sql.SQL(command).format(sql.Identifier(schema, table)))
        return [Finding(check, Severity.UNKNOWN, name, "not done", text) for text in said] or [
            Finding(check, Severity.INFO, name, figure, "")
        ]

    return _attempt(check, name, run)


def _attempt(check: str, thing: str, work: Callable[[], Findings]) -> Findings:
    try:
        return work()
    except psycopg.errors.UndefinedFunction as error:
        advice = f"{error.diag.message_primary}; run `ava migrate`"
    except psycopg.Error as error:
        if is_lost(error):
            raise
        parts = (error.diag.message_primary, error.diag.message_hint)
        advice = ". ".join(part for part in parts if part)
    return [Finding(check, Severity.UNKNOWN, thing, "not done", advice)]


@contextmanager
def _warnings(connection: Connection) -> Iterator[list[str]]:
    """Collect the server's warnings: that is how VACUUM says that it skipped a table."""
    said: list[str] = []

    def listen(notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            said.append(notice.message_primary or "the server warned without a text")

    connection.add_notice_handler(listen)
    try:
        yield said
    finally:
        connection.remove_notice_handler(listen)


@cache
def _statements() -> Mapping[str, Query]:
    return load(sql_directory() / "maintenance")
