"""k6's summaries: what `handleSummary` is given, and the older `--summary-export`.

Which way is better is known of k6's own metrics only. Checks are kept by the share that passed.
Neither form has a date: the time the file was written stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from perf.history.document import Document
from perf.history.figures import DATED, Better, Figure, Imported, Sheet, number, undated

NAME = "k6 summary"
_TIMES = ("med", "p(90)", "p(95)", "p(99)")
_MORE = {"checks", "http_reqs", "iterations"}
_LESS = {"http_req_failed", "dropped_iterations"}
_DATA = {"data_sent", "data_received"}


def reads(document: Document) -> bool:
    """Say whether it holds metrics by name, each an object."""
    raw = document.json
    metrics = raw.get("metrics") if isinstance(raw, dict) else None
    return (
        isinstance(metrics, dict)
        and bool(metrics)
        and all(isinstance(metric, dict) for metric in metrics.values())
    )


def read(document: Document) -> Imported:
    """Return the summary as one run."""
    raw, sheet = document.json, Sheet()
    for name, metric in raw["metrics"].items():
        reason = "it has none of the values that are kept"
        sheet.row(name, _figures(name, metric), reason)
    for check in _checks(raw.get("root_group") or {}):
        name = f"check {check.get('path') or check['name']}"
        sheet.row(name, _passed(name, check), "it never ran")
    return sheet.imported(undated(NAME, document.modified), DATED)


def _figures(name: str, metric: Mapping[str, Any]) -> list[Figure]:
    values = metric.get("values", metric)  # the older form has them in place
    stem = name.partition("{")[0]
    if "med" in values:
        unit, better = ("ms", Better.LESS) if _is_time(stem, metric) else ("", Better.UNKNOWN)
        return _known(name, values, _TIMES, unit, better)
    if "passes" in values:
        return _known(name, _percent(values), ("rate",), "%", _better(stem))
    if "count" in values:
        unit = "bytes/s" if stem in _DATA else "/s"
        return _known(name, values, ("rate",), unit, _better(stem))
    return _known(name, values, ("max", "value"), "", Better.UNKNOWN)


def _known(
    name: str, values: Mapping[str, Any], metrics: tuple[str, ...], unit: str, better: Better
) -> list[Figure]:
    return [
        Figure(name, metric, value, unit, better)
        for metric in metrics
        if (value := number(values.get(metric))) is not None
    ]


def _percent(values: Mapping[str, Any]) -> dict[str, Any]:
    share = number(values.get("rate", values.get("value")))
    return {"rate": None if share is None else 100 * share}


def _is_time(stem: str, metric: Mapping[str, Any]) -> bool:
    own = stem.startswith(("http_req_", "ws_", "grpc_req_", "iteration_duration", "group_duration"))
    return metric.get("contains") == "time" or ("contains" not in metric and own)


def _better(stem: str) -> Better:
    if stem in _MORE:
        return Better.MORE
    return Better.LESS if stem in _LESS else Better.UNKNOWN


def _checks(group: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the checks of a group and of those within; both are lists or objects by name."""
    yield from _listed(group.get("checks"))
    for inner in _listed(group.get("groups")):
        yield from _checks(inner)


def _listed(found: Any) -> list[Mapping[str, Any]]:
    return list(found.values()) if isinstance(found, dict) else list(found or ())


def _passed(name: str, check: Mapping[str, Any]) -> list[Figure]:
    passes, fails = number(check.get("passes")), number(check.get("fails"))
    if passes is None or fails is None or not passes + fails:
        return []
    return [Figure(name, "passed", 100 * passes / (passes + fails), "%", Better.MORE)]
