"""What a series did: its steps, with the run and commit that came after each.

A step's effect follows from its direction and which way is better; where that is not known it is
a change and nothing more. A step lies between two runs that were kept: where commits lie between
them, one of these made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from perf.changepoints import ChangePoint, find
from perf.history.figures import Better
from perf.history.series import Point, Series

LONGEST = 1000  # newest figures of a series that are looked at: older steps are no news


class Effect(StrEnum):
    """What a step means for who waits."""

    WORSE = "worse"
    BETTER = "better"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Step:
    """A change point of a series: between which runs, from where to where, how sure."""

    last: Point
    first: Point
    point: ChangePoint
    effect: Effect


@dataclass(frozen=True, slots=True)
class Trend:
    """A series with its steps, and the share of its jitter that is wandering."""

    series: Series
    steps: tuple[Step, ...]
    wandering: float

    @property
    def newest(self) -> Step | None:
        """Return the last step."""
        return self.steps[-1] if self.steps else None


def trend_of(series: Series) -> Trend:
    """Find the steps of a series."""
    series = series.last(LONGEST)
    found = find(series.values)
    steps = tuple(
        Step(
            series.points[point.index - 1],
            series.points[point.index],
            point,
            effect_of(point, series.better),
        )
        for point in found.points
    )
    return Trend(series, steps, found.wandering)


def effect_of(point: ChangePoint, better: Better) -> Effect:
    """Say what a step means."""
    if better is Better.UNKNOWN or point.after == point.before:
        return Effect.CHANGED
    rose = point.after > point.before
    return Effect.BETTER if rose == (better is Better.MORE) else Effect.WORSE


def worst_first(trends: Iterable[Trend]) -> tuple[Trend, ...]:
    """Return the trends in the order to look at them: got worse lately, changed, quiet.

    Within each the newest step comes first.
    """
    ranks = {Effect.WORSE: 0, Effect.CHANGED: 1, Effect.BETTER: 1}

    def rank(trend: Trend) -> tuple[int, int]:
        step = trend.newest
        if step is None:
            return 2, 0
        return ranks[step.effect], len(trend.series.points) - step.point.index

    return tuple(sorted(trends, key=rank))


def as_json(trend: Trend) -> dict[str, Any]:
    """Return a trend as `history --json` prints it."""
    series = trend.series
    return {
        **asdict(series.key),
        "unit": series.unit,
        "better": str(series.better),
        "runs": len(series.points),
        "first": asdict(series.points[0]),
        "last": asdict(series.points[-1]),
        "wandering": trend.wandering,
        "change_points": [_step(step) for step in trend.steps],
    }


def _step(step: Step) -> Mapping[str, Any]:
    point = step.point
    return {
        "index": point.index,
        "run": step.first.run,
        "commit": step.first.commit,
        "started": step.first.started,
        "commit_before": step.last.commit,
        "effect": str(step.effect),
        "before": point.before,
        "after": point.after,
        "relative": point.relative,
        "confidence": point.confidence,
    }
