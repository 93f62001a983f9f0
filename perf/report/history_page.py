"""The history as a page: every series that moved as a chart, the rest as a table.

One file like the report, and of its style: no script, nothing fetched. Charts are drawn for series
with a step first; of the others as many as keep the page small, and it says how many it left out.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from perf.history.series import Point as Kept
from perf.history.trends import Effect, Step, Trend
from perf.report import figures
from perf.report.html import style as style_of_reports
from perf.report.model import Point
from perf.report.trends import plot

MOST_CHARTS = 300
_ENOUGH = 2  # a line has two ends
_TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "\N{MICRO SIGN}s": 1e-6, "ns": 1e-9}
_SUREST = 99.9  # percent: more than this is not worth telling apart
_GLYPHS = {Effect.WORSE: "\N{BALLOT X}", Effect.BETTER: "\N{CHECK MARK}", Effect.CHANGED: "~"}


def render_history(trends: Sequence[Trend], unreadable: int) -> str:
    """Return the page of the trends, in the order given."""
    drawable = [trend for trend in trends if len(trend.series.points) >= _ENOUGH]
    return (
        _environment()
        .get_template("history.html.j2")
        .render(
            trends=trends,
            charted=drawable[:MOST_CHARTS],
            undrawn=len(drawable[MOST_CHARTS:]),
            moved=sum(bool(trend.steps) for trend in trends),
            worse=sum(is_worse(trend) for trend in trends),
            unreadable=unreadable,
            style=_style(),
            policy=_policy(),
        )
    )


def is_worse(trend: Trend) -> bool:
    """Say whether a series' newest step was for the worse."""
    return trend.newest is not None and trend.newest.effect is Effect.WORSE


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("perf.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        figures=figures,
        chart=_chart,
        level=level,
        last=last,
        levels=levels,
        moved_by=moved_by,
        sure=sure,
        named=named,
        glyphs=_GLYPHS,
    )
    return environment


def _style() -> str:
    own = files("perf.report").joinpath("templates/history.css").read_text(encoding="utf-8")
    return f"{style_of_reports()}\n{own}"


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'"


def _chart(trend: Trend) -> Markup:
    points = [_point(point) for point in trend.series.points]
    return plot(
        points,
        [step.point.index for step in trend.steps],
        title=f"{trend.series.key} over {figures.count(len(points), 'run')}",
        text=words(trend),
    )


def _point(kept: Kept) -> Point:
    known = kept.low is not None and kept.high is not None
    interval = (float(kept.low or 0), float(kept.high or 0)) if known else None
    return Point(kept.commit or kept.started[:10], kept.started, kept.value, interval, "")


def words(trend: Trend) -> str:
    """Say what a chart shows."""
    values = trend.series.values
    unit = trend.series.unit
    said = f"from {level(min(values), unit)} to {level(max(values), unit)}"
    moved = "".join(f"; {moved_by(step)} at {named(step)}" for step in trend.steps)
    return f"{said}, last {last(trend)}{moved}"


def last(trend: Trend) -> str:
    """Write the newest figure of a series, with the verdict it was given."""
    newest = trend.series.points[-1]
    verdict = f" ({newest.verdict.replace('_', ' ')})" if newest.verdict else ""
    return f"{level(newest.value, trend.series.unit)}{verdict}"


def level(value: float, unit: str) -> str:
    """Write a figure with its unit; a time, alone or of an iteration, in the size that suits it."""
    time, slash, of = unit.partition("/")
    if time in _TIMES and value > 0:
        return f"{figures.seconds(value * _TIMES[time])}{slash}{of}"
    return f"{figures.significant(value)}{figures.unit_of(unit, value)}"


def levels(trend: Trend, step: Step) -> str:
    """Write from where to where a step went."""
    unit = trend.series.unit
    return f"{level(step.point.before, unit)} \N{RIGHTWARDS ARROW} {level(step.point.after, unit)}"


def moved_by(step: Step) -> str:
    """Write how far a step went, as a share of the level before where there is one."""
    relative = step.point.relative
    return "from zero" if relative is None else figures.percent(relative)


def sure(step: Step) -> str:
    """Write a step's confidence; never as certainty."""
    percent = min(100 * step.point.confidence, _SUREST)
    return f"{'> ' if percent == _SUREST else ''}{percent:.1f}{figures.SPACE}%"


def named(step: Step) -> str:
    """Return the run a step is first seen in: its commit, else its day, else its place.

    A commit whose tree had changes is marked as git does, since these may have made the step.
    """
    first = step.first
    if first.commit:
        return f"{first.commit[:10]}{'-dirty' if first.dirty else ''}"
    return first.started[:10] or f"figure {step.point.index + 1}"
