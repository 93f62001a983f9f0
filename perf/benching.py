"""Microbenchmarks: what pytest-benchmark measured, and what it was the last time.

The comparison is with a stored run from another hour, on what is hopefully the same machine in the
same mood, and so it is a hint: what moved by less than the drift between two runs is called the
same, what moved by more is shown with a question mark, and nothing here fails a run. Whether a
change made something slower is decided by the gate, which runs both revisions in turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from perf.errors import UserError
from perf.history import store
from perf.history.importers.bench_run import NAME
from perf.history.series import Point, Series, collect
from perf.report import figures
from perf.report.model import DRIFT
from perf.stats import quantile

_MOST_SAMPLES = (
    5_000  # an interval is not narrower for more, as rounds of one run resemble each other
)


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """`[tool.ava-perf.bench]`: the folder of the benchmarks."""

    folder: str = "perf/benchmarks"


@dataclass(frozen=True, slots=True)
class Figure:
    """The median seconds of one benchmark with its interval within the run."""

    id: str
    seconds: float
    low: float
    high: float
    rounds: int


class Move(StrEnum):
    """What may be said of a figure beside an older one."""

    NEW = "new"
    SAME = "same"
    FASTER = "faster?"
    SLOWER = "slower?"


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure beside the last one; `change` is 0.05 for five percent slower, None without one."""

    now: Figure
    move: Move
    change: float | None = None
    interval: tuple[float, float] | None = None
    since: str | None = None
    commit: str | None = None


class BenchmarkError(UserError):
    """What pytest-benchmark wrote is not what this version reads."""


def read(raw: Mapping[str, Any]) -> list[Figure]:
    """Return the figures of pytest-benchmark's JSON; raise BenchmarkError when it is none."""
    try:
        return [_figure(one["fullname"], one["stats"]) for one in raw["benchmarks"]]
    except (KeyError, TypeError, ValueError) as error:
        raise BenchmarkError(f"pytest-benchmark's figures cannot be read: {error!r}") from error


def _figure(name: str, stats: Mapping[str, Any]) -> Figure:
    samples = [float(value) for value in stats["data"]]
    middle = quantile(samples[:: math.ceil(len(samples) / _MOST_SAMPLES) or 1], 0.5)
    low, high = max(middle.low, min(samples)), min(middle.high, max(samples))
    return Figure(name, middle.estimate, low, high, int(stats["rounds"]))


def compare(now: Iterable[Figure], past: Iterable[Series]) -> list[Compared]:
    """Return each figure beside the newest one of its name; `past` is of one class of machine."""
    points = {series.key.name: series.points for series in past}
    return [_beside(figure, points.get(figure.id, ())) for figure in now]


def _beside(now: Figure, past: Sequence[Point]) -> Compared:
    for then in reversed(past):
        if then.low is not None and then.high is not None and 0 < then.low <= then.high:
            return _moved(now, then, (now.low / then.high - 1, now.high / then.low - 1))
    return Compared(now, Move.NEW)


def _moved(now: Figure, then: Point, interval: tuple[float, float]) -> Compared:
    """Compare by the far ends of both intervals: two runs share no rounds."""
    move = Move.SAME
    if interval[0] > DRIFT:
        move = Move.SLOWER
    elif interval[1] < -DRIFT:
        move = Move.FASTER
    change = now.seconds / then.value - 1
    return Compared(now, move, change, interval, then.started, then.commit or None)


def past_of(path: Path, machine: str) -> tuple[tuple[Series, ...], int]:
    """Return the figures of a machine's runs, and how many lines could not be read."""
    found, unreadable = store.lines(path)
    return collect(line for line in found if _is_like(line, machine)), unreadable


def _is_like(line: store.Line, machine: str) -> bool:
    return (line["machine"], line.get("source")) == (machine, NAME)


def to_json(compared: Sequence[Compared], run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of `--json`, which the history keeps; `run` says which run it is."""
    return {"schema": 1, "run": dict(run), "benchmarks": [_as_dict(one) for one in compared]}


def _as_dict(one: Compared) -> dict[str, Any]:
    return {
        "id": one.now.id,
        "seconds": one.now.seconds,
        "interval": [one.now.low, one.now.high],
        "rounds": one.now.rounds,
        "move": str(one.move),
        "change": one.change,
        "change_interval": None if one.interval is None else list(one.interval),
        "since": one.since,
        "since_commit": one.commit,
    }


def table(compared: Sequence[Compared]) -> str:
    """Return the figures as lines, the widest moves last, where a terminal shows them."""
    ordered = sorted(compared, key=lambda one: abs(one.change or 0.0))
    rows = [("median", "within the run", "rounds", "beside", "", "benchmark"), *map(_row, ordered)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    lines = ["  ".join([*_padded(row, widths), row[-1]]) for row in rows]
    return "\n".join([*lines, "", *_words(compared)])


def _row(one: Compared) -> tuple[str, ...]:
    now = one.now
    spread = f"{figures.seconds(now.low)}..{figures.seconds(now.high)}"
    change = figures.DASH if one.change is None else f"{one.change:+.1%}"
    return figures.seconds(now.seconds), spread, str(now.rounds), change, str(one.move), now.id


def _padded(row: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    pad: list[Callable[[str, int], str]] = [str.rjust, str.rjust, str.rjust, str.rjust, str.ljust]
    return (put(text, width) for put, text, width in zip(pad, row, widths, strict=False))


def _words(compared: Sequence[Compared]) -> Iterable[str]:
    """Yield what the comparison is worth."""
    older = [one for one in compared if one.since is not None]
    if not older:
        yield "Nothing to compare with: no earlier run on this class of machine."
        return
    since = max(str(one.since) for one in older)
    moved = sum(one.move in {Move.FASTER, Move.SLOWER} for one in older)
    yield (
        f"{len(older)} beside a stored run (the newest {since}); {moved} moved by more than the "
        f"{DRIFT:.0%} that runs drift."
    )
    yield "A hint and no verdict: `ava-perf gate --base REV` measures both revisions in turn."
