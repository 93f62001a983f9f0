"""Where an iteration's time goes, by component, as document 004 lists it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from ava.clock import Clock

KEPT = 1_000  # iterations whose times are remembered


class Component(StrEnum):
    """A part of an iteration."""

    FETCH = "fetch"
    DETECT = "detect"
    PREDICT = "predict"
    STORE = "store"
    EXECUTE = "execute"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of one component over the iterations remembered."""

    median_s: float
    worst_s: float
    share: float


class Accounts:
    """The seconds of each component, of the last iterations."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now = dict.fromkeys(Component, 0.0)
        self._past: deque[Mapping[Component, float]] = deque(maxlen=KEPT)

    @contextmanager
    def of(self, component: Component) -> Iterator[None]:
        """Account for the time of a block."""
        started = self._clock.monotonic()
        try:
            yield
        finally:
            self._now[component] += self._clock.monotonic() - started

    def so_far(self, *components: Component) -> float:
        """Return the seconds of components in the iteration under way."""
        return sum(self._now[component] for component in components)

    def close(self) -> Mapping[Component, float]:
        """End an iteration and return its seconds by component."""
        spent = self._now
        self._past.append(spent)
        self._now = dict.fromkeys(Component, 0.0)
        return spent

    def table(self) -> dict[Component, Spent]:
        """Return what each component took; empty before the first iteration."""
        whole = sum(sum(spent.values()) for spent in self._past)
        return {
            component: Spent(
                median(spent[component] for spent in self._past),
                max(spent[component] for spent in self._past),
                sum(spent[component] for spent in self._past) / whole if whole else 0.0,
            )
            for component in Component
            if self._past
        }
