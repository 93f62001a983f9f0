"""A load run judged: its thresholds as entries of a results document, and the report's folder.

A threshold is written down as a claim is, so the page, the text, JUnit and `ava-perf check` read
both alike; its measurement lies beside the results and can be judged again. The run as a whole
(its curves, its validity) is under `load` of the same document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perf import environment
from perf.claim import Category, Claim
from perf.load.compare import caveats, compare, rows
from perf.load.curves import curves
from perf.load.result import NAME, Result
from perf.load.scenario import Metric, Threshold
from perf.load.thresholds import judged, target_of, title_of
from perf.report import build
from perf.runner import Measured
from perf.verdict import Verdict

if TYPE_CHECKING:
    from perf.load.searching import Capacity

_CATEGORIES = {
    Metric.ERROR_RATE: Category.RESILIENCE,
    Metric.THROUGHPUT: Category.THROUGHPUT,
    Metric.HIT_RATE: Category.CACHING,
    Metric.MEMORY: Category.RESOURCES,
}


def judge(result: Result) -> list[build.Judged]:
    """Judge every threshold of a run."""
    reasons = result.reasons()
    return [_judge(one, result, reasons) for one in result.thresholds]


def _judge(threshold: Threshold, result: Result, reasons: Sequence[str]) -> build.Judged:
    claim = _claim(threshold, result)
    measurement = result.measured(threshold, reasons)
    judgement = judged(threshold, measurement, seed=claim.id)
    if threshold in result.broken and judgement.verdict is Verdict.MISSED:
        judgement = replace(judgement, reason=f"{judgement.reason}; the run was ended for it")
    return build.Judged(Measured(claim, measurement, claim.id, 0.0), judgement)


def verdicts(entries: Sequence[build.Judged], reasons: Sequence[str]) -> list[Verdict]:
    """Return the verdicts a run's exit code comes from; an invalid run counts without any."""
    found = [one.judgement.verdict for one in entries]
    return [*found, Verdict.NOT_MEASURED] if reasons else found or [Verdict.MET]


def document(
    result: Result,
    entries: Sequence[build.Judged],
    run: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the results document of a load run."""
    whole = build.results(run, facts, entries, build.Baseline())
    for entry in whole["results"]:
        entry["evidence"]["reproduce"] = run["command"]
    return {**whole, "load": curves(result)}


@dataclass(frozen=True, slots=True)
class Further:
    """What was found beside the thresholds: data for the report, lines for the terminal."""

    data: Mapping[str, Any]
    lines: tuple[str, ...]


def further(result: Result, capacity: Capacity | None, earlier: Result | None) -> Further:
    """Return what a search for the capacity or a comparison with an earlier run found."""
    data: dict[str, Any] = {}
    lines: list[str] = []
    if capacity is not None:
        data["capacity"] = capacity.to_json()
        lines.append(str(capacity))
    if earlier is not None:
        found = compare(earlier, result)
        data["compared"] = {"rows": rows(found), "caveats": caveats(earlier, result)}
        lines += [f"compared: {caveat}" for caveat in data["compared"]["caveats"]]
        lines += [str(one) for one in found]
    return Further(data, tuple(lines))


def run_facts(
    root: Path, result: Result, started: datetime, duration_s: float, command: str
) -> dict[str, Any]:
    """Return what the document says of the run itself."""
    revision = environment.revision(root)
    return {
        "id": f"{started:%Y%m%dT%H%M%S}-load-{result.name}",
        "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "duration_s": round(duration_s, 1),
        "profile": "load",
        "commit": revision.commit,
        "branch": revision.branch,
        "dirty": revision.dirty,
        "command": command,
        "selection": None,
        "planned": len(result.thresholds),
    }


def write(
    folder: Path, result: Result, entries: Sequence[build.Judged], whole: Mapping[str, Any]
) -> None:
    """Write the report's folder, with the run itself beside it."""
    raw = json.dumps(file_of(result, whole))
    build.write(folder, whole, [one.measured for one in entries], {NAME: raw})


def file_of(result: Result, whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run as its file has it: with when, on which commit and machine it was made."""
    return {
        **result.to_json(),
        "run": whole["run"],
        "environment": {"machine": whole["environment"]["machine"]},
        "capacity": whole["load"].get("capacity"),
    }


def _claim(threshold: Threshold, result: Result) -> Claim:
    parts = [result.name, threshold.phase, threshold.request, threshold.metric]
    words = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts if part]
    return Claim(
        id=".".join(["load", *words]),
        rows=(),
        title=title_of(threshold),
        source=f"scenario {result.name}",
        category=_CATEGORIES.get(threshold.metric, Category.LATENCY),
        target=target_of(threshold),
        body=_planned_by_the_scenario,
    )


def _planned_by_the_scenario(*_: Any) -> Any:
    raise RuntimeError("a threshold is measured by its scenario's run")
