"""Two load runs compared: by how much each percentile differs, with intervals.

The interval of the ratio comes from those of the two percentiles, which know of stalls: each end
lies as far off as the two ends it depends on together (Zou and Donner, Statistics in Medicine 27,
2008, "MOVER", in logarithms). It covers chance within the two runs. What changed on the machine
between them is not in it, so a difference is shown, and its cause is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from perf.load.histogram import Reading
from perf.load.recording import Series
from perf.load.result import Result

QUANTILES = (0.5, 0.95, 0.99)
_LEAST_US = 0.5  # half of what is resolved: there is no ratio to nothing


class Way(StrEnum):
    """What the interval of a difference says."""

    SLOWER = "slower"
    FASTER = "faster"
    NO_DIFFERENCE = "no difference shown"
    TOO_FEW = "too few requests, or too short a run"


@dataclass(frozen=True, slots=True)
class Difference:
    """One percentile of one request in one phase: 0.05 is five percent slower than before."""

    phase: str
    request: str
    quantile: float
    before_ms: float
    after_ms: float
    change: float
    interval: tuple[float, float] | None
    way: Way

    def __str__(self) -> str:
        low, high = self.interval or (None, None)
        span = "" if low is None or high is None else f" [{low:+.1%}, {high:+.1%}]"
        return (
            f"{self.request}, {self.phase}, p{100 * self.quantile:g}: {self.before_ms:.3g} ms to "
            f"{self.after_ms:.3g} ms, {self.change:+.1%}{span}: {self.way}"
        )


def compare(before: Result, after: Result) -> list[Difference]:
    """Return the differences of what both runs asked, in the later run's order."""
    found = []
    for phase in after.scenario["phases"]:
        for request in after.recording.requests():
            then = before.recording.select(phase["name"], request)
            now = after.recording.select(phase["name"], request)
            if then.finished and now.finished:
                found += [_difference(phase["name"], request, q, then, now) for q in QUANTILES]
    return found


def caveats(before: Result, after: Result) -> list[str]:
    """Say what keeps two runs from being compared as they stand."""
    found = [
        f"the {which} run is invalid: {'; '.join(result.reasons())}"
        for which, result in (("earlier", before), ("later", after))
        if result.reasons()
    ]
    if before.scenario["phases"] != after.scenario["phases"]:
        found.append("the two runs have other phases or rates")
    return found


def _difference(phase: str, request: str, q: float, then: Series, now: Series) -> Difference:
    first, second = then.reading(q), now.reading(q)
    if first is None or second is None:
        raise ValueError("a difference needs requests on both sides")
    interval = _interval(first, second)
    return Difference(
        phase=phase,
        request=request,
        quantile=q,
        before_ms=first.estimate / 1000,
        after_ms=second.estimate / 1000,
        change=second.estimate / max(first.estimate, _LEAST_US) - 1,
        interval=interval,
        way=_way(interval),
    )


def _way(interval: tuple[float, float] | None) -> Way:
    if interval is None:
        return Way.TOO_FEW
    if interval[0] > 0:
        return Way.SLOWER
    return Way.FASTER if interval[1] < 0 else Way.NO_DIFFERENCE


def _interval(then: Reading, now: Reading) -> tuple[float, float] | None:
    """Return the interval of the change; None where an end of either percentile is not known."""
    if not all(map(math.isfinite, (then.low, then.high, now.low, now.high))):
        return None
    first, second = _logarithms(then), _logarithms(now)
    change = second[1] - first[1]
    low = change - math.hypot(second[1] - second[0], first[2] - first[1])
    high = change + math.hypot(second[2] - second[1], first[1] - first[0])
    return math.expm1(low), math.expm1(high)


def _logarithms(one: Reading) -> tuple[float, float, float]:
    low, estimate, high = (max(us, _LEAST_US) for us in (one.low, one.estimate, one.high))
    return math.log(low), math.log(estimate), math.log(high)


def rows(differences: Sequence[Difference]) -> list[dict[str, object]]:
    """Return the differences as JSON values."""
    return [
        {
            "request": one.request,
            "phase": one.phase,
            "percentile": f"p{100 * one.quantile:g}",
            "before_ms": round(one.before_ms, 4),
            "after_ms": round(one.after_ms, 4),
            "change": round(one.change, 4),
            "interval": None if one.interval is None else [round(end, 4) for end in one.interval],
            "verdict": str(one.way),
        }
        for one in differences
    ]
