"""How a finder is scored: by the measure of the Turing change point data set, and by counts.

Precision is held against the union of what all people saw, recall is the mean over people; every
set has the start of the series in it, so a series without change points can be right (van den Burg
and Williams, An Evaluation of Change Point Detection Algorithms, 2020, section 4). A label is
found within `MARGIN` figures, each by one prediction at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MARGIN = 5  # figures, as in the paper
NARROW = 2  # figures, where the truth is known to the figure
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Return the harmonic mean."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def by_people(people: Sequence[frozenset[int]], predicted: Iterable[int]) -> Score:
    """Score one series against several people's labels."""
    said = {0, *predicted}
    seen = [{0, *labels} for labels in people]
    union = set[int]().union(*seen)
    precision = hits(union, said, MARGIN) / len(said)
    recall = sum(hits(labels, said, MARGIN) / len(labels) for labels in seen) / len(seen)
    return Score(precision, recall)


def hits(labels: Iterable[int], predicted: Iterable[int], margin: int) -> int:
    """Return how many labels are found, each prediction serving one."""
    left, found = set(predicted), 0
    for label in sorted(labels):
        near = [one for one in left if abs(one - label) <= margin]
        if near:
            left.remove(min(near, key=lambda one: (abs(one - label), one)))
            found += 1
    return found


def pooled(truth: Sequence[Sequence[int]], predicted: Sequence[Sequence[int]]) -> Score:
    """Score many series with known steps as one."""
    found = sum(hits(steps, said, NARROW) for steps, said in zip(truth, predicted, strict=True))
    claimed, real = sum(map(len, predicted)), sum(map(len, truth))
    return Score(found / claimed if claimed else 1.0, found / real if real else 1.0)


def share(part: int, whole: int) -> dict[str, float]:
    """Return a share with Wilson's interval of 95 %."""
    p, square = part / whole, _Z**2
    centre = (p + square / (2 * whole)) / (1 + square / whole)
    half = _Z * math.sqrt(p * (1 - p) / whole + square / (4 * whole**2)) / (1 + square / whole)
    return {"of": whole, "share": p, "low": max(0.0, centre - half), "high": centre + half}
