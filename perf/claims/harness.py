"""Row H1: the harness about itself. A thing compared with itself must not look faster.

A 95 % interval excludes 1 by chance in 5 % of A/A comparisons; more than that would be speed-ups
that nobody made.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import psycopg

from perf.claim import Category, Plan, at_least, at_most, claim
from perf.instruments import Arm, Bench, Compare, Count, Counted
from perf.lab.lab import Lab
from perf.stats import CONFIDENCE, summarise
from perf.verdict import Verdict, judge

RUNS = 200


def _works(lab: Lab) -> dict[str, Callable[[], Any]]:
    connection = lab.keep(psycopg.connect(lab.dsn(), autocommit=True))
    numbers = [(i * 7919) % 10_007 for i in range(5_000)]
    return {
        "sorting": lambda: sorted(numbers),
        "round trip": lambda: connection.execute("SELECT 1").fetchone(),
    }


@claim(
    id="H1.comparison.false-alarms",
    rows=["H1"],
    title="Of 200 comparisons of a thing with itself at most 7 % exclude 1: 5 % nominal and 2 %",
    source="card: before and after in one run, with an interval",
    category=Category.RESILIENCE,
    target=at_most(100 * (1 - CONFIDENCE) + 2, "% of intervals"),
    profiles=("full",),
    deadline_s=120,
)
def false_alarms(lab: Lab) -> Plan:
    """Compare two kinds of work with themselves, a hundred times each, on the real clock."""
    works = _works(lab)

    def count() -> Counted:
        excluded, called_faster = dict.fromkeys(works, 0), 0
        for run in range(RUNS):
            kind = list(works)[run % len(works)]
            bench = Bench(rng=Random(run), budget_s=0.08)  # noqa: S311 - decides an order
            arm = Arm(works[kind])
            measurement = Compare(arm, arm, same=lambda *_: True).measure(bench)
            summary = summarise(measurement, seed=str(run))
            excluded[kind] += summary.low > 1 or summary.high < 1
            verdict = judge(at_least(1.05, "x"), measurement, seed=str(run)).verdict
            called_faster += verdict is Verdict.MET
        facts = {"runs": RUNS, "excluded": excluded, "called_5_percent_faster": called_faster}
        return Counted(100 * sum(excluded.values()) / RUNS, facts)

    return Count(count, "% of intervals", repeats=1)
