"""Capacity: the highest rate at which a service keeps its thresholds, found by bisection.

Pure: from the trials so far follows the next rate, or the answer. While the bracket is wide one
trial at a rate is believed; the two ends of the answer are tried until one side leads by two, since
near the edge chance decides a single run. What is inconclusive is not met. The answer is a bracket:
met below, not met above, and no figure in between is claimed. A generator that twice cannot offer a
rate ends the search there (once may be a moment of a shared machine): the service's capacity is
then only known to be at least the last rate met.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

PRECISION = 0.1  # relative width of the bracket at which more trials are not worth their time
LEAD = 2  # of trials, by which a side must lead at the ends of the answer
MOST_AT_ONE = 5
MOST_TRIALS = 24
_STEP = 2.0
_LOWEST = 1 / 64  # of the first rate: below it there is no capacity to speak of


class Outcome(StrEnum):
    """What a trial at one rate came to."""

    MET = "met"
    MISSED = "missed"
    UNSURE = "unsure"
    UNOFFERED = "unoffered"  # the generator could not offer the rate


@dataclass(frozen=True, slots=True)
class Trial:
    """One run at a rate, in requests a second of the busiest phase."""

    rate: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Ask:
    """Try this rate next."""

    rate: float


@dataclass(frozen=True, slots=True)
class Found:
    """The answer: met at `low`, not met at `high`; None where there is no such end.

    `sure` says whether both ends were confirmed, `why` how the search ended.
    """

    low: float | None
    high: float | None
    sure: bool
    why: str


def step(trials: Sequence[Trial], start: float) -> Ask | Found:
    """Return the next rate to try, or the answer."""
    if not trials:
        return Ask(start)
    low, high = bracket(trials)
    unoffered = [one.rate for one in trials if one.outcome is Outcome.UNOFFERED]
    if len(unoffered) > len(set(unoffered)):
        return Found(low, None, sure=False, why="the generator could not offer more")
    if trials[-1].outcome is Outcome.UNOFFERED:
        return Ask(trials[-1].rate)
    if len(trials) >= MOST_TRIALS:
        return Found(low, high, sure=False, why=f"not decided after {MOST_TRIALS} trials")
    tied = next((rate for rate in _rates(trials) if _is_tied(trials, rate)), None)
    return Ask(tied) if tied is not None else _narrow(trials, low, high, start)


def _narrow(
    trials: Sequence[Trial], low: float | None, high: float | None, start: float
) -> Ask | Found:
    """Step outwards until there is a bracket, then halve it, then make sure of its ends."""
    if high is None:
        todo: Ask | Found = Ask((low or start) * _STEP)
    elif low is None and high / _STEP < start * _LOWEST:
        todo = Found(None, high, sure=True, why="no rate tried was met")
    elif low is None:
        todo = Ask(high / _STEP)
    elif high / low > 1 + PRECISION:
        todo = Ask(math.sqrt(low * high))
    else:
        todo = _confirm(trials, low, high)
    return todo


def bracket(trials: Sequence[Trial]) -> tuple[float | None, float | None]:
    """Return the highest rate met below all that were not, and the lowest that was not."""
    rates = _rates(trials)
    high = min((rate for rate in rates if lead(trials, rate) <= 0), default=None)
    met = [rate for rate in rates if lead(trials, rate) > 0 and (high is None or rate < high)]
    return max(met, default=None), high


def left(trials: Sequence[Trial]) -> int | None:
    """Return how many trials are left if none disagrees; None while there is no bracket."""
    low, high = bracket(trials)
    if low is None or high is None:
        return None
    steps = math.log(high / low) / math.log(1 + PRECISION)
    halvings = max(0, math.ceil(math.log2(steps))) if steps > 1 else 0
    ends = (low, high) if not halvings else (None, None)
    unsure = [end for end in ends if end is None or abs(lead(trials, end)) < LEAD]
    return min(halvings + len(unsure), MOST_TRIALS - len(trials))


def lead(trials: Sequence[Trial], rate: float) -> int:
    """Return by how many the trials that met the thresholds at a rate lead the others."""
    here = [one.outcome is Outcome.MET for one in trials if one.rate == rate]
    return 2 * sum(here) - len(here)


def _confirm(trials: Sequence[Trial], low: float, high: float) -> Ask | Found:
    for rate in (low, high):
        tried = sum(one.rate == rate for one in trials)
        if abs(lead(trials, rate)) < LEAD and tried < MOST_AT_ONE:
            return Ask(rate)
    sure = lead(trials, low) >= LEAD and lead(trials, high) <= -LEAD
    return Found(low, high, sure=sure, why="found" if sure else "the trials disagree at the edge")


def _is_tied(trials: Sequence[Trial], rate: float) -> bool:
    tried = sum(one.rate == rate for one in trials)
    return lead(trials, rate) == 0 and tried < MOST_AT_ONE


def _rates(trials: Sequence[Trial]) -> list[float]:
    return sorted({one.rate for one in trials})
