"""EXPLAIN: what PostgreSQL's planner chose, and what running it took.

Plans are read from EXPLAIN's JSON into a small tree, so a claim states what it needs of a plan
("no sequential scan", "rows read = LIMIT") as a plain function. A statement that writes is run
inside a transaction that is rolled back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from perf.instruments.bench import Bench
from perf.instruments.counts import Count, Counted
from perf.sample import Kind, Measurement

_SEQUENTIAL = ("Seq Scan", "Parallel Seq Scan")
_INDEXED = ("Index Scan", "Index Only Scan", "Bitmap Index Scan")


@dataclass(frozen=True, slots=True)
class Node:
    """One plan node; rows are totals over all loops, of all workers."""

    kind: str
    relation: str | None
    index: str | None
    rows: float
    removed: float
    parallel: bool


@dataclass(frozen=True, slots=True)
class ExplainedPlan:
    """A plan that was run; `raw` is EXPLAIN's JSON, for the report."""

    raw: Mapping[str, Any]
    nodes: tuple[Node, ...]

    @property
    def execution_ms(self) -> float:
        """Execution time as the server reports it, milliseconds, planning not included."""
        return float(self.raw["Execution Time"])

    @property
    def rows(self) -> float:
        """Rows the statement returned."""
        return self.nodes[0].rows

    @property
    def sequential_scans(self) -> tuple[Node, ...]:
        """The nodes that read a whole table."""
        return tuple(node for node in self.nodes if node.kind in _SEQUENTIAL)

    @property
    def indexes(self) -> tuple[str, ...]:
        """Names of the indexes used."""
        return tuple(n.index for n in self.nodes if n.kind in _INDEXED and n.index is not None)

    @property
    def rows_read(self) -> float:
        """Rows the scans touched: returned by them or thrown away by their filters."""
        scans = (n for n in self.nodes if n.relation is not None)
        return sum(node.rows + node.removed for node in scans)


def explain(
    connection: psycopg.Connection[Any],
    statement: LiteralString | sql.Composable,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None,
) -> ExplainedPlan:
    """Run EXPLAIN (ANALYZE, BUFFERS) and return the plan; what the statement wrote is undone."""
    body = sql.SQL(statement) if isinstance(statement, str) else statement
    query = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + body
    with connection.transaction(force_rollback=True):
        row = connection.execute(query, parameters).fetchone()
    if row is None:
        raise RuntimeError("EXPLAIN returned no plan")
    document = row[0] if not isinstance(row, dict) else next(iter(row.values()))
    raw = json.loads(document) if isinstance(document, str) else document
    return ExplainedPlan(raw[0], tuple(_nodes(raw[0]["Plan"])))


def _nodes(plan: Mapping[str, Any]) -> Iterator[Node]:
    loops = plan.get("Actual Loops", 1)
    yield Node(
        kind=plan["Node Type"],
        relation=plan.get("Relation Name"),
        index=plan.get("Index Name"),
        rows=plan.get("Actual Rows", 0) * loops,
        removed=plan.get("Rows Removed by Filter", 0) * loops,
        parallel=bool(plan.get("Parallel Aware")),
    )
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


@dataclass(frozen=True, slots=True)
class Explained:
    """A statement to be explained, on the connection where its indexes and data are."""

    connection: psycopg.Connection[Any]
    statement: LiteralString | sql.Composable
    parameters: Sequence[Any] | Mapping[str, Any] | None = None

    def plan(self) -> ExplainedPlan:
        """Run it once."""
        return explain(self.connection, self.statement, self.parameters)

    def text(self) -> str:
        """Return the statement as it is sent."""
        body = sql.SQL(self.statement) if isinstance(self.statement, str) else self.statement
        return body.as_string(self.connection)


@dataclass(frozen=True, slots=True)
class PlanTime:
    """Time a statement by the server's own execution time; the figure is its median.

    `before` is explained once beside it, so the report shows what changed.
    """

    after: Explained
    before: Explained | None = None
    runs: int = 25
    facts: Mapping[str, Any] = field(default_factory=dict)

    def measure(self, bench: Bench) -> Measurement:
        """Warm up once, then run `runs` times."""
        self.after.plan()
        plans = [bench.call(self.after.plan) for _ in range(self.runs)]
        return Measurement(
            kind=Kind.TIMING,
            unit="ms",
            samples={"time": [plan.execution_ms / 1e3 for plan in plans]},
            facts={**self.facts, **plan_facts(self.before, self.after, plans[-1])},
        )


@dataclass(frozen=True, slots=True)
class PlanCount:
    """Count something in a statement's plan: sequential scans, rows read."""

    after: Explained
    count: Callable[[ExplainedPlan], float]
    unit: str
    before: Explained | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def measure(self, bench: Bench) -> Measurement:
        """Explain and count, twice."""

        def counted() -> Counted:
            plan = self.after.plan()
            return Counted(self.count(plan), plan_facts(self.before, self.after, plan))

        return Count(counted, self.unit, facts=self.facts).measure(bench)


def plan_facts(before: Explained | None, after: Explained, plan: ExplainedPlan) -> dict[str, Any]:
    """Return the evidence: both plans and both statements."""
    plans: dict[str, Any] = {"after": [plan.raw]}
    statements = {"after": after.text()}
    if before is not None:
        plans = {"before": [before.plan().raw], **plans}
        statements = {"before": before.text(), **statements}
    return {"plans": plans, "sql": statements}
