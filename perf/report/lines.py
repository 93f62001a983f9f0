"""Line charts: how something went over time, or over the share of requests it holds for.

A line is broken where a value is not known, and never bridged. Lines differ by dash as well as by
colour. The scale of the values is logarithmic where they span a wide range, and the chart says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from perf.report.axis import SPAN, Axis, axis, share, svg

PLOT = 180
_TOP, _FOOT = 16, 22
_DASHES = ("", "6 3", "2 3", "9 3 2 3")
_NEAR = 0.06  # of the width: text nearer to an edge is aligned with it

Point = tuple[float, float | None]
Write = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Line:
    """A named series of (across, up); None is not known."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place across with its words, such as where a phase begins."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """What is drawn: `across` and `up` write a value of their axis.

    `from_zero` keeps zero in sight, for amounts. `ticks` name places across; by default round ones.
    """

    title: str
    lines: tuple[Line, ...]
    across: Write
    up: Write
    marks: tuple[Mark, ...] = ()
    ticks: tuple[Mark, ...] = ()
    from_zero: bool = False

    @property
    def scale(self) -> Axis:
        """The axis of the values."""
        values = [y for line in self.lines for _, y in line.points if y is not None]
        if self.from_zero:
            return Axis(0.0, max([*values, 1e-9]), log=False)
        return axis(values)

    @property
    def width(self) -> Axis:
        """The axis across."""
        places = [x for line in self.lines for x, _ in line.points]
        return Axis(min(places), max(places), log=False)


def line_chart(chart: LineChart) -> Markup:
    """Draw the lines over their axes; empty where no line has two known points."""
    if not any(_known(line) > 1 for line in chart.lines):
        return Markup()
    scale, width = chart.scale, chart.width
    parts = [
        *(_mark(width, mark) for mark in chart.marks),
        _plot(chart, scale, width),
        *(_grid(scale, value, chart.up) for value in scale.ticks()),  # over the lines: it has words
        *_feet(chart, width),
    ]
    return svg(chart.title, _words(chart), _TOP + PLOT + _FOOT, Markup().join(parts))


def legend(chart: LineChart) -> Markup:
    """Return the names of the lines, each as it is drawn."""
    return Markup(" ").join(
        Markup(
            '<span class="key"><svg class="swatch" aria-hidden="true" width="26" height="8">'
            '<path class="l{turn}" d="M0 4h26" fill="none" stroke="currentColor"'
            ' stroke-width="2"{dash}/></svg> {name}</span>'
        ).format(turn=turn, dash=_dash(turn), name=line.name)
        for turn, line in enumerate(chart.lines)
    )


def _known(line: Line) -> int:
    return sum(y is not None for _, y in line.points)


def _grid(scale: Axis, value: float, write: Write) -> Markup:
    y = _TOP + PLOT * (1 - scale.place(value))
    return Markup(
        '<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor"'
        ' stroke-opacity=".25"/><text class="tick" x="0" y="{above:.1f}">{text}</text>'
    ).format(y=y, above=y - 3, text=write(value))


def _mark(width: Axis, mark: Mark) -> Markup:
    place = width.place(mark.at)
    return Markup(
        '<line class="axis" x1="{x}" x2="{x}" y1="{top}" y2="{end}" stroke="currentColor"'
        ' stroke-opacity=".5" stroke-dasharray="1 3"/>'
        '<text class="tick" x="{x}" y="11" text-anchor="{anchor}">{words}</text>'
    ).format(x=share(place), top=_TOP, end=_TOP + PLOT, anchor=_anchor(place), words=mark.words)


def _plot(chart: LineChart, scale: Axis, width: Axis) -> Markup:
    paths = Markup().join(
        Markup(
            '<path class="l{turn}" d="{d}" fill="none" stroke="currentColor" stroke-width="1.75"'
            '{dash} stroke-linejoin="round" vector-effect="non-scaling-stroke"/>'
        ).format(turn=turn, d=_path(line.points, scale, width), dash=_dash(turn))
        for turn, line in enumerate(chart.lines)
    )
    return Markup(
        '<svg y="{top}" width="100%" height="{plot}" viewBox="0 0 {span} {plot}"'
        ' preserveAspectRatio="none">{paths}</svg>'
    ).format(top=_TOP, plot=PLOT, span=SPAN, paths=paths)


def _dash(turn: int) -> Markup:
    dash = _DASHES[turn % len(_DASHES)]
    return Markup(' stroke-dasharray="{dash}"').format(dash=dash) if dash else Markup()


def _path(points: Sequence[Point], scale: Axis, width: Axis) -> str:
    """Return a path through the points, begun anew after what is not known."""
    steps, pen_down = [], False
    for x, y in points:
        if y is None:
            pen_down = False
            continue
        across = round(width.place(x) * SPAN)
        down = PLOT * (1 - scale.place(y))
        steps.append(f"{'L' if pen_down else 'M'}{across} {down:.1f}")
        pen_down = True
    return "".join(steps)


def _feet(chart: LineChart, width: Axis) -> Iterable[Markup]:
    y = _TOP + PLOT + 0.5
    yield Markup(
        '<line class="axis" x1="0" x2="100%" y1="{y}" y2="{y}" stroke="currentColor"/>'
    ).format(y=y)
    ticks = chart.ticks or [Mark(value, chart.across(value)) for value in width.ticks()]
    for tick in ticks:
        if width.low <= tick.at <= width.high:
            place = width.place(tick.at)
            yield Markup(
                '<text class="tick" x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>'
            ).format(x=share(place), y=y + 15, anchor=_anchor(place), words=tick.words)


def _anchor(place: float) -> str:
    return "start" if place < _NEAR else "end" if place > 1 - _NEAR else "middle"


def _words(chart: LineChart) -> str:
    texts = []
    for line in chart.lines:
        values = [y for _, y in line.points if y is not None]
        if values:
            low, high, last = (chart.up(value) for value in (min(values), max(values), values[-1]))
            texts.append(f"{line.name}: from {low} to {high}, last {last}")
    if chart.scale.log:
        texts.append("logarithmic scale")
    return "; ".join(texts)


def nines(q: float) -> float:
    """Return where a quantile lies on an axis on which each further nine takes the same room."""
    return -math.log10(max(1 - q, 1e-12))
