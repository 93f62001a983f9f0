"""Thresholds and figures as words: what `[tool.ava-perf.load]` and the command line say.

    p95 <= 100 ms
    p99 <= 500 ms, request=portfolio, phase=steady
    error_rate <= 0 %, abort

A file of a user's own has no other place for them; to a scenario they are added.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from perf.claim import TargetKind
from perf.demonstration import Figures
from perf.errors import UserError
from perf.load.scenario import Metric, Threshold

_RULE = re.compile(r"(\w+)\s*(<=|>=)\s*(\d+(?:\.\d+)?)\s*(\S*)")
_KINDS = {"<=": TargetKind.AT_MOST, ">=": TargetKind.AT_LEAST}
_UNITS = {
    Metric.ERROR_RATE: "%",
    Metric.HIT_RATE: "%",
    Metric.THROUGHPUT: "req/s",
    Metric.MEMORY: "MB",
}


class WantedError(UserError):
    """A threshold or a figure is worded wrongly; the message shows how it is done."""


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """Settings of `[tool.ava-perf.load]`.

    `headers` is a JSON object of secrets and belongs in the environment (AVA_PERF_LOAD_HEADERS).
    The names from `metrics_path` on say where a service under --host tells its figures.
    """

    out: str = "reports/load"
    thresholds: tuple[str, ...] = ()
    headers: str = ""
    metrics_path: str = ""
    requests_metric: str = ""
    aside: str = ""
    hits_metrics: tuple[str, ...] = ()
    misses_metrics: tuple[str, ...] = ()
    loop_lag_metric: str = ""

    def figures(self) -> Figures | None:
        """Return where the service tells its figures; None where nothing was said."""
        if not self.metrics_path:
            return None
        return Figures(
            path=self.metrics_path,
            requests=self.requests_metric,
            aside=pair(self.aside, "aside") if self.aside else None,
            hits=self.hits_metrics,
            misses=self.misses_metrics,
            loop_lag=self.loop_lag_metric,
        )


def pair(text: str, what: str) -> tuple[str, str]:
    """Split NAME=VALUE; raise WantedError for anything else."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise WantedError(f"{what} must be NAME=VALUE")  # not shown: it may be a secret
    return name.strip(), value.strip()


def parse(text: str) -> Threshold:
    """Read a threshold; raise WantedError when it is worded otherwise."""
    rule, *rest = (part.strip() for part in text.split(","))
    found = _RULE.fullmatch(rule)
    if found is None or found[1] not in {*Metric}:
        raise WantedError(
            f"threshold {text!r} is not understood; say for example 'p95 <= 100 ms, phase=steady' "
            f"with one of {', '.join(Metric)}"
        )
    metric = Metric(found[1])
    unit = _UNITS.get(metric, "ms")
    if found[4] not in {"", unit}:
        raise WantedError(f"threshold {text!r}: a {metric} is in {unit}, not {found[4]}")
    places = dict(pair(part, f"{part!r} in threshold {text!r}") for part in rest if part != "abort")
    if places.keys() - {"phase", "request"}:
        raise WantedError(f"threshold {text!r}: only phase, request and abort may follow the bound")
    return Threshold(
        metric,
        float(found[3]),
        unit,
        _KINDS[found[2]],
        phase=places.get("phase"),
        request=places.get("request"),
        abort="abort" in rest,
    )
