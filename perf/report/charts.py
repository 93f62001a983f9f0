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
_BIN = 6  # dots nearer than this are stacked
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
    parts = [_strip(series, scale, row * turn) for turn, series in enumerate(plot.series)]
    if plot.target_s is not None:
        parts.append(_target(scale.place(plot.target_s), bottom - 4 - _BAND))
    parts.append(_scale(scale, bottom))
    return svg(_strip_title(plot), _strip_text(plot, scale), bottom + 22, Markup().join(parts))


def _strip(series: Series, scale: Axis, top: int) -> Markup:
    middle = scale.place(series.middle)
    return Markup(
        '<text x="0" y="{label}">{name}</text>'
        '<svg y="{band}" width="100%" height="{height}" viewBox="0 0 {span} {height}"'
        ' preserveAspectRatio="none">'
        '<path class="dots {cls}" d="{dots}" fill="none" stroke="currentColor"'
        ' stroke-width="{dot}" stroke-linecap="round" stroke-dasharray="0 {apart}"'
        ' vector-effect="non-scaling-stroke"/></svg>'
        '<line class="middle" x1="{x}" x2="{x}" y1="{band}" y2="{end}" stroke="currentColor"'
        ' stroke-width="2"/>'
    ).format(
        label=top + 13,
        name=f"{series.name}: median {figures.seconds(series.middle)}",
        band=top + _LABEL,
        end=top + _LABEL + _BAND,
        height=_BAND,
        span=SPAN,
        cls="before" if series.name == "before" else "after",
        dots=_dots(series.values, scale),
        dot=_DOT,
        apart=_APART,
        x=share(middle),
    )


def _dots(values: Sequence[float], scale: Axis) -> str:
    """Return one path for all dots: an upright line a bin, which its dashes make a stack of dots.

    Each line is relative to the one before and a touch longer than from dot to dot, since a line
    of no length has no dashes.
    """
    held = Counter(round(scale.place(value) * SPAN / _BIN) for value in values)
    steps, at_x, at_y = [], 0, 0
    for place, count in sorted(held.items()):
        rise = _APART * (min(count, _HIGHEST) - 1)
        x, y = place * _BIN, (_BAND - rise) // 2
        steps.append(f"m{x - at_x} {y - at_y}v{rise or ''}.1")
        at_x, at_y = x, y + rise
    return "".join(steps).replace(" -", "-")


def _target(place: float, top: int) -> Markup:
    return Markup(
        '<line class="target" x1="{x}" x2="{x}" y1="{top}" y2="{end}" stroke="currentColor"'
        ' stroke-width="1.5" stroke-dasharray="4 2"/>'
    ).format(x=share(place), top=top - 2, end=top + _BAND + 2)


def _scale(scale: Axis, top: int) -> Markup:
    size, unit = figures.time_unit(scale.high)
    line = Markup(
        '<line class="axis" x1="0" x2="100%" y1="{y}" y2="{y}" stroke="currentColor"/>'
    ).format(y=top + 0.5)
    return line + Markup().join(
        Markup('<text class="tick" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>').format(
            x=share(scale.place(value)),
            y=top + 16,
            anchor=_anchor(scale.place(value)),
            text=f"{value / size:.4g}{figures.SPACE}{unit}",
        )
        for value in scale.ticks()
    )


def _anchor(place: float) -> str:
    near = 0.1
    return "start" if place < near else "end" if place > 1 - near else "middle"


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
