"""Who is told of a spike: the log, the metrics, and whoever asked to be.

Routes, providers and statements each have their series, up to `MOST` in all; what comes after is
counted and not watched. A series is named by code, never by what a caller sent.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from ava.clock import Clock
from ava.telemetry.spikes import Series, SpikeRule, Turn

MOST: Final = 300  # series; each holds some 300 numbers

ROUTE: Final = "route"
PROVIDER: Final = "provider"
STATEMENT: Final = "statement"

# What a person would not notice is no alarm, however many sigmas it is.
RULES: Final[Mapping[str, SpikeRule]] = {
    ROUTE: SpikeRule(floor_s=0.010),
    PROVIDER: SpikeRule(floor_s=0.050),
    STATEMENT: SpikeRule(floor_s=0.005),
}

logger = logging.getLogger(__name__)


class Spike(Struct, frozen=True, kw_only=True):
    """A series that is slower than usual: the medians before and now, and since when."""

    kind: str
    name: str
    since: datetime
    usual_s: float
    recent_s: float


Listener = Callable[[Spike, Turn], None]


class Spikes:
    """The series of one process."""

    def __init__(
        self, clock: Clock, rules: Mapping[str, SpikeRule] = RULES, most: int = MOST
    ) -> None:
        self.clock = clock
        self._rules = rules
        self._most = most
        self._series: dict[tuple[str, str], Watched] = {}
        self._active: dict[tuple[str, str], Spike] = {}
        self.listeners: list[Listener] = []
        self.started: Counter[tuple[str, str]] = Counter()
        self.unwatched = 0

    def observe(self, kind: str, name: str, seconds: float) -> None:
        """Take one duration, and tell everybody if it begins or ends a spike."""
        watched = self._series.get((kind, name)) or self.of(kind, name)
        if watched is not None:
            watched.observe(seconds)

    def of(self, kind: str, name: str) -> Watched | None:
        """Return the series of a name, None where there are too many to watch one more."""
        watched = self._series.get((kind, name))
        if watched is None:
            if len(self._series) >= self._most:
                self.unwatched += 1
                return None
            watched = self._series[(kind, name)] = Watched(self, (kind, name), self._rules[kind])
        return watched

    def active(self) -> list[Spike]:
        """Return the spikes there are now, the oldest first."""
        return list(self._active.values())

    def turned(self, key: tuple[str, str], series: Series, turn: Turn) -> None:
        """Tell everybody of the begin or the end of a spike."""
        spike = self._active.pop(key, None)
        if turn is Turn.STARTED or spike is None:
            spike = self._active[key] = self._spike(key, series)
            self.started[key] += 1
        self._log(spike, turn)
        for listener in self.listeners:
            listener(spike, turn)

    def _spike(self, key: tuple[str, str], series: Series) -> Spike:
        usual_s = 0.0 if series.usual is None else series.usual.seconds
        return Spike(
            kind=key[0],
            name=key[1],
            since=self.clock.now(),
            usual_s=usual_s,
            recent_s=series.recent_s or 0.0,
        )

    @staticmethod
    def _log(spike: Spike, turn: Turn) -> None:
        told = {"kind": spike.kind, "series": spike.name, "usual_s": spike.usual_s}
        if turn is Turn.STARTED:
            logger.warning(
                "latency spike: %s %s takes %.3g s, usually %.3g s",
                spike.kind,
                spike.name,
                spike.recent_s,
                spike.usual_s,
                extra={**told, "recent_s": spike.recent_s},
            )
            return
        how = "is over" if turn is Turn.ENDED else "is how it is now"
        logger.info("latency spike: %s %s %s", spike.kind, spike.name, how, extra=told)


class Watched:
    """One series; most of its samples cost a comparison (`Series.calm`)."""

    __slots__ = ("_calm", "_key", "_series", "_spikes")

    def __init__(self, spikes: Spikes, key: tuple[str, str], rule: SpikeRule) -> None:
        self._spikes = spikes
        self._key = key
        self._series = Series(rule)
        self._calm = self._series.calm

    def observe(self, seconds: float) -> None:
        """Take one duration."""
        if self._calm(seconds):
            return
        turn = self._series.observe(seconds, self._spikes.clock.monotonic())
        if turn is not None:
            self._spikes.turned(self._key, self._series, turn)
