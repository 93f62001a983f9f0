"""What was measured, in the history's own terms: a run of figures.

A figure is one number of one thing, with its unit and which way is better. What a file holds and
is not kept is a `Skipped` with its reason, so that rows read are rows kept and rows skipped. A run
is known by what it holds: the same file again adds nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

IMPORTED = "imported"  # the profile of a run that a file was imported for
OWN = "own"  # and of one that a command kept when it ended
UNKNOWN_MACHINE = "machine not known"
DATED = "dated by the file's own time"


class Better(StrEnum):
    """Which way a figure should move."""

    LESS = "less"
    MORE = "more"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: `low` and `high` are the spread its file states, None where it states none."""

    name: str
    metric: str
    value: float
    unit: str
    better: Better
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """The figures of one run; `started` and `commit` are empty where they are not known.

    `dated` says whether `started` is the run's own and not its file's; `turn` is its place in a
    file that dates nothing. `verdicts` are those that were given to figures, by their name; `known`
    stands for the run where a file may hold less of it than the history does.
    """

    source: str
    figures: tuple[Figure, ...]
    started: str = ""
    commit: str = ""
    dirty: bool | None = None
    machine: str = UNKNOWN_MACHINE
    dated: bool = True
    turn: int = 0
    verdicts: Mapping[str, str] = field(default_factory=dict)
    known: Any = None

    @property
    def id(self) -> str:
        """Return a name made of what the run holds; a file that is copied is not another run."""
        held = asdict(self if self.dated else replace(self, started=""))
        del held["verdicts"], held["known"]
        text = json.dumps(held if self.known is None else self.known, sort_keys=True)
        return f"{self.source}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row of a file that gives no figure, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file holds: its format, its runs, how many rows were read, and those not kept."""

    format: str
    runs: tuple[Run, ...]
    rows: int
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def figures(self) -> int:
        """Return how many figures the runs hold."""
        return sum(len(run.figures) for run in self.runs)


@dataclass(slots=True)
class Sheet:
    """Collects figures row by row, so that no row is passed over in silence."""

    figures: list[Figure] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    rows: int = 0

    def row(
        self, where: str, figures: Sequence[Figure], reason: str = "it holds no number"
    ) -> None:
        """Count a row: keep its figures, or `reason` where it has none."""
        self.rows += 1
        self.figures += figures
        if not figures:
            self.skipped.append(Skipped(where, reason))

    def imported(self, run: Run, *notes: str) -> Imported:
        """Return the sheet as one run like `run`, with these figures."""
        runs = (replace(run, figures=tuple(self.figures)),) if self.figures else ()
        return Imported(run.source, runs, self.rows, tuple(self.skipped), notes)


def around(value: float, spread: Any) -> tuple[float | None, float | None]:
    """Return the ends of a spread that is written like "± 12"; None where it is not."""
    width = number(str(spread).lstrip("\N{PLUS-MINUS SIGN}+-/ ").rstrip("%").replace(",", ""))
    if width is None or "%" in str(spread):
        return None, None
    return value - width, value + width


def undated(source: str, modified: str) -> Run:
    """Return an empty run of a file that has no date but its own."""
    return Run(source, (), modified, dated=False)


def number(value: Any) -> float | None:
    """Return a finite number, from a number or its text; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def moment(value: Any) -> str:
    """Return a time in UTC, as the history writes it; empty where it cannot be read.

    Seconds, milliseconds and ISO texts are read; a text without a zone is taken for UTC.
    """
    seconds = number(value)
    try:
        if seconds is not None:
            ms = seconds > 1e11  # noqa: PLR2004 - as seconds that were after the year 5000
            found = datetime.fromtimestamp(seconds / 1000 if ms else seconds, UTC)
        else:
            found = datetime.fromisoformat(str(value))
            found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{found:%Y-%m-%dT%H:%M:%SZ}"


def machine_key(*facts: Any) -> str:
    """Return a key shared by runs whose machine was described alike; facts are not readable."""
    known = [str(fact) for fact in facts if fact]
    if not known:
        return UNKNOWN_MACHINE
    return f"imported-{hashlib.sha256('|'.join(known).encode()).hexdigest()[:8]}"


def to_line(run: Run, file: str, profile: str = IMPORTED) -> dict[str, Any]:
    """Return the history's line of a run: an audit without claims, and figures beside."""
    return {
        "schema": 1,
        "run": run.id,
        "started": run.started,
        "profile": profile,
        "commit": run.commit or None,
        "dirty": run.dirty,
        "complete": False,
        "machine": run.machine,
        "noise": None,
        "results": {},
        "source": run.source,
        "file": file,
        "figures": [asdict(figure) for figure in run.figures],
        "verdicts": dict(run.verdicts),
    }


def figures_of(line: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the figures of a line; what is not one is left out, since lines are ours."""
    found = []
    for raw in line.get("figures") or ():
        value = number(raw.get("value"))
        if value is not None:
            better = Better(raw.get("better", Better.UNKNOWN))
            low, high = number(raw.get("low")), number(raw.get("high"))
            found.append(Figure(raw["name"], raw["metric"], value, raw["unit"], better, low, high))
    return tuple(found)
