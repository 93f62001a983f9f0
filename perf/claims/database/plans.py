"""Row D6: the documents' four test queries under EXPLAIN ANALYZE, with the migrations' indexes.

100,000 rows a table in the quick profile, a million in the full one. The documents expect an index
scan, under 10 ms, and as many rows read as the LIMIT; each is a claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from perf.claim import Plan, at_most, claim, exactly
from perf.claims.database.prepared import connect
from perf.claims.document import queries
from perf.instruments import PlanCount, PlanTime
from perf.instruments.plans import Explained
from perf.lab.lab import Lab

TABLES = {
    "activity": (queries.ACTIVITY, "trade_history"),
    "portfolio-history": (queries.PORTFOLIO_HISTORY, "portfolio_history"),
    "alerts": (queries.ALERTS, "alerts"),
    "options-chain": (queries.OPTIONS_CHAIN, "options_chains"),
}
CASES = [{"query": name} for name in TABLES]


def _explained(lab: Lab, query: str) -> tuple[Explained, Explained, dict[str, Any]]:
    text, table = TABLES[query]
    market = lab.prepared["market"]
    before = connect(lab, str(market["database"]), "bare")
    after = connect(lab, str(market["database"]))
    values: Sequence[Any] = ()
    if query == "options-chain":
        row = after.execute(
            "SELECT stock_id FROM options_chains GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
        ).fetchone()
        values = row or ()
    facts = {"rows": market["rows"][table], "table": table, "rtt_ms": 0}
    return Explained(before, text, values), Explained(after, text, values), facts


@claim(
    id="D6.{query}.index",
    rows=["D6"],
    title="The {query} query reads no table from end to end",
    source="002 performance testing queries",
    target=exactly(0, "sequential scans"),
    needs=["market"],
    cases=CASES,
)
def by_index(lab: Lab, query: str) -> Plan:
    """Count the sequential scans of its plan."""
    before, after, facts = _explained(lab, query)
    return PlanCount(
        after, lambda plan: len(plan.sequential_scans), "sequential scans", before, facts
    )


@claim(
    id="D6.{query}.time",
    rows=["D6"],
    title="The {query} query executes in under 10 ms",
    source="002 performance testing queries",
    target=at_most(10, "ms"),
    needs=["market"],
    cases=CASES,
)
def in_time(lab: Lab, query: str) -> Plan:
    """Take the server's own execution time."""
    before, after, facts = _explained(lab, query)
    return PlanTime(after, before, facts=facts)


LIMITS = {"activity": 10, "alerts": 20}


@claim(
    id="D6.{query}.rows",
    rows=["D6"],
    title="The {query} query reads exactly as many rows as its LIMIT",
    source="002 performance testing queries",
    target=lambda query: exactly(LIMITS[query], "rows read"),
    needs=["market"],
    cases=[{"query": name} for name in LIMITS],
)
def rows_are_the_limit(lab: Lab, query: str) -> Plan:
    """Count the rows the scans touched."""
    before, after, facts = _explained(lab, query)
    return PlanCount(after, lambda plan: plan.rows_read, "rows read", before, facts)


# The document asks "rows fetched should match LIMIT" of queries that have none; bounded as
# section 4 of it proposes, they can answer.
BOUNDED: dict[str, LiteralString] = {
    "portfolio-history": "LIMIT 1000",
    "options-chain": "LIMIT 100",
}


@claim(
    id="D6.{query}.rows-bounded",
    rows=["D6", "D7"],
    title="The {query} query with a LIMIT reads no more rows than it",
    source="002 performance testing queries, 002.4",
    target=lambda query: at_most(float(BOUNDED[query].split()[1]), "rows read"),
    needs=["market"],
    cases=[{"query": name} for name in BOUNDED],
)
def rows_are_bounded(lab: Lab, query: str) -> Plan:
    """Count the rows the scans touched, the LIMIT added."""
    before, after, facts = _explained(lab, query)
    text: LiteralString = f"{TABLES[query][0]} {BOUNDED[query]}"
    bounded = Explained(after.connection, text, after.parameters)
    return PlanCount(bounded, lambda plan: plan.rows_read, "rows read", before, facts)
