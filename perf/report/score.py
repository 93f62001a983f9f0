"""The score: how much of what was promised is kept, by category and over all.

It is a summary for people; the exit code and the gate look at targets only, never at it. Every
target weighs the same within its category and every category the same in the total, because no
document gives a reason for other weights. A target that could not be measured makes its category
(and the total) unknown instead of better, and what the score could still be is given as a range.
Counter-examples are left out: they judge the document, not the system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perf.claim import Category, TargetKind
from perf.report.model import Entry
from perf.report.read import read
from perf.verdict import Verdict

# Steps of five; 70 is a B-, as in the audit report whose score this follows.
SCALE = (
    (95, "A+"),
    (90, "A"),
    (85, "A-"),
    (80, "B+"),
    (75, "B"),
    (70, "B-"),
    (65, "C+"),
    (60, "C"),
    (55, "C-"),
    (50, "D+"),
    (45, "D"),
    (40, "D-"),
    (0, "F"),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Points out of 100, at least `low` and at most `high`; known when both are the same."""

    low: float
    high: float

    @property
    def points(self) -> float | None:
        """Return the points, or None while they are unknown."""
        return self.low if self.low == self.high else None

    @property
    def grade(self) -> str | None:
        """Return the letter, or None while the points are unknown."""
        if self.points is None:
            return None
        # 69.9 is written 70, so it is graded as 70.
        return next(letter for least, letter in SCALE if round(self.points) >= least)


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """One category: targets met of those required, and its share of the total."""

    category: str
    met: int
    required: int
    not_measured: int
    weight: float
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Score:
    """The categories in their fixed order, and the total; None where nothing was required."""

    categories: tuple[CategoryScore, ...]
    mark: Mark | None


def score(results: Mapping[str, Any]) -> Score:
    """Return the score of a results document; raise ResultsError when it cannot be read."""
    return score_of(read(results).entries)


def score_of(entries: Sequence[Entry]) -> Score:
    """Return the score of these claims."""
    judged = [entry for entry in entries if _counts(entry)]
    extra = sorted({entry.category for entry in judged} - set(Category))
    names = [*(category.value for category in Category), *extra]
    held = {name: [entry for entry in judged if entry.category == name] for name in names}
    weight = 1 / max(1, sum(bool(found) for found in held.values()))
    categories = tuple(_score_category(name, found, weight) for name, found in held.items())
    return Score(categories, _total(categories))


def _counts(entry: Entry) -> bool:
    return (
        entry.target.kind is not TargetKind.COUNTER_EXAMPLE and entry.verdict is not Verdict.REFUTED
    )


def _score_category(name: str, entries: Sequence[Entry], weight: float) -> CategoryScore:
    met = sum(entry.verdict is Verdict.MET for entry in entries)
    unknown = sum(entry.verdict is Verdict.NOT_MEASURED for entry in entries)
    required = len(entries)
    if not required:
        return CategoryScore(name, 0, 0, 0, 0.0, None)
    mark = Mark(100 * met / required, 100 * (met + unknown) / required)
    return CategoryScore(name, met, required, unknown, weight, mark)


def _total(categories: Sequence[CategoryScore]) -> Mark | None:
    marked = [category.mark for category in categories if category.mark is not None]
    if not marked:
        return None
    low = sum(mark.low for mark in marked) / len(marked)
    high = sum(mark.high for mark in marked) / len(marked)
    return Mark(low, high)
