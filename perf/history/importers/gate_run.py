"""A comparison of the gate: `gate.json`, and what `ava-perf gate` keeps by itself.

It is two runs, since it measured two commits: what a call costs at base, and what it costs at head
with the change between them. The change has the gate's interval and verdict; the costs have no
interval, for base and head share their noise and only the change is free of it. A file of before
runs were dated does not say on what machine it was made; the slices it holds tell which run it is.
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
        figures = _figures(one, raw["metric"])
        base.figures += figures[:1]
        head.row(str(one["id"]), figures[1:], _reason(one))
    for broken in raw["broken"]:
        head.row(str(broken["id"]), [], str(broken["reason"]))
    verdicts = {str(one["id"]): str(one["verdict"]) for one in raw["benchmarks"]}
    runs = (
        *base.imported(_run(document, "base", {})).runs,
        *head.imported(_run(document, "head", verdicts)).runs,
    )
    notes = () if raw.get("run") else (DATED,)
    return Imported(NAME, runs, head.rows, tuple(head.skipped), notes)


def _figures(one: Mapping[str, Any], metric: str) -> list[Figure]:
    """Return what a call costs at base and at head, and the change; nothing without a change."""
    base, change = number(one["base"]), number(one["change"])
    if base is None or change is None:
        return []
    name, unit = str(one["id"]), _UNITS[metric]
    ends = (number(end) for end in one["interval"] or (None, None))
    low, high = (None if end is None else 100 * end for end in ends)
    return [
        Figure(name, _named("base", metric), base, unit, Better.LESS),
        Figure(name, _named("head", metric), base * (1 + change), unit, Better.LESS),
        Figure(name, _named("change", metric), 100 * change, "%", Better.LESS, low, high),
    ]


def _reason(one: Mapping[str, Any]) -> str:
    """Return why a benchmark has no figures."""
    grew = number(one["base"]) == 0
    return "it cost nothing at base, so its change has no size" if grew else str(one["reason"])


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
