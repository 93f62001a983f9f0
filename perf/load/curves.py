"""What a report draws and tabulates of a load run: few points, in the units they are shown in.

Everything is derived from the result and nothing is judged. Percentiles come from the merged
histograms; what happened between two samples of the server is their difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from perf.load.histogram import Histogram
from perf.load.result import Result
from perf.load.server import Sample
from perf.load.told import Spread

_MOST_POINTS = 300
_MOST_PHASES = 3
_MS = 1000.0
# Nines as far as the samples reach: a percentile that rests on less than one request says nothing.
_QUANTILES = (
    *(step / 100 for step in range(0, 90, 5)),
    *(0.9 + step / 100 for step in range(9)),
    *(1 - 1 / 10**nines * part for nines in (2, 3, 4, 5) for part in (1.0, 0.5, 0.2)),
)


def curves(result: Result) -> dict[str, Any]:
    """Return the run as a report shows it: JSON values."""
    reasons = result.reasons()
    total = result.recording.total()
    return {
        "scenario": dict(result.scenario),
        "valid": not reasons,
        "reasons": list(reasons),
        "generator": result.generator.to_json(),
        "facts": dict(result.facts),
        "counts": {
            "scheduled": total.scheduled,
            "sent": total.sent,
            "finished": total.finished,
            "errors": dict(total.errors),
            "dropped": total.dropped,
            "counted_by_server": result.counted,
        },
        "requests": _requests(result),
        "distribution": _distribution(result),
        "timeline": _thin(list(result.timeline)),
        "rates": _thin(_rates(result)),
        "memory": _memory(result.server),
        "server": _server(result),
        "listeners": result.listeners,
    }


def _distribution(result: Result) -> list[dict[str, Any]]:
    """Return the response times of the phases with most requests, and the first's service times."""
    phases = [
        (phase["name"], result.recording.select(phase["name"]))
        for phase in result.scenario["phases"]
    ]
    most = sorted(phases, key=lambda phase: -phase[1].finished)[:_MOST_PHASES]
    lines = [{"name": f"response, {name}", "points": _points(one.response)} for name, one in most]
    name, first = most[0]
    return [*lines, {"name": f"service, {name}", "points": _points(first.service)}]


def _requests(result: Result) -> list[dict[str, Any]]:
    found = []
    for phase in result.scenario["phases"]:
        for request in result.recording.requests():
            series = result.recording.select(phase["name"], request)
            if series.sent:
                found.append(
                    {
                        "phase": phase["name"],
                        "request": request,
                        "sent": series.sent,
                        "errors": series.failed,
                        **{f"p{100 * q:g}_ms": _ms(series.response, q) for q in (0.5, 0.95, 0.99)},
                        "service_p50_ms": _ms(series.service, 0.5),
                        "service_p99_ms": _ms(series.service, 0.99),
                        "lag_p99_ms": _ms(series.lag, 0.99),
                    }
                )
    return found


def _ms(histogram: Histogram, q: float) -> float | None:
    us = histogram.quantile(q)
    return None if us is None else round(us / _MS, 4)


def _points(histogram: Histogram) -> list[list[float]]:
    """Return (quantile, milliseconds) as far as at least one sample lies beyond."""
    n = histogram.n
    wanted = [q for q in _QUANTILES if n * (1 - q) >= 1]
    if not wanted:
        return []
    values = histogram.at_ranks([max(1, math.ceil(q * n - 1e-9)) for q in wanted])
    return [[q, round(us / _MS, 4)] for q, us in zip(wanted, values, strict=True)]


def _rates(result: Result) -> list[dict[str, float]]:
    """Return what was offered and what was completed a second, by the clock of the run."""
    return [
        {
            "t_s": round(now.at_s, 2),
            "offered": round((now.scheduled - then.scheduled) / (now.at_s - then.at_s), 2),
            "achieved": round((now.finished - then.finished) / (now.at_s - then.at_s), 2),
        }
        for then, now in pairwise(result.progress)
        if now.at_s - then.at_s > 0.5  # noqa: PLR2004 - the last one may come right after another
    ]


def _memory(server: Sequence[Sample]) -> dict[str, list[list[float]]]:
    names = sorted({name for one in server for name in one.rss_mb})
    return {
        name: _thin(
            [
                [round(one.at_s, 2), round(one.rss_mb[name], 2)]
                for one in server
                if name in one.rss_mb
            ]
        )
        for name in names
    }


def _server(result: Result) -> list[dict[str, Any]]:
    """Return what the server told between the edges of each phase."""
    told = [one for one in result.server if one.told is not None and one.label is not None]
    by_label = {one.label: one for one in told}
    found = []
    for phase in result.scenario["phases"]:
        begin, end = (by_label.get(f"{phase['name']} {edge}") for edge in ("begin", "end"))
        if begin is not None and end is not None:
            inside = [one for one in result.server if begin.at_s <= one.at_s <= end.at_s]
            found.append({"phase": phase["name"], **_between(begin, end, inside)})
    return found


def _between(begin: Sample, end: Sample, inside: Sequence[Sample]) -> dict[str, Any]:
    then, now = begin.told, end.told
    if then is None or now is None:
        return {}
    latency, lag = _since(then.latency, now.latency), _since(then.lag, now.lag)
    hits, misses = _more(then.hits, now.hits), _more(then.misses, now.misses)
    looked = None if hits is None or misses is None else hits + misses
    return {
        "requests": _more(then.requests, now.requests),
        "hit_rate": round(100 * hits / looked, 2) if looked and hits is not None else None,
        "in_server_p50_at_most_ms": _at_most(latency, 0.5),
        "in_server_p99_at_most_ms": _at_most(latency, 0.99),
        "loop_lag_mean_ms": None if lag is None or lag.mean_s is None else lag.mean_s * _MS,
        "loop_lag_p99_at_most_ms": _at_most(lag, 0.99),
        "pool_saturation": _highest(inside, "saturation"),
        **{f"cpu_of_{name}": share for name, share in _cpu(begin, end).items()},
        "postgres_commits": _more_of(begin.postgres, end.postgres, "xact_commit"),
        "redis_commands": _more_of(begin.redis, end.redis, "total_commands_processed"),
    }


def _cpu(begin: Sample, end: Sample) -> dict[str, float]:
    wall_s = end.at_s - begin.at_s
    return {
        name: round((end.cpu_s[name] - then) / wall_s, 3)
        for name, then in begin.cpu_s.items()
        if name in end.cpu_s and wall_s > 0
    }


def _highest(samples: Sequence[Sample], gauge: str) -> float | None:
    values = [one.told.pool[gauge] for one in samples if one.told and gauge in one.told.pool]
    return max(values, default=None)


def _since(then: Spread | None, now: Spread | None) -> Spread | None:
    return None if then is None or now is None else now.since(then)


def _more(then: float | None, now: float | None) -> float | None:
    return None if then is None or now is None else now - then


def _more_of(
    then: Mapping[str, float] | None, now: Mapping[str, float] | None, name: str
) -> float | None:
    return _more((then or {}).get(name), (now or {}).get(name))


def _at_most(spread: Spread | None, q: float) -> float | None:
    bound = None if spread is None else spread.at_most_s(q)
    return None if bound is None or math.isinf(bound) else bound * _MS


def _thin(points: list[Any]) -> list[Any]:
    step = max(1, math.ceil(len(points) / _MOST_POINTS))
    return points[::step]
