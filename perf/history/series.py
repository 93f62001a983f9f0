"""One thing's figures over time: what an audit's claims and imported runs have in common.

A series is of one class of machine, one profile or source, one name and one metric; figures of
another machine are another series. Runs that are dated stand in their order, others in the order
in which they were kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from perf.claim import TargetKind
from perf.history.figures import Better, Figure, figures_of, number

ESTIMATE = "estimate"  # the metric of a claim
_OBVIOUS = frozenset({ESTIMATE, "value"})  # metrics that say no more than the name
_BETTER = {TargetKind.AT_LEAST: Better.MORE, TargetKind.AT_MOST: Better.LESS}


@dataclass(frozen=True, slots=True)
class Key:
    """What a series is of; `kind` is an audit's profile or the tool that measured."""

    machine: str
    kind: str
    name: str
    metric: str

    def __str__(self) -> str:
        """Return the name, and the metric where there is more than one to think of."""
        return self.name if self.metric in _OBVIOUS else f"{self.name} {self.metric}"


@dataclass(frozen=True, slots=True)
class Point:
    """One figure, of one run."""

    run: str
    started: str
    commit: str
    value: float
    low: float | None
    high: float | None
    verdict: str = ""  # what was said of it when it was measured
    dirty: bool | None = None  # whether it was measured with changes beyond the commit


@dataclass(frozen=True, slots=True)
class Series:
    """The figures of one thing, oldest first; runs that have none are not in it."""

    key: Key
    unit: str
    better: Better
    points: tuple[Point, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """Return the figures alone."""
        return tuple(point.value for point in self.points)

    def last(self, most: int) -> Series:
        """Return the series with its newest points alone."""
        return replace(self, points=self.points[-most:])


def collect(lines: Iterable[Mapping[str, Any]]) -> tuple[Series, ...]:
    """Return the series of a history, by machine, kind, name and metric.

    Unit and better way are those of the newest figure; one in another unit than the newest is not
    of the series.
    """
    held: dict[Key, list[tuple[Figure, Point]]] = {}
    for line in sorted(lines, key=lambda line: line["started"] or ""):
        for kind, figure in _figures(line):
            key = Key(line["machine"], kind, figure.name, figure.metric)
            held.setdefault(key, []).append((figure, _point(line, figure)))
    found = (_series(key, figures) for key, figures in held.items())
    return tuple(sorted(found, key=lambda series: _order(series.key)))


def _order(key: Key) -> tuple[str, ...]:
    return key.machine, key.kind, key.name, key.metric


def _series(key: Key, figures: Sequence[tuple[Figure, Point]]) -> Series:
    newest = figures[-1][0]
    points = tuple(point for figure, point in figures if figure.unit == newest.unit)
    return Series(key, newest.unit, newest.better, points)


def _figures(line: Mapping[str, Any]) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of an audit's line and of an imported one, with their kind."""
    for name, result in line["results"].items():
        value, target = number(result["estimate"]), result.get("target")
        if value is not None and target and target["kind"] != TargetKind.COUNTER_EXAMPLE:
            low, high = (number(end) for end in result["interval"] or (None, None))
            better = _BETTER.get(TargetKind(target["kind"]), Better.UNKNOWN)
            yield (
                line["profile"],
                Figure(name, ESTIMATE, value, target["unit"], better, low, high),
            )
    for figure in figures_of(line):
        yield str(line.get("source")), figure


def _point(line: Mapping[str, Any], figure: Figure) -> Point:
    return Point(
        str(line["run"]),
        line["started"] or "",
        line["commit"] or "",
        figure.value,
        figure.low,
        figure.high,
        _verdict(line, figure),
        line.get("dirty"),
    )


def _verdict(line: Mapping[str, Any], figure: Figure) -> str:
    if figure.metric == ESTIMATE and figure.name in line["results"]:
        return str(line["results"][figure.name].get("verdict", ""))
    return str((line.get("verdicts") or {}).get(figure.name, ""))
