"""The comparison as JSON: the contract's fields, why each verdict is what it is, and all slices.

Scripts read `benchmarks`; `measured` holds what was measured, so that a file can be judged again by
a later version of the rules and nobody has to trust the summary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from perf.errors import UserError
from perf.gate.outcome import Entry, Outcome
from perf.gate.sample import Broken, Evidence, Measured, Metric, PairSample, Rule, Side

SCHEMA = 1
_STAGES = ("pairs", "confirmation", "control")


class DocumentError(UserError):
    """A file is not a comparison that this version can read."""


def document(result: Outcome, run: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the JSON of a comparison; `run` says when and on what machine it was made."""
    measured = result.measured
    return {
        "schema": SCHEMA,
        **({"run": dict(run)} if run else {}),
        "base": measured.base,
        "head": measured.head,
        "metric": measured.metric.value,
        "complete": measured.complete,
        "duration_s": round(measured.duration_s, 2),
        "noise": _noise(result),
        "benchmarks": [_benchmark(entry) for entry in result.entries],
        "broken": [{"id": b.id, "side": b.side.value, "reason": b.reason} for b in measured.broken],
        "skipped": list(measured.skipped),
        "notes": list(measured.notes),
        "measured": [_evidence(e) for e in measured.evidences],
    }


def _noise(result: Outcome) -> dict[str, Any] | None:
    """Return what base against base showed, and the change that is lost in this run's noise."""
    if result.noise is None:
        return None
    return {
        "limit": _finite(result.limit),
        "control": _finite(result.noise.control),
        "compared": result.noise.compared,
        "pair_variance": _finite(result.noise.variance),
    }


def _benchmark(entry: Entry) -> dict[str, Any]:
    said = entry.judgement
    interval = None if said.interval is None else [_finite(side) for side in said.interval]
    return {
        "id": said.id,
        "verdict": said.verdict.value,
        "change": _finite(said.change),
        "interval": interval,
        "rounds": said.pairs,
        "seconds": round(entry.seconds, 3),
        "base": _finite(said.base),
        "threshold": None if entry.rule is None else entry.rule.threshold,
        "floor": None if entry.rule is None else entry.rule.floor,
        "reason": said.reason,
        "fails": entry.fails,
    }


def _finite(value: float | None) -> float | None:
    """Return a number JSON knows; what is not known is null."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "id": evidence.id,
        **{
            stage: [
                {side: [_finite(x) for x in getattr(pair, side)] for side in ("base", "head")}
                for pair in getattr(evidence, stage)
            ]
            for stage in _STAGES
        },
    }


def restore(saved: Mapping[str, Any]) -> Measured:
    """Return what a comparison's JSON says was measured; DocumentError where it says it not."""
    if saved.get("schema") != SCHEMA:
        raise DocumentError(f"this is no comparison of schema {SCHEMA}; run the gate again")
    try:
        return _restored(saved)
    except (KeyError, TypeError, ValueError) as error:
        raise DocumentError(f"the comparison cannot be read: {error!r}") from error


def _restored(saved: Mapping[str, Any]) -> Measured:
    said = {entry["id"]: entry for entry in saved["benchmarks"]}
    kept: Sequence[Mapping[str, Any]] = saved["measured"]
    return Measured(
        base=saved["base"],
        head=saved["head"],
        metric=Metric(saved["metric"]),
        evidences=tuple(
            Evidence(e["id"], **{stage: _pairs(e[stage]) for stage in _STAGES}) for e in kept
        ),
        rules={e["id"]: Rule(said[e["id"]]["threshold"], said[e["id"]]["floor"]) for e in kept},
        seconds={e["id"]: said[e["id"]]["seconds"] for e in kept},
        only_base=tuple(i for i, entry in said.items() if entry["verdict"] == "only_base"),
        only_head=tuple(i for i, entry in said.items() if entry["verdict"] == "only_head"),
        broken=tuple(Broken(b["id"], Side(b["side"]), b["reason"]) for b in saved["broken"]),
        skipped=tuple(saved["skipped"]),
        notes=tuple(saved["notes"]),
        complete=saved["complete"],
        duration_s=saved["duration_s"],
    )


def _pairs(saved: Sequence[Mapping[str, Sequence[float]]]) -> tuple[PairSample, ...]:
    return tuple(PairSample(tuple(pair["base"]), tuple(pair["head"])) for pair in saved)
