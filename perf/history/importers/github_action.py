"""github-action-benchmark: the page's `data.js`, the same as JSON, and the list a tool hands in.

The page's data are a whole history, a run a commit, each with the action's date of it. A list is
one run without commit or date; the time the file was written stands for the latter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perf.history.document import Document
from perf.history.figures import (
    DATED,
    Better,
    Figure,
    Imported,
    Run,
    Sheet,
    Skipped,
    around,
    moment,
    number,
    undated,
)

NAME = "github-action-benchmark"
_MORE_TOOLS = {"customBiggerIsBetter", "benchmarkjs", "pytest"}  # these report rates
_LESS_TOOLS = {"customSmallerIsBetter", "cargo", "go", "googlecpp", "julia", "jmh", "catch2"}


def reads(document: Document) -> bool:
    """Say whether it is the page's data, or a list of named values."""
    raw = document.json
    if isinstance(raw, dict):
        return isinstance(raw.get("entries"), dict)
    return (
        isinstance(raw, list)
        and bool(raw)
        and all(isinstance(one, dict) and {"name", "value", "unit"} <= one.keys() for one in raw)
    )


def read(document: Document) -> Imported:
    """Return a run for every commit of every suite."""
    if isinstance(document.json, list):
        sheet = _sheet("", "", document.json)
        return sheet.imported(undated(NAME, document.modified), DATED)
    runs: list[Run] = []
    skipped: list[Skipped] = []
    rows = 0
    for suite, entries in document.json["entries"].items():
        for entry in entries:
            sheet = _sheet(f"{suite}/", str(entry.get("tool") or ""), entry["benches"])
            commit = entry.get("commit") or {}
            started = moment(entry.get("date")) or moment(commit.get("timestamp"))
            one = sheet.imported(Run(NAME, (), started, str(commit.get("id") or "")))
            runs += one.runs
            skipped += one.skipped
            rows += one.rows
    return Imported(NAME, tuple(runs), rows, tuple(skipped))


def _sheet(prefix: str, tool: str, benches: list[Mapping[str, Any]]) -> Sheet:
    sheet = Sheet()
    for bench in benches:
        name = f"{prefix}{bench['name']}"
        value, unit = number(bench.get("value")), str(bench.get("unit") or "")
        figures = []
        if value is not None:
            ends = around(value, bench.get("range"))
            figures = [Figure(name, "value", value, unit, better(tool, unit), *ends)]
        sheet.row(name, figures, f"its value is {bench.get('value')!r}")
    return sheet


def better(tool: str, unit: str) -> Better:
    """Return which way is better: by the unit, which tools of one name differ in, then the tool."""
    if unit.lower().endswith(("/s", "/sec", "/second")):
        return Better.MORE
    if unit.lower().startswith(("ns", "us", "\N{MICRO SIGN}s", "ms", "s/")):
        return Better.LESS
    if tool in _MORE_TOOLS:
        return Better.MORE
    return Better.LESS if tool in _LESS_TOOLS else Better.UNKNOWN
