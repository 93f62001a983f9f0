"""Row H3: whether the load generator tells the truth, at servers whose behaviour is known.

A figure of a load test is worth as much as its generator is honest. Truth comes from the server's
own count, from delays that it was told to have, and from a witness that shares no code with the
generator. Each claim runs the generator as `ava-perf load` does; `perf.experiments.load_truth`
repeats the same trials more often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perf.claim import Category, Plan, at_least, at_most, claim, exactly
from perf.experiments.load_truth import trials
from perf.experiments.load_truth.trials import Trial
from perf.experiments.load_truth.truth import Held, worst
from perf.instruments import Count, Counted
from perf.lab import Unavailable
from perf.lab.guard import Guard
from perf.lab.lab import Lab

RUNS = 2  # of the verdicts on runs; the experiment makes twenty
_SOURCE = "card: load scenarios with thresholds; the figure is a product target"


def _count(lab: Lab, unit: str, run: Callable[[Guard], Counted]) -> Plan:
    """Count once, in the care of a guard that ends what was started."""
    guard = lab.keep(Guard())
    return Count(lambda: run(guard), unit, repeats=1)


def _valid(trial: Trial) -> Trial:
    """Return the trial; raise Unavailable where its run is invalid and its figures mean nothing."""
    if trial.reasons:
        raise Unavailable("the run is invalid: " + "; ".join(trial.reasons))
    return trial


def _table(compared: tuple[Held, ...]) -> dict[str, Any]:
    rows = [[one.name, round(one.truth_ms, 3), round(one.told_ms, 3)] for one in compared]
    return {"columns": ["figure", "truth, ms", "told, ms"], "rows": rows}


@claim(
    id="H3.truth.stall",
    rows=["H3"],
    profiles=("full",),
    title="Where a server stops 1 s in every 5, all percentiles are true to 10 % or 5 ms",
    source=_SOURCE,
    target=at_most(100, "% of the tolerance"),
    category=Category.LATENCY,
)
def stall(lab: Lab) -> Plan:
    """Let a witness see two stalls, then our generator."""
    unit = "% of the tolerance"

    def run(guard: Guard) -> Counted:
        trial = _valid(trials.stall(guard, seconds=10.0))
        facts = {
            "before": "an independent witness: an open loop over raw sockets",
            "after": "our generator, 200 requests a second; the figure is the worst percentile's",
            "table": _table(trial.compared),
            **trial.facts,
        }
        return Counted(100 * worst(trial.compared).used, facts)

    return _count(lab, unit, run)


@claim(
    id="H3.truth.tail",
    rows=["H3"],
    profiles=("full",),
    title="Where 2 % of the answers take 200 ms, the percentiles of those are within 2 % of it",
    source=_SOURCE,
    target=at_most(2, "% off the delay"),
    category=Category.LATENCY,
)
def tail(lab: Lab) -> Plan:
    """Ask a server that has these delays, and look at the percentiles that fall into its tail."""

    def run(guard: Guard) -> Counted:
        trial = _valid(trials.tail(guard, seconds=6.0))
        slow = tuple(one for one in trial.compared if one.truth_ms >= 200)
        facts = {
            "before": "the delays that the server was told to have",
            "after": "1,200 requests in six seconds, the worst of p99 and p99.5",
            "table": _table(trial.compared),
            **trial.facts,
        }
        return Counted(max(100 * one.off_ms / one.truth_ms for one in slow), facts)

    return _count(lab, "% off the delay", run)


@claim(
    id="H3.truth.resolution",
    rows=["H3"],
    profiles=("full",),
    title="Delays of 0.3 and 0.6 ms are told apart by at least 0.2 ms",
    source=_SOURCE,
    target=at_least(0.2, "ms apart"),
    category=Category.LATENCY,
)
def resolution(lab: Lab) -> Plan:
    """Ask one server for both by turns, a difference below Locust's own millisecond."""

    def run(guard: Guard) -> Counted:
        trial = _valid(trials.apart(guard))
        one, two = trial.compared
        facts = {
            "after": "the medians of 500 requests each, of one run",
            "table": _table(trial.compared),
            **trial.facts,
        }
        return Counted(two.told_ms - one.told_ms, facts)

    return _count(lab, "ms apart", run)


@claim(
    id="H3.truth.workers",
    rows=["H3"],
    profiles=("full",),
    title="Two workers lose no request, and no percentile differs from that of all samples",
    source=_SOURCE,
    target=exactly(0, "differences"),
    category=Category.SCALABILITY,
)
def workers(lab: Lab) -> Plan:
    """Count what the server, the workers and their raw samples disagree in."""

    def run(guard: Guard) -> Counted:
        trial = trials.shared(guard)
        outside = [one.name for one in trial.compared if one.used > 1]
        raw, counted = trial.facts["raw_samples"], trial.counted or 0
        facts = {
            "sent": trial.sent,
            "counted_by_server": counted,
            "raw_samples": raw,
            "percentiles_outside_resolution": outside,
            "table": _table(trial.compared),
        }
        return Counted(abs(trial.sent - counted) + abs(trial.sent - raw) + len(outside), facts)

    return _count(lab, "differences", run)


@claim(
    id="H3.validity.starved",
    rows=["H3"],
    profiles=("full",),
    title="A generator asked for far more than it can send is never believed",
    source=_SOURCE,
    target=exactly(0, "runs called valid"),
    category=Category.RESILIENCE,
    deadline_s=90,
)
def starved(lab: Lab) -> Plan:
    """Ask for 50,000 requests a second of a server that answers at once."""

    def run(guard: Guard) -> Counted:
        found = [trials.starved(guard) for _ in range(RUNS)]
        return Counted(sum(not trial.reasons for trial in found), _said(found))

    return _count(lab, "runs called valid", run)


@claim(
    id="H3.validity.slow",
    rows=["H3"],
    profiles=("full",),
    title="A slow server is never mistaken for a starved generator",
    source=_SOURCE,
    target=exactly(0, "runs called invalid"),
    category=Category.RESILIENCE,
    deadline_s=90,
)
def slow(lab: Lab) -> Plan:
    """Ask servers that stall, queue or take long, no more than the generator can well do."""

    def run(guard: Guard) -> Counted:
        found = [trials.slow(guard, behaviour) for _, behaviour in trials.SLOW[:RUNS]]
        return Counted(sum(bool(trial.reasons) for trial in found), _said(found))

    return _count(lab, "runs called invalid", run)


def _said(found: list[Trial]) -> dict[str, Any]:
    rows = [[one.sent, "; ".join(one.reasons) or "valid"] for one in found]
    return {"runs": len(found), "table": {"columns": ["sent", "called"], "rows": rows}}
