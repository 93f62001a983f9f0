"""A claim's history over its last runs: a sparkline for the table, a chart for the detail.

A run without a figure is a gap in the line, not a point at zero and not bridged. The target is
drawn with it, since a trend that stays on the good side is no news. Where the figures took a step
(`perf.changepoints`), an upright line stands before the first run after it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

from markupsafe import Markup

from perf.changepoints import ChangePoint, find
from perf.report import figures
from perf.report.axis import SPAN, Axis, axis, svg
from perf.report.model import Entry, Point

_SPARK = (120, 28)
_PLOT = 96

Spot = tuple[int, int] | None


def is_flat(entry: Entry) -> bool:
    """Say whether every run counted the same, which a sentence says better than a chart."""
    return entry.is_exact and len(set(_known(entry))) == 1


def sparkline(entry: Entry) -> Markup:
    """Draw a claim's history small enough for a table cell; empty where there is none."""
    known = _known(entry)
    if len(known) < 2:  # noqa: PLR2004 - a line has two ends
        return Markup()
    width, height = _SPARK
    scale = axis([*known, entry.target.bound])
    spots = _spots(entry.trend, scale, width, height)
    last = next(spot for spot in reversed(spots) if spot is not None)
    return Markup(
        '<svg class="spark" role="img" width="{w}" height="{h}" fill="none" stroke="currentColor">'
        "<title>{title}</title><desc>{text}</desc>"
        '<path class="target" d="M0 {level}h{w}" stroke-dasharray="3 3"/>'
        '<path d="{line}" stroke-width="1.5"/>'
        '<circle cx="{x}" cy="{y}" r="2" fill="currentColor"/></svg>'
    ).format(
        w=width,
        h=height,
        title=_title(entry),
        text=words(entry),
        level=_height(entry.target.bound, scale, height),
        line=_line(spots),
        x=last[0],
        y=last[1],
    )


def trend_chart(entry: Entry) -> Markup:
    """Draw a claim's history with intervals, the target line and a tick for each run."""
    known = _known(entry)
    if len(known) < 2 or is_flat(entry):  # noqa: PLR2004 - a line has two ends
        return Markup()
    return plot(
        entry.trend,
        [turn for turn, _ in steps(entry)],
        title=_title(entry),
        text=words(entry),
        bound=entry.target.bound,
    )


def steps(entry: Entry) -> list[tuple[int, ChangePoint]]:
    """Return the steps of a claim's history, each with the run of the trend that comes after it."""
    turns = [turn for turn, point in enumerate(entry.trend) if point.estimate is not None]
    return [(turns[step.index], step) for step in _found(tuple(_known(entry)))]


@lru_cache(maxsize=1024)  # the chart, its words and the sparkline's all ask for the same
def _found(values: tuple[float, ...]) -> tuple[ChangePoint, ...]:
    return find(values).points


def plot(
    points: Sequence[Point],
    stepped: Sequence[int],
    *,
    title: str,
    text: str,
    bound: float | None = None,
) -> Markup:
    """Draw runs with intervals, a step before each of `stepped`, and `bound` as the target."""
    known = [point.estimate for point in points if point.estimate is not None]
    ends = [end for point in points for end in point.interval or () if math.isfinite(end)]
    scale = axis([*known, *ends, *([] if bound is None else [bound])])
    body = Markup(
        '{target}<svg width="100%" height="{height}" viewBox="0 0 {span} {height}" fill="none"'
        ' stroke="currentColor" preserveAspectRatio="none">{marks}</svg>'
        '<text class="tick" x="0" y="{low}">{first}</text>'
        '<text class="tick" x="100%" y="{low}" text-anchor="end">{last}</text>'
    ).format(
        target=Markup() if bound is None else _target(_height(bound, scale, _PLOT)),
        height=_PLOT + 8,
        span=SPAN,
        marks=_marks(points, stepped, scale),
        low=_PLOT + 22,
        first=_named(points[0]),
        last=_named(points[-1]),
    )
    return svg(title, text, _PLOT + 28, body)


def _target(level: int) -> Markup:
    return Markup(
        '<line class="target" x1="0" x2="100%" y1="{level}" y2="{level}" stroke="currentColor"'
        ' stroke-width="1.5" stroke-dasharray="5 3"/>'
    ).format(level=level)


def _known(entry: Entry) -> list[float]:
    return [point.estimate for point in entry.trend if point.estimate is not None]


def _title(entry: Entry) -> str:
    return f"Trend over {figures.count(len(entry.trend), 'run')}"


def words(entry: Entry) -> str:
    """Say what the chart shows: from where to where, the last, the target, the gaps, the steps."""
    known = _known(entry)
    unit = figures.unit_of(entry.target.unit, known[-1])
    least, most, last = (figures.write(entry, x) for x in (min(known), max(known), known[-1]))
    gaps = len(entry.trend) - len(known)
    missing = f"; {figures.count(gaps, 'run')} without a figure" if gaps else ""
    rule = figures.rule(entry.target)
    moved = "".join(f"; {stepped(entry.trend[turn], step)}" for turn, step in steps(entry))
    return f"from {least} to {most}, last {last}{unit}, target {rule}{missing}{moved}"


def stepped(after: Point, step: ChangePoint) -> str:
    """Say a step in words: how far, and the run it is first seen in."""
    if step.relative is None:
        moved = f"to {figures.significant(step.after)}"
    else:
        moved = figures.percent(step.relative)
    return f"a step of {moved} at {_named(after)}"


def _marks(points: Sequence[Point], stepped: Sequence[int], scale: Axis) -> Markup:
    spots = _spots(points, scale, SPAN, _PLOT)
    places = [_across(turn, len(points), SPAN) for turn in range(len(points))]
    bars = (_bar(spot, point, scale) for spot, point in zip(spots, points, strict=True))
    paths = (
        ("bars", _strokes(bar for bar in bars if bar), 1),
        ("ticks", _strokes((x, _PLOT + 1, _PLOT + 7) for x in places), 1),
        ("steps", _strokes(((places[i - 1] + places[i]) // 2, 0, _PLOT) for i in stepped), 1.5),
        ("line", _line(spots), 1.5),
        ("dots", _strokes((x, y, y) for x, y in filter(None, spots)), 5),
    )
    return Markup().join(
        Markup(
            '<path class="{name}" d="{d}" stroke-width="{width}"{cap}'
            ' vector-effect="non-scaling-stroke"/>'
        ).format(
            name=name,
            d=d,
            width=width,
            cap=Markup(' stroke-linecap="round"') if name == "dots" else "",
        )
        for name, d, width in paths
        if d
    )


def _bar(spot: Spot, point: Point, scale: Axis) -> tuple[int, int, int] | None:
    """Return where a point's interval is drawn: across, from, to."""
    if spot is None or point.interval is None or point.interval[0] == point.interval[1]:
        return None
    low, high = max(point.interval[0], scale.low), min(point.interval[1], scale.high)
    return spot[0], _height(low, scale, _PLOT), _height(high, scale, _PLOT)


def _strokes(lines: Iterable[tuple[int, int, int]]) -> str:
    """Return one path of upright lines, each relative to the one before: that is shortest."""
    steps, at_x, at_y = [], 0, 0
    for x, start, end in lines:
        steps.append(f"m{x - at_x} {start - at_y}v{end - start}")
        at_x, at_y = x, end
    return "".join(steps).replace(" -", "-")


def _named(point: Point) -> str:
    return point.commit[:7] or point.started[:10]


def _spots(points: Sequence[Point], scale: Axis, width: int, height: int) -> list[Spot]:
    return [
        None
        if point.estimate is None
        else (_across(turn, len(points), width), _height(point.estimate, scale, height))
        for turn, point in enumerate(points)
    ]


def _height(value: float, scale: Axis, height: int) -> int:
    """Return how far down a value lies: SVG counts from the top."""
    return round(height - scale.place(value) * height)


def _across(turn: int, total: int, width: int) -> int:
    return round(Axis(0, max(1, total - 1), log=False).place(turn) * width)


def _line(spots: Sequence[Spot]) -> str:
    """Return a path through the spots, broken where a run has no figure."""
    steps, last = [], None
    for spot in spots:
        if spot is not None:
            x, y = spot if last is None else (spot[0] - last[0], spot[1] - last[1])
            steps.append(f"M{x} {y}" if last is None else f"l{x} {y}")
        last = spot
    return "".join(steps).replace(" -", "-")
