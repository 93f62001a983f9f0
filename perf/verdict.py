"""The verdict on a claim: a pure function of target, measurement and the machine's noise.

The whole interval is held against the bound: met only if all of it lies on the good side, missed
only if all of it lies on the bad side. What could not be measured is never met.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from perf.claim import Target, TargetKind
from perf.exits import Exit
from perf.sample import Kind, Measurement
from perf.stats import Summary, rounds_needed, summarise

_ENDS = frozenset({0.0, 100.0})  # of a share, in percent


class Verdict(StrEnum):
    """The five answers; the set is closed."""

    MET = "met"
    MISSED = "missed"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not_measured"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the figure it rests on; `estimate` is None where nothing was measured."""

    verdict: Verdict
    reason: str
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    unit: str = ""
    n: int = 0
    estimator: str = ""


def judge(target: Target, measurement: Measurement, *, seed: str, noise: float = 0.0) -> Judgement:
    """Hold `measurement` against `target`.

    `seed` makes the bootstrap repeatable (the claim's id). `noise` is the machine's relative A/A
    noise: a timed figure nearer to the bound than that is inconclusive, however tight its
    interval, since repetition within one process cannot average such noise away.
    """
    defect = _defect(target, measurement)
    if defect is not None:
        return Judgement(Verdict.NOT_MEASURED, defect)
    summary = summarise(measurement, seed=seed)
    if target.kind is TargetKind.COUNTER_EXAMPLE:
        return _judge_witness(summary)
    match measurement.kind:
        case Kind.COUNT:
            judgement = _judge_count(target, summary)
        case Kind.LEVEL:
            judgement = _judge_level(target, summary)
        case Kind.SHARE if target.bound in _ENDS:
            judgement = _judge_whole(target, summary)
        case Kind.SHARE | Kind.RATE:  # counted: no clock's noise in them
            judgement = _judge_interval(target, summary, 0.0, "events")
        case Kind.DISTRIBUTION:
            judgement = _judge_interval(target, summary, noise, "requests")
        case _:
            judgement = _judge_interval(target, summary, noise, "rounds")
    return judgement


def _defect(target: Target, measurement: Measurement) -> str | None:
    """Return why the measurement cannot be judged, or None when it can."""
    if measurement.kind is Kind.FAILURE:
        return measurement.error or "the measurement failed without a reason"
    if measurement.equal is False:
        return "the result is not the one expected, so its speed means nothing"
    if not any(len(values) for values in measurement.samples.values()):
        return "the measurement holds no samples"
    if _dimension(target) != _dimension_of(measurement):
        return (
            f"the target is a {target.kind} in {target.unit!r}, "
            f"the measurement a {measurement.kind} in {measurement.unit!r}"
        )
    return None


def _dimension(target: Target) -> str:
    return "witness" if target.kind is TargetKind.COUNTER_EXAMPLE else target.unit


def _dimension_of(measurement: Measurement) -> str:
    return "witness" if measurement.kind is Kind.WITNESS else measurement.unit


def _judge_witness(summary: Summary) -> Judgement:
    if summary.low >= 1:
        verdict, reason = Verdict.REFUTED, "the counter-example occurred: the document is wrong"
    elif summary.high < 1:
        verdict, reason = Verdict.MISSED, "the counter-example that had to occur did not"
    else:
        verdict, reason = Verdict.INCONCLUSIVE, "the counter-example occurred only sometimes"
    return _with(summary, verdict, reason)


def _judge_count(target: Target, summary: Summary) -> Judgement:
    if summary.low != summary.high:
        return _with(
            summary,
            Verdict.INCONCLUSIVE,
            f"a count that should repeat exactly varied from {summary.low:g} to {summary.high:g}",
        )
    good = _is_good(target, summary.estimate)
    verdict = Verdict.MET if good else Verdict.MISSED
    return _with(
        summary, verdict, f"counted {summary.estimate:g} {target.unit}, target {_rule(target)}"
    )


def _judge_level(target: Target, summary: Summary) -> Judgement:
    """Judge a level by its interval; a clock's noise does not touch it, and more rounds neither."""
    figure = (
        f"{summary.estimator} {summary.estimate:.4g} {target.unit} of {summary.n} readings, "
        f"target {_rule(target)}"
    )
    low_good, high_good = _is_good(target, summary.low), _is_good(target, summary.high)
    if low_good != high_good:
        return _with(summary, Verdict.INCONCLUSIVE, f"{figure}: too near to the bound to be told")
    return _with(summary, Verdict.MET if low_good else Verdict.MISSED, figure)


def _judge_whole(target: Target, summary: Summary) -> Judgement:
    """Judge "none" or "all" by what was counted: no number of events excludes a rarer one."""
    verdict = Verdict.MET if _is_good(target, summary.estimate) else Verdict.MISSED
    return _with(summary, verdict, f"counted {summary.estimator}, target {_rule(target)} %")


def _judge_interval(target: Target, summary: Summary, noise: float, noun: str) -> Judgement:
    figure = (
        f"{summary.estimator} {summary.estimate:.4g} {target.unit}, "
        f"interval [{summary.low:.4g}, {summary.high:.4g}], target {_rule(target)}"
    )
    low_good, high_good = _is_good(target, summary.low), _is_good(target, summary.high)
    if low_good != high_good:
        more = rounds_needed(summary, target.bound)
        advice = f"about {more} {noun} would tell" if more else f"more {noun} would not tell"
        return _with(summary, Verdict.INCONCLUSIVE, f"{figure}: the bound lies inside it; {advice}")
    if _within_noise(target, summary, noise):
        return _with(
            summary,
            Verdict.INCONCLUSIVE,
            f"{figure}: nearer to the bound than this machine's noise of {noise:.1%}",
        )
    verdict = Verdict.MET if low_good else Verdict.MISSED
    side = "good" if low_good else "bad"
    return _with(summary, verdict, f"{figure}: all of it on the {side} side")


def _within_noise(target: Target, summary: Summary, noise: float) -> bool:
    """Say whether the interval's near end is closer to the bound than `noise`."""
    scale = summary.noise_scale(target.bound)
    distance = min(abs(summary.low - target.bound), abs(summary.high - target.bound))
    return distance < noise * scale


def _is_good(target: Target, value: float) -> bool:
    match target.kind:
        case TargetKind.AT_LEAST:
            return value >= target.bound
        case TargetKind.AT_MOST:
            return value <= target.bound
        case _:
            return value == target.bound


def _rule(target: Target) -> str:
    sign = {TargetKind.AT_LEAST: ">=", TargetKind.AT_MOST: "<="}.get(target.kind, "=")
    return f"{sign} {target.bound:g}"


def _with(summary: Summary, verdict: Verdict, reason: str) -> Judgement:
    return Judgement(
        verdict,
        reason,
        summary.estimate,
        (summary.low, summary.high),
        summary.unit,
        summary.n,
        summary.estimator,
    )


def exit_code(verdicts: Collection[Verdict], *, strict: bool) -> Exit:
    """Return the code of a run: the worst news first."""
    if not verdicts:
        return Exit.NOTHING_SELECTED
    if Verdict.MISSED in verdicts:
        return Exit.MISSED
    if Verdict.NOT_MEASURED in verdicts:
        return Exit.NOT_MEASURED
    if strict and Verdict.INCONCLUSIVE in verdicts:
        return Exit.INCONCLUSIVE
    return Exit.OK
