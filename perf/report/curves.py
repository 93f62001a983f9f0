"""The curves of a load run: latency by share of requests, and over time what came of them.

They read what `perf.load.curves` wrote and leave out what is not what it should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from perf.report import figures
from perf.report.lines import Line, LineChart, Mark, legend, line_chart, nines
from perf.report.read import number

_SHARES = (0.5, 0.9, 0.99, 0.999, 0.9999)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with its heading, its names, and what to know when reading it."""

    title: str
    chart: Markup
    legend: Markup
    note: str


def drawings(raw: Mapping[str, Any], scenario: Mapping[str, Any]) -> Iterator[Drawing]:
    """Yield the charts of a run; one without a line that can be drawn is empty."""
    begun = _numbered(tuple(phases(scenario)))
    yield _drawing(
        "Latency distribution",
        LineChart(
            "Latency by share of requests",
            tuple(_distribution(raw)),
            across=lambda nine: f"{nine:g}",
            up=_tick_ms,
            ticks=tuple(Mark(nines(q), f"{100 * q:g} %") for q in _SHARES),
        ),
        "Across: the share of requests that took no longer; each further nine takes the same room.",
    )
    times = [("p50_ms", "p50"), ("p95_ms", "p95"), ("p99_ms", "p99")]
    yield _drawing(
        "Response times over the run",
        LineChart(
            "Percentiles by second",
            tuple(_series(raw.get("timeline"), key, name) for key, name in times),
            across=_s,
            up=_tick_ms,
            marks=begun,
        ),
        "By the second in which requests were due; dotted lines begin the phases.",
    )
    yield from _amounts(raw, begun)


def _amounts(raw: Mapping[str, Any], begun: tuple[Mark, ...]) -> Iterator[Drawing]:
    rates = [("offered", "offered"), ("achieved", "achieved")]
    yield _drawing(
        "Offered and achieved",
        LineChart(
            "Requests a second",
            tuple(_series(raw.get("rates"), key, name) for key, name in rates),
            across=_s,
            up=lambda value: f"{value:.4g}/s",
            marks=begun,
            from_zero=True,
        ),
        "By the second in which they were due, and in which they were completed.",
    )
    errors = [("errors", "errors"), ("dropped", "dropped")]
    drawn = [_series(raw.get("timeline"), key, name) for key, name in errors]
    if any(y for line in drawn for _, y in line.points):
        yield _drawing(
            "Errors",
            LineChart("Errors by second", tuple(drawn), _s, figures.exact, begun, from_zero=True),
            "By the second in which requests were due.",
        )
    memory = mapping(raw.get("memory"))
    yield _drawing(
        "Resident memory of the server",
        LineChart(
            "Memory by process",
            tuple(Line(str(name), _pairs(points)) for name, points in memory.items()),
            across=_s,
            up=lambda value: f"{value:.4g}{figures.SPACE}MB",
            marks=begun,
            from_zero=True,
        ),
        "Physical memory that each process holds, read every second.",
    )


def _drawing(title: str, chart: LineChart, note: str) -> Drawing:
    kept = tuple(line for line in chart.lines if line.points)
    if not kept:
        return Drawing(title, Markup(), Markup(), note)
    chart = replace(chart, lines=kept)
    if chart.scale.log:
        note = f"{note} Logarithmic scale."
    return Drawing(title, line_chart(chart), legend(chart), note)


def _distribution(raw: Mapping[str, Any]) -> Iterator[Line]:
    for one in map(mapping, listed(raw.get("distribution"))):
        points = ((nines(q), ms) for q, ms in _pairs(one.get("points")) if q < 1)
        yield Line(str(one.get("name")), tuple(points))


def phases(scenario: Mapping[str, Any]) -> Iterator[Mark]:
    """Yield where each phase begins, with its name and rate."""
    for one in map(mapping, listed(scenario.get("phases"))):
        start_s, rate = number(one.get("start_s")), number(one.get("rate"))
        if start_s is not None:
            at = "" if rate is None else f" at {rate:g}/s"
            yield Mark(start_s, f"{one.get('name')}{at}")


def _numbered(begun: Sequence[Mark]) -> tuple[Mark, ...]:
    """Return marks with room for their words however near they are: a number each."""
    return tuple(Mark(phase.at, str(turn)) for turn, phase in enumerate(begun, 1))


def _series(raw: Any, key: str, name: str) -> Line:
    rows = [mapping(one) for one in listed(raw)]
    timed = [(number(one.get("t_s")), number(one.get(key))) for one in rows]
    return Line(name, tuple((t_s, value) for t_s, value in timed if t_s is not None))


def _pairs(raw: Any) -> tuple[tuple[float, float | None], ...]:
    found = []
    for one in listed(raw):
        match one:
            case [across, up] if (x := number(across)) is not None:
                found.append((x, number(up)))
    return tuple(found)


def _tick_ms(value: float) -> str:
    """Write a round time of an axis, without the digits that a measured one has."""
    size, unit = figures.time_unit(value / 1000)
    return f"{value / 1000 / size:.4g}{figures.SPACE}{unit}"


def _s(value: float) -> str:
    return f"{value:g}{figures.SPACE}s"


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> Sequence[Any]:
    """Return a list, an empty one for anything else."""
    return value if isinstance(value, list) else []
