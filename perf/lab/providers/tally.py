"""What a provider saw: calls by outcome and path, connections, and the fullest windows.

The server counts in a `Tally` and hands out `Counts`, which hold nothing but numbers. A call is
counted when it arrives whole, whether or not it is ever answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from perf.lab.providers.provider import Outcome


@dataclass(frozen=True, slots=True)
class Counts:
    """Since the start or the last reset; `open` is now, and connections that asked nothing are out.

    requests = ok + limited + refused + faulted: answered in full, too fast or over the quota,
    refused for another reason, spoilt by the plan of faults. `credits` is what was charged, where
    there is a quota, and `busiest` says of each limit the most calls in one window of it.
    `lowest_gap_s` is the shortest time between two arrivals, in seconds of the provider's clock.
    """

    requests: int
    ok: int
    limited: int
    refused: int
    faulted: int
    by_path: Mapping[str, int]
    connections: int
    open: int
    peak_open: int
    peak_at_once: int
    credits: int
    busiest: Mapping[str, int]
    lowest_gap_s: float | None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read what the server sent."""
        return cls(**raw)


@dataclass(slots=True)
class Tally:
    """The running counts of one provider."""

    requests: int = 0
    ok: int = 0
    limited: int = 0
    refused: int = 0
    faulted: int = 0
    by_path: dict[str, int] = field(default_factory=dict)
    connections: int = 0
    open: int = 0
    peak_open: int = 0
    at_once: int = 0
    peak_at_once: int = 0
    lowest_gap_s: float | None = None
    last: float | None = None

    def arrived(self, label: str, now: float) -> None:
        """Count a call at its arrival."""
        self.requests += 1
        self.by_path[label] = self.by_path.get(label, 0) + 1
        self.at_once += 1
        self.peak_at_once = max(self.peak_at_once, self.at_once)
        if self.last is not None:
            gap_s = now - self.last
            self.lowest_gap_s = (
                gap_s if self.lowest_gap_s is None else min(gap_s, self.lowest_gap_s)
            )
        self.last = now

    def decided(self, outcome: Outcome, *, faulted: bool) -> None:
        """Count what became of it."""
        if faulted:
            self.faulted += 1
        elif outcome is Outcome.OK:
            self.ok += 1
        elif outcome is Outcome.LIMITED:
            self.limited += 1
        else:
            self.refused += 1

    def left(self) -> None:
        """Note that a call is answered or given up."""
        self.at_once -= 1

    def opened(self) -> None:
        """Count a connection at its first call."""
        self.connections += 1
        self.open += 1
        self.peak_open = max(self.peak_open, self.open)

    def closed(self) -> None:
        """Note the end of a connection."""
        self.open -= 1

    def clear(self) -> None:
        """Count from zero; what is open stays open."""
        fresh = Tally(
            open=self.open,
            peak_open=self.open,
            at_once=self.at_once,
            peak_at_once=self.at_once,
        )
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))

    def to_dict(self, credits_used: int, busiest: Mapping[str, int]) -> dict[str, Any]:
        """Return what `Counts.from_dict` reads."""
        told = asdict(self)
        for name in ("at_once", "last"):
            del told[name]
        return {**told, "credits": credits_used, "busiest": dict(busiest)}
