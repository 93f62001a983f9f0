"""A load run of this harness: `load.json`, and what `ava-perf load` keeps by itself.

A name says what was asked and at which rate or by how many users, and the kind what was loaded:
figures of another load are another series. Warm-ups are left out, as they are of the run's own
judgement. A run that its generator could not make honestly, or that did not go on to its end, is
refused with the reason. Of a search for the capacity the answer is kept and not the runs, each of
which had a rate of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from perf.history.document import Document, NotReadableError
from perf.history.figures import (
    UNKNOWN_MACHINE,
    Better,
    Figure,
    Imported,
    Run,
    Sheet,
    moment,
    number,
)
from perf.load.histogram import Reading
from perf.load.recording import Recording, Series

NAME = "load run"
_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def reads(document: Document) -> bool:
    """Say whether it is a load run."""
    return isinstance(document.json, dict) and document.json.get("kind") == "load"


def read(document: Document) -> Imported:
    """Return a figure of each sort for every request of every phase, or the capacity alone."""
    raw = document.json
    sheet = _searched(document) if raw.get("capacity") else _asked(document)
    run, environment = raw.get("run") or {}, raw.get("environment") or {}
    started = moment(run.get("started"))
    imported = sheet.imported(
        Run(
            f"{NAME} of {run['subject']}" if run.get("subject") else NAME,
            (),
            started or document.modified,
            run.get("commit") or "",
            run.get("dirty"),
            environment.get("machine") or UNKNOWN_MACHINE,
            dated=bool(started),
        )
    )
    return replace(imported, format=NAME)


def _searched(document: Document) -> Sheet:
    """Return the capacity that was found; raise NotReadableError where none is sure."""
    sheet, found = Sheet(), document.json["capacity"]
    low, high = number(found["low"]), number(found["high"])
    if low is None or not found["sure"]:
        raise NotReadableError(f"{document.name} is a search that is not sure: {found['why']}")
    name = str(document.json["scenario"]["name"])
    sheet.row(name, [Figure(name, "capacity", low, "req/s", Better.MORE, low, high)])
    return sheet


def _asked(document: Document) -> Sheet:
    """Return the requests of a run; raise NotReadableError where it is not what it should be."""
    raw, sheet = document.json, Sheet()
    if not raw["validity"]["valid"]:
        why = "; ".join(map(str, raw["validity"]["reasons"]))
        raise NotReadableError(f"{document.name} is a run that is not valid: {why}")
    if raw.get("broken"):
        raise NotReadableError(f"{document.name} is a run that a broken bound ended early")
    scenario = raw["scenario"]
    for key, series in Recording.from_json(raw["recordings"]).series.items():
        name = f"{scenario['name']}/{key.phase}/{key.request}{_load_of(scenario, key.phase)}"
        if key.warmup:
            sheet.row(name, [], "it is the warm-up's")
        else:
            sheet.row(name, _figures(name, series), "no request of it ended")
    return sheet


def _load_of(scenario: Mapping[str, Any], phase: str) -> str:
    """Return the load of a phase as it ends a name; empty where it is not known."""
    rates = {one["name"]: one.get("rate") for one in scenario.get("phases") or ()}
    if rates.get(phase):
        return f" at {rates[phase]:.4g}/s"
    return f" by {scenario['users']} users" if scenario.get("users") else ""


def _figures(name: str, series: Series) -> list[Figure]:
    if not series.finished:
        return []
    found = [
        Figure(name, metric, reading.estimate / 1000, "ms", Better.LESS, *_bounds(reading))
        for metric, q in _QUANTILES
        if (reading := series.reading(q)) is not None
    ]
    failed = 100 * series.failed / series.finished
    return [*found, Figure(name, "failed", failed, "%", Better.LESS)]


def _bounds(reading: Reading) -> tuple[float | None, float | None]:
    low, high = reading.low / 1000, reading.high / 1000
    return (low if math.isfinite(low) else None), (high if math.isfinite(high) else None)
