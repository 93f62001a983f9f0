"""A comparison of the gate: `gate.json`, and what `ava-perf gate` keeps by itself.

It is two runs, since it measured two commits: what a call costs at base, and what it costs at head
with the change between them. The change has the gate's interval and verdict; the costs have no
interval, for base and head share their noise and only the change is free of it. A file does not say
on what machine it was made; the slices it holds tell which run it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from perf.history.document import Document
from perf.history.figures import (
    DATED,
    UNKNOWN_MACHINE,
    Better,
    Figure,
    Imported,
    Run,
    Sheet,
    moment,
    number,
)

NAME = "gate"
WALL = "wall"  # the metric that needs no naming
_UNITS = {"wall": "s", "cpu": "s", "instructions": "instructions", "memory": "B"}
_COMMIT = re.compile(r"(?:.*\()?([0-9a-f]{7,40})\)?")
_UNCOMMITTED = "working tree on "


def reads(document: Document) -> bool:
    """Say whether it is a comparison of two revisions with its slices."""
    raw = document.json
    return isinstance(raw, dict) and {"base", "head", "benchmarks", "measured"} <= raw.keys()


def read(document: Document) -> Imported:
    """Return the run of base and that of head; what was not compared is skipped by name."""
    raw = document.json
    base, head = Sheet(), Sheet()
    for one in raw["benchmarks"]:
        costs, change = _costs(one, raw["metric"]), _change(one, raw["metric"])
        base.figures += costs[:1]
        head.row(str(one["id"]), [*costs[1:], *change], str(one["reason"]))
    for broken in raw["broken"]:
        head.row(str(broken["id"]), [], str(broken["reason"]))
    verdicts = {str(one["id"]): str(one["verdict"]) for one in raw["benchmarks"]}
    runs = (
        *base.imported(_run(document, "base", {})).runs,
        *head.imported(_run(document, "head", verdicts)).runs,
    )
    notes = () if raw.get("run") else (DATED,)
    return Imported(NAME, runs, head.rows, tuple(head.skipped), notes)


def _costs(one: Mapping[str, Any], metric: str) -> list[Figure]:
    """Return what a call costs at base, and at head where a change is known."""
    base, change, unit = number(one["base"]), number(one["change"]), _UNITS[metric]
    if base is None:
        return []
    costs = [("base", base)] if change is None else [("base", base), ("head", base * (1 + change))]
    return [
        Figure(str(one["id"]), _named(side, metric), cost, unit, Better.LESS)
        for side, cost in costs
    ]


def _change(one: Mapping[str, Any], metric: str) -> list[Figure]:
    change = number(one["change"])
    if change is None:
        return []
    ends = (number(end) for end in one["interval"] or (None, None))
    low, high = (None if end is None else 100 * end for end in ends)
    name = _named("change", metric)
    return [Figure(str(one["id"]), name, 100 * change, "%", Better.LESS, low, high)]


def _named(what: str, metric: str) -> str:
    return what if metric == WALL else f"{metric} {what}"


def _run(document: Document, side: str, verdicts: Mapping[str, str]) -> Run:
    raw = document.json
    label, run = str(raw[side]), raw.get("run") or {}
    commit = _COMMIT.fullmatch(label)
    return Run(
        NAME,
        (),
        moment(run.get("started")) or document.modified,
        commit[1] if commit else "",
        label.startswith(_UNCOMMITTED) if commit else None,
        run.get("machine") or UNKNOWN_MACHINE,
        dated=bool(run),
        verdicts=verdicts,
        known=[side, *(raw[key] for key in ("base", "head", "metric", "duration_s", "measured"))],
    )
