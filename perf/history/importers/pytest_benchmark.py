"""pytest-benchmark's saved runs (`--benchmark-json`, `.benchmarks/`): a file a run.

The median is kept, with the quartiles: means of such runs move with their wild values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perf.history.document import Document
from perf.history.figures import Better, Figure, Imported, Run, Sheet, machine_key, moment, number

NAME = "pytest-benchmark"
_UNVERSIONED = "unversioned"


def reads(document: Document) -> bool:
    """Say whether it is a saved run: benchmarks beside the machine they ran on."""
    return (
        isinstance(document.json, dict) and {"benchmarks", "machine_info"} <= document.json.keys()
    )


def read(document: Document) -> Imported:
    """Return the run."""
    raw, sheet = document.json, Sheet()
    for turn, benchmark in enumerate(raw["benchmarks"]):
        name = str(benchmark.get("fullname") or benchmark.get("name") or f"benchmark {turn}")
        sheet.row(name, _figures(name, benchmark.get("stats") or {}), "it has no median")
    commit = raw.get("commit_info") or {}
    known = str(commit.get("id") or "")
    return sheet.imported(
        Run(
            NAME,
            (),
            moment(raw.get("datetime")) or document.modified,
            "" if known == _UNVERSIONED else known,
            commit.get("dirty"),
            _machine(raw["machine_info"]),
        )
    )


def _figures(name: str, stats: Mapping[str, Any]) -> list[Figure]:
    median = number(stats.get("median"))
    if median is None:
        return []
    low, high = number(stats.get("q1")), number(stats.get("q3"))
    return [Figure(name, "median", median, "s", Better.LESS, low, high)]


def _machine(info: Mapping[str, Any]) -> str:
    cpu = info.get("cpu") or {}
    model = cpu.get("brand_raw") or cpu.get("brand") or info.get("processor")
    return machine_key(info.get("node"), info.get("machine"), model, cpu.get("count"))
