"""hyperfine's `--export-json`: a result a command.

A command that failed was timed failing, which is no figure of what it does; it is skipped. The
file has no date of its own: the time it was written stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median, quantiles
from typing import Any

from perf.history.document import Document
from perf.history.figures import DATED, Better, Figure, Imported, Sheet, number, undated
from perf.redact import redact

NAME = "hyperfine"
_TWO = 2


def reads(document: Document) -> bool:
    """Say whether it holds results that each have a command and a mean."""
    raw = document.json
    if not isinstance(raw, dict) or not isinstance(raw.get("results"), list):
        return False
    return bool(raw["results"]) and all(
        isinstance(one, dict) and {"command", "mean"} <= one.keys() for one in raw["results"]
    )


def read(document: Document) -> Imported:
    """Return the commands as one run."""
    sheet = Sheet()
    for result in document.json["results"]:
        name = _name(result)
        failed = sorted({str(code) for code in result.get("exit_codes") or () if code != 0})
        if failed:
            sheet.row(name, [], f"it ended with code {', '.join(failed)}")
        else:
            sheet.row(name, _figures(name, result), "it has no times")
    return sheet.imported(undated(NAME, document.modified), DATED)


def _name(result: Mapping[str, Any]) -> str:
    parameters = result.get("parameters") or {}
    chosen = ", ".join(f"{key}={value}" for key, value in sorted(parameters.items()))
    command = redact(str(result["command"]))
    return f"{command} [{chosen}]" if chosen and chosen not in command else command


def _figures(name: str, result: Mapping[str, Any]) -> list[Figure]:
    times = [time for time in map(number, result.get("times") or ()) if time is not None]
    if len(times) >= _TWO:
        low, _, high = quantiles(times, n=4)
        return [Figure(name, "median", median(times), "s", Better.LESS, low, high)]
    for metric in ("median", "mean"):
        value = number(result.get(metric))
        if value is not None:
            return [Figure(name, metric, value, "s", Better.LESS)]
    return []
