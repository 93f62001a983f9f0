"""pyperf's files: one or several benchmarks, each with the values of many processes.

All values of a benchmark are one sample; its median is kept, with the quartiles. Runs that only
calibrate have no values and are no rows of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median, quantiles
from typing import Any

from perf.history.document import Document
from perf.history.figures import Better, Figure, Imported, Run, Sheet, machine_key, moment, number

NAME = "pyperf"
_UNITS = {"second": "s", "byte": "bytes", "integer": ""}
_TWO = 2


def reads(document: Document) -> bool:
    """Say whether it is a suite: benchmarks that hold runs."""
    raw = document.json
    if not isinstance(raw, dict) or not isinstance(raw.get("benchmarks"), list):
        return False
    return "machine_info" not in raw and all("runs" in one for one in raw["benchmarks"])


def read(document: Document) -> Imported:
    """Return the suite as one run; what all benchmarks share stands beside them."""
    raw, sheet = document.json, Sheet()
    shared = raw.get("metadata") or {}
    for turn, benchmark in enumerate(raw["benchmarks"]):
        facts = {**shared, **(benchmark.get("metadata") or {})}
        name = str(facts.get("name") or f"benchmark {turn}")
        sheet.row(name, _figures(name, facts, benchmark), "none of its runs has a value")
    first = _first(raw["benchmarks"])
    facts = {**first, **shared}
    machine = machine_key(
        facts.get("hostname"), facts.get("cpu_model_name"), facts.get("cpu_count")
    )
    commit = str(facts.get("commit_id") or "")
    started = moment(facts.get("date") or first.get("date")) or document.modified
    return sheet.imported(Run(NAME, (), started, commit, None, machine))


def _figures(name: str, facts: Mapping[str, Any], benchmark: Mapping[str, Any]) -> list[Figure]:
    found = [number(value) for run in benchmark["runs"] for value in run.get("values") or ()]
    values = [value for value in found if value is not None]
    if not values:
        return []
    low, _, high = quantiles(values, n=4) if len(values) >= _TWO else (None, None, None)
    unit = _UNITS.get(str(facts.get("unit", "second")), str(facts.get("unit")))
    return [Figure(name, "median", median(values), unit, Better.LESS, low, high)]


def _first(benchmarks: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the facts of the first process, the only ones that are dated."""
    for benchmark in benchmarks:
        for run in benchmark["runs"]:
            return run.get("metadata") or {}
    return {}
