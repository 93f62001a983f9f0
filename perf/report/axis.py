"""The ground charts stand on: a scale, its ticks, and the SVG around a drawing.

Positions are shares of the width, so that a chart may be squeezed to any width while its text and
dots keep their size. Every SVG is an image with a title and a description, and carries its own
colours as attributes, so it can be read without the style sheet; nothing is animated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

WIDE_RANGE = 20  # a span of this factor is drawn on a logarithmic scale
SPAN = 1000  # units a squeezed drawing is wide

_EDGE = 0.02  # share of the length left free at either end
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values laid along a line from 0 to 1."""

    low: float
    high: float
    log: bool

    def place(self, value: float) -> float:
        """Return where a value lies, with a free edge at both ends."""
        low, high, at = map(self._bend, (self.low, self.high, value))
        share = 0.5 if high == low else (at - low) / (high - low)
        return _EDGE + (1 - 2 * _EDGE) * min(1.0, max(0.0, share))

    def _bend(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def ticks(self) -> list[float]:
        """Return a few round values within the range."""
        if not self.log:
            return _round_steps(self.low, self.high)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        fine = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
        within = [value for value in fine if self.low <= value <= self.high]
        tens = [value for value in within if f"{value:e}".startswith("1")]
        chosen = tens if len(tens) > 1 else within
        return chosen[:: max(1, math.ceil(len(chosen) / (2 * _TICKS)))]


def axis(values: Iterable[float]) -> Axis:
    """Return the axis that holds the values, logarithmic where they span a wide range."""
    held = list(values)
    low, high = min(held), max(held)
    return Axis(low, high, log=low > 0 and high / low > WIDE_RANGE)


def _round_steps(low: float, high: float) -> list[float]:
    if low == high:
        return [low]
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [step * turn for turn in range(first, last + 1)]


def share(place: float) -> str:
    """Write a place on an axis as a share of the width."""
    return f"{100 * place:.1f}%"


def svg(title: str, text: str, height: int, body: Markup) -> Markup:
    """Wrap a drawing as wide as its place allows and `height` pixels high."""
    return Markup(
        '<svg class="chart" role="img" width="100%" height="{height}">'
        "<title>{title}</title><desc>{text}</desc>{body}</svg>"
    ).format(height=height, title=title, text=text, body=body)
