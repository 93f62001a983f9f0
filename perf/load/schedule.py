"""The schedule: when each request of a scenario is due, made beforehand from a seed.

It knows nothing of answers, which is what makes the load open: no server can slow it down. Each of
n workers walks the whole schedule and takes every n-th arrival, so one worker and many make the
same arrivals at the same times, and each arrival picks its request from a random source of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from perf.load.scenario import Arrivals, Ask, Phase, Scenario


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that is due, `due_s` seconds after the start; `index` counts over the run."""

    index: int
    phase: str
    due_s: float
    warmup: bool


def arrivals(scenario: Scenario) -> Iterator[Arrival]:
    """Yield every arrival of the scenario, in order."""
    index = 0
    for number, (phase, start_s) in enumerate(zip(scenario.phases, scenario.starts(), strict=True)):
        for offset_s in offsets(phase, f"{scenario.seed}/{number}"):
            yield Arrival(index, phase.name, start_s + offset_s, offset_s < phase.warmup_s)
            index += 1


def offsets(phase: Phase, seed: str) -> Iterator[float]:
    """Yield the due times within a phase, in seconds since it began."""
    if phase.arrivals is Arrivals.CONSTANT:
        yield from _evenly(phase)
        return
    source = Random(seed)  # noqa: S311 - a schedule that repeats, not a secret
    offset_s = source.expovariate(phase.rate)
    while offset_s < phase.duration_s:
        yield offset_s
        offset_s += source.expovariate(phase.rate)


def _evenly(phase: Phase) -> Iterator[float]:
    """Multiply instead of adding up: a long phase must not drift by its rounding."""
    for number in range(round(phase.duration_s * phase.rate)):
        yield number / phase.rate


def share(whole: Iterable[Arrival], worker: int, workers: int) -> Iterator[Arrival]:
    """Return what worker number `worker` of `workers` sends."""
    return islice(whole, worker, None, workers)


@dataclass(slots=True)
class Picker:
    """Picks the request of an arrival; its random source is seeded anew for each."""

    scenario: Scenario
    source: Random

    def pick(self, arrival: Arrival) -> Ask:
        """Return what this arrival asks, whichever worker it falls to."""
        self.source.seed(self.scenario.seed << 40 | arrival.index)
        return self.scenario.asks(self.source, arrival.due_s)


def picker(scenario: Scenario) -> Picker:
    """Return a picker for the scenario."""
    return Picker(scenario, Random(0))  # noqa: S311 - seeded for each arrival
