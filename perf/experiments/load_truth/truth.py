"""Percentiles of raw samples, and how far a generator's figures are from them: pure functions.

A percentile is the smallest value that so large a share does not exceed: one that occurred, as a
histogram's is too. Two figures of one stall differ by chance, since a second of due times falls
into it here or there; so they agree within a tenth, or within five milliseconds where that is more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PERCENTILES: Mapping[str, float] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
SHARE, LEAST_MS = 0.10, 5.0


def percentile(values: Sequence[float], q: float) -> float:
    """Return the value at rank ceil(q n); ValueError where there is none."""
    if not values:
        raise ValueError("a percentile needs a sample")
    return sorted(values)[max(0, math.ceil(q * len(values) - 1e-9) - 1)]


def percentiles(
    values: Sequence[float], wanted: Mapping[str, float] = PERCENTILES
) -> dict[str, float]:
    """Return the percentiles wanted, by name."""
    ordered = sorted(values)
    return {name: percentile(ordered, q) for name, q in wanted.items()}


@dataclass(frozen=True, slots=True)
class Held:
    """One figure held against the truth, both in milliseconds."""

    name: str
    truth_ms: float
    told_ms: float
    tolerance_ms: float

    @property
    def off_ms(self) -> float:
        """How far it is off, above or below."""
        return abs(self.told_ms - self.truth_ms)

    @property
    def used(self) -> float:
        """What share of the tolerance that is; above 1 it is not the truth."""
        return self.off_ms / self.tolerance_ms


def held(
    truth_ms: Mapping[str, float],
    told_ms: Mapping[str, float],
    *,
    share: float = SHARE,
    least_ms: float = LEAST_MS,
) -> list[Held]:
    """Hold each figure against the truth of its name."""
    return [
        Held(name, truth, told_ms[name], max(share * truth, least_ms))
        for name, truth in truth_ms.items()
    ]


def worst(compared: Sequence[Held]) -> Held:
    """Return the one that is furthest off for its tolerance."""
    return max(compared, key=lambda one: one.used)
