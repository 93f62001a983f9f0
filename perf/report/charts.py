"""The strip plot: every sample of a timed claim as a dot, with medians and the target.

It shows what an interval hides: two clusters, a drift, a single wild value. It states nothing that
the table beside it does not. The dots of one series are one path (round caps on the dashes of a
line), which keeps a hundred plots of hundreds of samples small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from perf.claim import Target, TargetKind
from perf.report import figures
from perf.report.axis import SPAN, Axis, axis, share, svg
from perf.report.model import Entry

_DOT = 5
_BIN = 8  # dots nearer than this are stacked
_APART = 4
_HIGHEST = 6  # dots of a stack; what is denser still looks the same
_BAND = 26
_LABEL = 18
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "\N{MICRO SIGN}s": 1e-6, "ns": 1e-9}


@dataclass(frozen=True, slots=True)
class Series:
    """Named samples, as the chart's table states them."""

    name: str
    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """Return the median."""
        return median(self.values)


@dataclass(frozen=True, slots=True)
class Strips:
    """What a strip plot shows: times in seconds, and the time the target asks for."""

    series: tuple[Series, ...]
    target_s: float | None
    rule: str | None


def strips(entry: Entry) -> Strips | None:
    """Return the plot of a timed claim; None for counts, which a sentence says better."""
    if not entry.is_timed:
        return None
    drawn = tuple(
        Series(name, values) for name, values in entry.samples.items() if not name.endswith("_cpu")
    )
    if not drawn:
        return None
    target_s = _target_s(entry.target, {series.name: series for series in drawn})
    return Strips(drawn, target_s, None if target_s is None else figures.rule(entry.target))


def is_one_count(entry: Entry) -> bool:
    """Say whether there is nothing in the samples but one number, counted again and again."""
    return entry.is_exact and len({v for values in entry.samples.values() for v in values}) == 1


def _target_s(target: Target, series: Mapping[str, Series]) -> float | None:
    """Return the target as a time of the last arm; None where it is none."""
    if target.kind is TargetKind.COUNTER_EXAMPLE:
        return None
    if target.unit in _SECONDS:
        return target.bound * _SECONDS[target.unit]
    before = series.get("before")
    if before is None:
        return None
    if target.unit == "x" and target.bound > 0:
        return before.middle / target.bound
    if target.unit == "%" and target.bound < 100:  # noqa: PLR2004 - percent
        return before.middle * (1 - target.bound / 100)
    return None


def strip_plot(plot: Strips) -> Markup:
    """Draw every sample as a dot, medians as bars, the last arm's target as a dashed line."""
    values = [value for series in plot.series for value in series.values]
    scale = axis([*values, *([] if plot.target_s is None else [plot.target_s])])
    row = _LABEL + _BAND
    bottom = row * len(plot.series) + 4
    tops = [(series, row * turn) for turn, series in enumerate(plot.series)]
    body = Markup(
        # What is the same for all is said once: a page has hundreds of these.
        '<svg width="100%" height="{height}" viewBox="0 0 {span} {height}"'
        ' preserveAspectRatio="none" fill="none" stroke="currentColor" stroke-width="{dot}"'
        ' stroke-linecap="round" stroke-dasharray="0 {apart}">{dots}</svg>'
        '<g stroke="currentColor" stroke-width="2">{middles}{target}</g>{labels}{scale}'
    ).format(
        height=bottom,
        span=SPAN,
        dot=_DOT,
        apart=_APART,
        dots=Markup().join(_strip(series, scale, top) for series, top in tops),
        middles=Markup().join(_middle(series, scale, top) for series, top in tops),
        target=""
        if plot.target_s is None
        else _target(scale.place(plot.target_s), bottom - 4 - _BAND),
        labels=Markup().join(_label(series, top) for series, top in tops),
        scale=_scale(scale, bottom),
    )
    return svg(_strip_title(plot), _strip_text(plot, scale), bottom + 22, body)


def _strip(series: Series, scale: Axis, top: int) -> Markup:
    return Markup(
        '<path class="dots {cls}" d="{dots}" vector-effect="non-scaling-stroke"/>'
    ).format(
        cls="before" if series.name == "before" else "after",
        dots=_dots(series.values, scale, top + _LABEL),
    )


def _middle(series: Series, scale: Axis, top: int) -> Markup:
    return Markup('<line class="middle" x1="{x}" x2="{x}" y1="{band}" y2="{end}"/>').format(
        x=share(scale.place(series.middle)), band=top + _LABEL, end=top + _LABEL + _BAND
    )


def _label(series: Series, top: int) -> Markup:
    return Markup('<text x="0" y="{y}">{name}</text>').format(
        y=top + 13, name=f"{series.name}: median {figures.seconds(series.middle)}"
    )


def _dots(values: Sequence[float], scale: Axis, top: int) -> str:
    """Return one path for all dots: an upright line a bin, which its dashes make a stack of dots.

    Each line is relative to the one before and a touch longer than from dot to dot, since a line
    of no length has no dashes.
    """
    held = Counter(round(scale.place(value) * SPAN / _BIN) for value in values)
    steps, at_x, at_y = [], 0, 0
    for place, count in sorted(held.items()):
        rise = _APART * (min(count, _HIGHEST) - 1)
        x, y = place * _BIN, top + (_BAND - rise) // 2
        steps.append(f"m{x - at_x} {y - at_y}v{rise or ''}.1")
        at_x, at_y = x, y + rise
    return "".join(steps).replace(" -", "-")


def _target(place: float, top: int) -> Markup:
    return Markup(
        '<line class="target" x1="{x}" x2="{x}" y1="{top}" y2="{end}" stroke-dasharray="4 2"/>'
    ).format(x=share(place), top=top - 2, end=top + _BAND + 2)


def _scale(scale: Axis, top: int) -> Markup:
    size, unit = figures.time_unit(scale.high)
    line = Markup('<line class="axis" x2="100%" y1="{y}" y2="{y}" stroke="currentColor"/>').format(
        y=top + 0.5
    )
    ticks = Markup().join(
        Markup('<text x="{x}" y="{y}"{anchor}>{text}</text>').format(
            x=share(scale.place(value)),
            y=top + 16,
            anchor=_anchor(scale.place(value)),
            text=f"{value / size:.4g}{figures.SPACE}{unit}",
        )
        for value in scale.ticks()
    )
    return line + Markup('<g class="tick" text-anchor="middle">{}</g>').format(ticks)


def _anchor(place: float) -> Markup:
    """Say where a tick's text is held that has no room on both sides."""
    near = 0.1
    if near <= place <= 1 - near:
        return Markup()
    return Markup(' text-anchor="{}"').format("start" if place < near else "end")


def _strip_title(plot: Strips) -> str:
    names = " and ".join(series.name for series in plot.series)
    return f"Samples: {names}" if len(plot.series) > 1 else "Samples"


def _strip_text(plot: Strips, scale: Axis) -> str:
    texts = [
        f"{series.name}: {figures.count(len(series.values), 'sample')}, "
        f"{figures.seconds(min(series.values))} to {figures.seconds(max(series.values))}, "
        f"median {figures.seconds(series.middle)}"
        for series in plot.series
    ]
    if plot.target_s is not None:
        texts.append(f"target at {figures.seconds(plot.target_s)}")
    if scale.log:
        texts.append("logarithmic scale")
    return "; ".join(texts)
