"""A curve of memory over time, drawn from readings.

The scale begins at zero, since half a curve makes a leak of any wobble.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from perf.report.alone import alone
from perf.report.axis import SPAN, share, svg

_HEIGHT, _BELOW = 160, 22


def level_curve(points: Sequence[Sequence[float]]) -> Markup:
    """Draw readings of (seconds, MB) from zero up."""
    last_s = max(points[-1][0], 1e-9)
    highest = max(mb for _, mb in points) or 1.0
    path = " ".join(
        f"{SPAN * at / last_s:.0f},{_HEIGHT * (1 - mb / highest):.1f}" for at, mb in points
    )
    words = f"{points[0][1]:.1f} MB at first, {highest:.1f} MB at most, {points[-1][1]:.1f} MB last"
    body = Markup(
        '<svg width="100%" height="{height}" viewBox="0 0 {span} {height}"'
        ' preserveAspectRatio="none"><polyline points="{path}" fill="none" stroke="currentColor"'
        ' stroke-width="2" vector-effect="non-scaling-stroke"/></svg>'
        '<line x1="0" x2="100%" y1="{height}" y2="{height}" stroke="currentColor"/>'
        '<text x="{left}" y="{y}">0 s, 0 MB</text>'
        '<text x="{right}" y="{y}" text-anchor="end">{end}</text>'
    ).format(
        height=_HEIGHT,
        span=SPAN,
        path=path,
        left=share(0.01),
        right=share(0.99),
        y=_HEIGHT + 16,
        end=f"{last_s:.1f} s; {words}",
    )
    return svg("Resident memory over time", words, _HEIGHT + _BELOW, body)


def document(points: Sequence[Sequence[float]]) -> str:
    """Return the curve as a file of its own."""
    return alone(level_curve(points), "Resident memory over time")
