"""Thresholds: what a run has to keep to, measured and judged as every claim is.

A threshold picks what it is about from the recordings or from the server's samples and makes a
measurement of it: a distribution, a share, a rate or a level. From there it is judged like any
other (`perf.verdict`): the whole interval on one side of the bound, or inconclusive. What is not
known is a failure with its reason. Whether the run may be judged at all is not asked here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from perf.claim import Target
from perf.load.protocol import Progress
from perf.load.recording import Recording, Series
from perf.load.scenario import Metric, Threshold
from perf.load.server import Sample
from perf.sample import Kind, Measurement, failure
from perf.verdict import Judgement, Verdict, judge

_LATE_S = 0.5  # the sample of a phase's end is taken a moment after it
_WORDS = {
    Metric.ERROR_RATE: "requests that failed",
    Metric.THROUGHPUT: "requests completed a second",
    Metric.HIT_RATE: "look-ups answered by the cache",
    Metric.MEMORY: "highest resident memory of a process",
}


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of a run that is judged, in seconds since its start."""

    start_s: float
    end_s: float
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run left to be judged: what was recorded, read from the server, and told meanwhile.

    `phases` are those of the scenario as a result describes it.
    """

    phases: Sequence[Mapping[str, Any]]
    recording: Recording
    server: Sequence[Sample] = ()
    progress: Sequence[Progress] = ()


def target_of(threshold: Threshold) -> Target:
    """Return the threshold's bound as a claim's target."""
    return Target(threshold.kind, threshold.bound, threshold.unit)


def title_of(threshold: Threshold) -> str:
    """Say what a threshold is about."""
    what = _WORDS.get(threshold.metric) or f"{threshold.metric} of the response time"
    of = "" if threshold.request is None else f", {threshold.request}"
    during = "" if threshold.phase is None else f", {threshold.phase}"
    return f"{what}{of}{during}"


def judged(threshold: Threshold, measurement: Measurement, seed: str) -> Judgement:
    """Judge what was measured for a threshold."""
    return judge(target_of(threshold), measurement, seed=seed)


def measured(threshold: Threshold, seen: Seen) -> Measurement:
    """Return the measurement that a threshold asks for, a failure where there is none."""
    match threshold.metric:
        case Metric.ERROR_RATE:
            return _errors(threshold, seen)
        case Metric.THROUGHPUT:
            return _throughput(threshold, seen)
        case Metric.HIT_RATE:
            return _hits(_span(threshold, seen), seen.server)
        case Metric.MEMORY:
            return _memory(_span(threshold, seen), seen.server)
        case _:
            return _times(threshold, seen)


def broken(thresholds: Sequence[Threshold], seen: Seen) -> list[Threshold]:
    """Return those that may end the run and are missed, the whole interval on the bad side."""
    return [
        one
        for one in thresholds
        if one.abort and judged(one, measured(one, seen), one.metric).verdict is Verdict.MISSED
    ]


def _times(threshold: Threshold, seen: Seen) -> Measurement:
    series = seen.recording.select(threshold.phase, threshold.request)
    if not series.response.n:
        return failure(_nothing(threshold))
    return Measurement(
        Kind.DISTRIBUTION,
        threshold.unit,
        samples_of(series),
        quantile=threshold.metric.quantile or 0.5,
    )


def samples_of(series: Series) -> dict[str, list[float]]:
    """Return response times as samples of a distribution: a bucket's middle, its count, its block.

    A result of before there were blocks has all in none.
    """
    parts = series.blocks.grouped()
    made: dict[str, list[float]] = {"us": [], "times": [], "block": []}
    for number, part in enumerate(parts or [series.response]):
        times = [part.counts[bucket] for bucket in sorted(part.counts)]
        made["us"] += part.at_ranks(list(accumulate(times)))
        made["times"] += [*map(float, times)]
        made["block"] += [float(number)] * len(times) if parts else []
    return made


def _errors(threshold: Threshold, seen: Seen) -> Measurement:
    series = seen.recording.select(threshold.phase, threshold.request)
    if not series.finished:
        return failure(_nothing(threshold))
    return Measurement(
        Kind.SHARE,
        threshold.unit,
        {"part": [series.failed], "whole": [series.finished]},
        facts={"errors": dict(series.errors)} if series.errors else {},
    )


def _throughput(threshold: Threshold, seen: Seen) -> Measurement:
    """Count what was completed within the span: what finished later was not achieved in it.

    One request's share is known by due time only, and its errors are taken off.
    """
    span = _span(threshold, seen)
    if threshold.request is not None:
        series = seen.recording.select(threshold.phase, threshold.request)
        seconds = _judged_s(threshold, seen)
        count = series.finished - series.failed
        return Measurement(Kind.RATE, threshold.unit, {"count": [count], "seconds": [seconds]})
    inside = [one for one in seen.progress if span.start_s <= one.at_s <= span.end_s]
    if len(inside) < 2:  # noqa: PLR2004 - a difference takes two
        return failure("the generator told too little of its progress in this phase")
    first, last = inside[0], inside[-1]
    count = (last.finished - last.errors) - (first.finished - first.errors)
    seconds = last.at_s - first.at_s
    return Measurement(Kind.RATE, threshold.unit, {"count": [max(0, count)], "seconds": [seconds]})


def _hits(span: Span, server: Sequence[Sample]) -> Measurement:
    told = [
        (one.told.hits, one.told.misses)
        for one in server
        if one.told is not None
        and one.told.hits is not None
        and one.told.misses is not None
        and span.start_s <= one.at_s <= span.end_s
    ]
    if len(told) < 2:  # noqa: PLR2004 - as above
        return failure("the server's hits and misses are not known for this phase")
    hits, misses = told[-1][0] - told[0][0], told[-1][1] - told[0][1]
    if hits + misses <= 0:
        return failure("nothing was looked up in the server's cache")
    return Measurement(Kind.SHARE, "%", {"part": [hits], "whole": [hits + misses]})


def _memory(span: Span, server: Sequence[Sample]) -> Measurement:
    inside = [one for one in server if span.start_s <= one.at_s <= span.end_s and one.rss_mb]
    if not inside:
        return failure("the memory of the server's processes is not known")
    names = sorted({name for one in inside for name in one.rss_mb})
    return Measurement(
        Kind.LEVEL,
        "MB",
        {"level": [max(one.rss_mb.values()) for one in inside]},
        facts={
            f"highest of {name}, MB": round(max(one.rss_mb.get(name, 0.0) for one in inside), 1)
            for name in names
        },
    )


def _span(threshold: Threshold, seen: Seen) -> Span:
    """Return what is judged of the phase, or of the whole run: without the first warm-up."""
    phases = [one for one in seen.phases if threshold.phase in {None, one["name"]}]
    if not phases:
        return Span(0.0, float("inf"))
    first, last = phases[0], phases[-1]
    end_s = last["start_s"] + last["duration_s"]
    return Span(first["start_s"] + first["warmup_s"], end_s + _LATE_S, threshold.phase)


def _judged_s(threshold: Threshold, seen: Seen) -> float:
    phases = [one for one in seen.phases if threshold.phase in {None, one["name"]}]
    return float(sum(one["duration_s"] - one["warmup_s"] for one in phases))


def _nothing(threshold: Threshold) -> str:
    name = threshold.request
    return "no request was finished" if name is None else f"no request {name!r} was finished"
