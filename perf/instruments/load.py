"""Load: what a service does under a scenario's traffic, measured by one of its figures.

A claim names the figure as a threshold does: a percentile, the share of errors or hits, memory.
`Load` runs the scenario; `Loaded` reads a run that a preparation made, since several claims about
one run are one run. A run that is not valid becomes a failure with its reasons, so that a generator
without breath is never taken for a slow service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from perf.demonstration import Service
from perf.instruments.bench import Bench
from perf.lab.guard import Guard
from perf.load.curves import curves
from perf.load.result import Result, load
from perf.load.run import Order, run
from perf.load.scenario import Threshold
from perf.sample import Measurement

_TABLE = ("request", "phase", "sent", "errors", "p50_ms", "p95_ms", "p99_ms", "lag_p99_ms")


@dataclass(frozen=True, slots=True)
class Load:
    """Run the order against the service and measure what the threshold is about.

    With `curves` the evidence has the run's curves, for a report to draw.
    """

    order: Order
    service: Service
    threshold: Threshold
    curves: bool = True

    def measure(self, bench: Bench) -> Measurement:  # noqa: ARG002 - the run has its own clock
        """Run and measure."""
        return measure(put_on(self.order, self.service), self.threshold, shown=self.curves)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Measure what the threshold is about in the run that was saved at `path` (`save`)."""

    path: Path
    threshold: Threshold
    curves: bool = False

    def measure(self, bench: Bench) -> Measurement:  # noqa: ARG002 - nothing is timed here
        """Read and measure."""
        return measure(load(self.path), self.threshold, shown=self.curves)


def put_on(order: Order, service: Service) -> Result:
    """Run the order against the service, in a guard of its own; raise as `run` does."""
    with Guard() as guard:
        return run(order, service, guard)


def save(result: Result, path: Path) -> Mapping[str, Any]:
    """Write a run where `Loaded` finds it; return what a preparation hands on."""
    path.write_text(json.dumps(result.to_json()), encoding="utf-8")
    return {"result": str(path)}


def measure(result: Result, threshold: Threshold, *, shown: bool = False) -> Measurement:
    """Return the figure of a run that a threshold is about, with its evidence."""
    asked = replace(result, thresholds=(threshold,))  # too few of what is not asked is no matter
    found = asked.measured(threshold, asked.reasons())
    return replace(found, facts={**found.facts, **_evidence(asked, threshold, shown=shown)})


def _evidence(result: Result, threshold: Threshold, *, shown: bool) -> dict[str, Any]:
    drawn = curves(result)
    rows = [
        [one[name] for name in _TABLE]
        for one in drawn["requests"]
        if threshold.phase in {None, one["phase"]} and threshold.request in {None, one["request"]}
    ]
    facts: dict[str, Any] = {
        "scenario": result.scenario["title"],
        "model": result.generator.model,
        "requests_sent": drawn["counts"]["sent"],
        "counted_by_server": result.counted,
        "response_times": {"columns": [name.replace("_", " ") for name in _TABLE], "rows": rows},
        "invalid_because": list(drawn["reasons"]) or "the run is valid",
    }
    return {**facts, "load": drawn} if shown else facts
