"""Build the results of a run, and the folder that shows them.

`results` is the one document everything else is rendered from; the raw measurements lie beside it,
so `rejudge` can judge again what was measured, and nothing needs measuring to be shown again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perf import history
from perf.claim import Claim, Target, TargetKind
from perf.errors import UserError
from perf.files import replace_folder
from perf.report.html import render_html, style
from perf.report.junit import render_junit
from perf.report.text import render_markdown
from perf.runner import Measured
from perf.sample import Kind, Measurement
from perf.verdict import Judgement, judge

SCHEMA = 1
MARKER = "results.json"
STYLESHEET = "report.css"
_SHOWN_SAMPLES = 200  # of each series; all of them are in measurements/


class RunError(UserError):
    """A saved run cannot be read; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A measured claim with its verdict."""

    measured: Measured
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Baseline:
    """What this run is compared with: the runs of the same machine and profile, oldest first."""

    runs: tuple[Mapping[str, Any], ...] = ()

    @property
    def last(self) -> Mapping[str, Any] | None:
        """The newest of them."""
        return self.runs[-1] if self.runs else None


def results(
    run: Mapping[str, Any],
    environment: Mapping[str, Any],
    judged: Sequence[Judged],
    baseline: Baseline,
) -> dict[str, Any]:
    """Return the results document of the contract."""
    entries = [_entry(item, run["profile"], baseline) for item in judged]
    last = baseline.last
    return {
        "schema": SCHEMA,
        "run": dict(run),
        "environment": dict(environment),
        "baseline": None if last is None else _baseline(last),
        "results": entries,
        "targets_changed": [] if last is None else history.targets_changed(last, entries),
        "vanished": _vanished(last, entries) if run["selection"] is None else [],
    }


def _entry(judged: Judged, profile: str, baseline: Baseline) -> dict[str, Any]:
    claim = judged.measured.claim
    entry = {
        "id": claim.id,
        "rows": list(claim.rows),
        "title": claim.title,
        "category": str(claim.category),
        "source": claim.source,
        "target": _target(claim.target),
        **_figures(judged.judgement),
        "evidence": _evidence(judged, profile),
    }
    last = baseline.last
    then = None if last is None else last["results"].get(claim.id)
    return {
        **entry,
        "change": history.change(then, entry),
        "trend": history.trend(baseline.runs, claim.id),
    }


def _figures(judgement: Judgement) -> dict[str, Any]:
    """Return the judged part of an entry: what `check` computes again."""
    interval = judgement.interval
    return {
        "verdict": str(judgement.verdict),
        "estimate": judgement.estimate,
        "interval": None if interval is None else [_finite(end) for end in interval],
        "unit": judgement.unit,
        "n": judgement.n,
        "reason": judgement.reason,
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity: an open end of an interval is null."""
    return value if math.isfinite(value) else None


def _target(target: Target) -> dict[str, Any]:
    return {"kind": str(target.kind), "bound": target.bound, "unit": target.unit}


def _evidence(judged: Judged, profile: str) -> dict[str, Any]:
    measured, measurement = judged.measured, judged.measured.measurement
    claim = measured.claim
    return {
        "kind": str(measurement.kind),
        "estimator": judged.judgement.estimator,
        "equal": measurement.equal,
        "warnings": list(measurement.warnings),
        "cure": measurement.cure,
        "samples": _samples(measurement),
        "facts": dict(measurement.facts),
        "case": dict(claim.case),
        "measurement": f"measurements/{measured.key}.json",
        "duration_s": round(measured.duration_s, 3),
        "reproduce": f"ava-perf audit -k {claim.id} --profile {profile}",
    }


def _samples(measurement: Measurement) -> dict[str, list[float]]:
    """Return what may be drawn; the buckets of a distribution mean nothing one by one."""
    if measurement.kind is Kind.DISTRIBUTION:
        return {}
    return {name: _thin(values) for name, values in measurement.samples.items()}


def _thin(values: Sequence[float]) -> list[float]:
    """Return evenly spaced samples, four digits each: enough to draw, small enough to embed."""
    step = max(1, math.ceil(len(values) / _SHOWN_SAMPLES))
    return [float(f"{value:.4g}") for value in values[::step]]


def _baseline(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": run["run"],
        **{key: run.get(key) for key in ("commit", "started", "machine", "noise")},
    }


def _vanished(last: Mapping[str, Any] | None, entries: Iterable[Mapping[str, Any]]) -> list[str]:
    if last is None or not last.get("complete"):
        return []
    return sorted(set(last["results"]) - {entry["id"] for entry in entries})


def write(
    folder: Path,
    document: Mapping[str, Any],
    measured: Iterable[Measured],
    beside: Mapping[str, str] | None = None,
) -> None:
    """Write the report's folder, replacing the one there in one step.

    `beside` are further files by name.
    """
    measurements = {item.key: item.measurement for item in measured}

    def fill(fresh: Path) -> None:
        (fresh / "measurements").mkdir()
        for key, measurement in measurements.items():
            path = fresh / "measurements" / f"{key}.json"
            path.write_text(measurement.to_json(), encoding="utf-8")
        for name, text in (beside or {}).items():
            (fresh / name).write_text(text, encoding="utf-8")
        render(fresh, document)

    replace_folder(folder, fill)


def render(folder: Path, document: Mapping[str, Any], *, split_assets: bool = False) -> None:
    """Write the results and what is rendered from them alone.

    With `split_assets` the page's style is a file beside it, for servers that allow no other.
    """
    if split_assets:
        (folder / STYLESHEET).write_text(style(), encoding="utf-8")
    texts = {
        MARKER: json.dumps(document, indent=1),
        "index.html": render_html(document, stylesheet=STYLESHEET if split_assets else None),
        "report.md": render_markdown(document),
        "junit.xml": render_junit(document),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def load(folder: Path) -> dict[str, Any]:
    """Read the results of a saved run; raise RunError when there is none or it is not ours."""
    path = folder / MARKER if folder.is_dir() else folder
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise RunError(f"{path} is not a run of schema {SCHEMA}")
    return document


def rejudge(folder: Path, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Judge the saved measurements again, by the targets and noise saved with them.

    Returns the entries with their judged part computed anew.
    """
    base = folder if folder.is_dir() else folder.parent
    noise = document["environment"]["noise"] or 0.0
    return [{**entry, **_judge_again(base, entry, noise)} for entry in document["results"]]


def _judge_again(base: Path, entry: Mapping[str, Any], noise: float) -> dict[str, Any]:
    path = base / entry["evidence"]["measurement"]
    try:
        measurement = Measurement.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{path} is not a measurement: {error}") from error
    target = entry["target"]
    return _figures(
        judge(
            Target(TargetKind(target["kind"]), target["bound"], target["unit"]),
            measurement,
            seed=entry["id"],
            noise=noise,
        )
    )


def as_dict(claim: Claim) -> dict[str, Any]:
    """Return what `list --json` prints of a claim."""
    return {
        "id": claim.id,
        "rows": list(claim.rows),
        "title": claim.title,
        "category": str(claim.category),
        "source": claim.source,
        "target": asdict(claim.target),
        "profiles": list(claim.profiles),
    }
