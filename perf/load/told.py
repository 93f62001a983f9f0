"""What a service tells of itself: its figures in Prometheus's text form, read without a library.

Only the families that were named are looked at, since a service may tell thousands of series; they
are added up over their labels. A family that is not there is None, never zero; one that is there
and has no series yet has counted nothing, and that is zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from typing import Any

from perf.demonstration import Figures

_LINE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_TYPE = re.compile(r"^# TYPE (\S+) ", re.MULTILINE)
_LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram of seconds as Prometheus has it: counts at or below each bound."""

    count: float
    sum_s: float
    buckets: tuple[tuple[float, float], ...]

    def since(self, before: Spread) -> Spread:
        """Return what was counted after `before`."""
        then = dict(before.buckets)
        buckets = tuple((bound, n - then.get(bound, 0.0)) for bound, n in self.buckets)
        return Spread(self.count - before.count, self.sum_s - before.sum_s, buckets)

    @property
    def mean_s(self) -> float | None:
        """The mean; None where nothing was counted."""
        return self.sum_s / self.count if self.count > 0 else None

    def at_most_s(self, q: float) -> float | None:
        """Return the bound of the bucket that the quantile `q` lies in; None where unknown."""
        if self.count <= 0:
            return None
        return next((bound for bound, n in self.buckets if n >= q * self.count), math.inf)


@dataclass(frozen=True, slots=True)
class Told:
    """What a service tells of itself; None is not told."""

    requests: float | None = None
    latency: Spread | None = None
    hits: float | None = None
    misses: float | None = None
    lag: Spread | None = None
    pool: Mapping[str, float] = field(default_factory=dict)


def parse(text: str, figures: Figures) -> Told:
    """Read the figures wanted from Prometheus's text form; what is not there stays None."""
    wanted = _wanted(figures)
    series = [one for one in map(_series, text.splitlines()) if one and one[0] in wanted]
    there = set(_TYPE.findall(text))
    latency = _spread(series, figures.requests, figures.aside, there)
    return Told(
        requests=None if latency is None else latency.count,
        latency=latency,
        hits=_total(series, figures.hits, there),
        misses=_total(series, figures.misses, there),
        lag=_spread(series, figures.loop_lag, None, there),
        pool={
            shown: value
            for shown, name in figures.pool.items()
            if (value := _total(series, [name], set())) is not None
        },
    )


def _wanted(figures: Figures) -> set[str]:
    histograms = [name for name in (figures.requests, figures.loop_lag) if name]
    parts = {f"{name}_{part}" for name in histograms for part in ("bucket", "count", "sum")}
    return parts | {*figures.hits, *figures.misses, *figures.pool.values()}


_Series = tuple[str, dict[str, str], float]


def _series(line: str) -> _Series | None:
    found = _LINE.match(line)
    if found is None:
        return None
    try:
        value = float(found[3])
    except ValueError:
        return None
    return found[1], dict(_LABEL.findall(found[2] or "")), value


def _total(
    series: Iterable[_Series], names: Iterable[str], there: AbstractSet[str]
) -> float | None:
    names = set(names)
    values = [value for name, _, value in series if name in names]
    return sum(values) if values or names & there else None


def _spread(
    series: Iterable[_Series], name: str, aside: tuple[str, str] | None, there: AbstractSet[str]
) -> Spread | None:
    """Add up a histogram over its labels, without those that are set aside."""
    counted = [one for one in series if aside is None or one[1].get(aside[0]) != aside[1]]
    counts = [value for found, _, value in counted if name and found == f"{name}_count"]
    if not counts and name not in there:
        return None
    buckets: dict[float, float] = {}
    for found, labels, value in counted:
        if found == f"{name}_bucket":
            bound = float(labels["le"])
            buckets[bound] = buckets.get(bound, 0.0) + value
    total_s = sum(value for found, _, value in counted if found == f"{name}_sum")
    return Spread(sum(counts), total_s, tuple(sorted(buckets.items())))


def spread_json(spread: Spread) -> dict[str, Any]:
    """Return a histogram as it stands in a result; JSON has no infinity."""
    buckets = [[None if math.isinf(bound) else bound, n] for bound, n in spread.buckets]
    return {**asdict(spread), "buckets": buckets}


def spread_from(raw: Mapping[str, Any] | None) -> Spread | None:
    """Read what `spread_json` wrote."""
    if raw is None:
        return None
    buckets = tuple((math.inf if bound is None else bound, n) for bound, n in raw["buckets"])
    return Spread(raw["count"], raw["sum_s"], buckets)
