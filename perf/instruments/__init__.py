"""Instruments: each measures one kind of plan and knows nothing of claims or verdicts."""

from perf.instruments.bench import Bench
from perf.instruments.counts import Count, Counted, Occurrence, Witness
from perf.instruments.memory import Memory
from perf.instruments.plans import ExplainedPlan, PlanCount, PlanTime, explain
from perf.instruments.timing import Arm, Compare, Latency

__all__ = [
    "Arm",
    "Bench",
    "Compare",
    "Count",
    "Counted",
    "ExplainedPlan",
    "Latency",
    "Memory",
    "Occurrence",
    "PlanCount",
    "PlanTime",
    "Witness",
    "explain",
]
