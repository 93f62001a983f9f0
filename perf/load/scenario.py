"""Scenarios: what is asked of a service, how often, and what its answers must keep to.

A scenario is data and one function that picks the next request. A file of `loadtests/` holds one
as `SCENARIO`; it can be read without Locust, which is loaded in the generator's process only, and
the same file runs under plain `locust -f` by the class that `for_locust` returns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Any

from perf.claim import TargetKind
from perf.errors import UserError


class ScenarioError(UserError):
    """A scenario contradicts itself or cannot be read."""


class Arrivals(StrEnum):
    """How arrivals are spread over a phase."""

    POISSON = "poisson"  # as independent users come
    CONSTANT = "constant"


POISSON = Arrivals.POISSON
CONSTANT = Arrivals.CONSTANT


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a run at one rate, in arrivals a second of the whole scenario.

    What is due in the first `warmup_s` is sent but not judged.
    """

    name: str
    duration_s: float
    rate: float
    arrivals: Arrivals = POISSON
    warmup_s: float = 0.0

    def __post_init__(self) -> None:
        if self.duration_s <= 0 or self.rate <= 0:
            raise ScenarioError(f"phase {self.name!r} needs a duration and a rate above zero")
        if not 0 <= self.warmup_s < self.duration_s:
            raise ScenarioError(f"phase {self.name!r} is over before its warm-up is")

    def described(self, start_s: float) -> dict[str, Any]:
        """Return what a result says of the phase, as JSON values."""
        return {
            "name": self.name,
            "start_s": start_s,
            "duration_s": self.duration_s,
            "warmup_s": self.warmup_s,
            "rate": self.rate,
            "arrivals": str(self.arrivals),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered, as `Ask.follow` gets it.

    `ended` is when its last byte was there, on `time.monotonic()`: reading it is our own time.
    """

    status: int
    body: bytes
    ended: float = 0.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `name` groups it in results; `body` is sent as JSON.

    `follow` reads the answer and returns the request that its sender makes next, such as the next
    page; that one is due when the answer is there, since nobody could have asked before.
    """

    name: str
    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    expect: tuple[int, ...] = (200, 304)
    follow: Callable[[Answer], Ask | None] | None = None


@dataclass(frozen=True, slots=True)
class Listeners:
    """WebSocket connections held open through the run, each expecting a message now and then."""

    number: int
    path: str
    heartbeat_s: float

    def __post_init__(self) -> None:
        if self.number < 1 or self.heartbeat_s <= 0:
            raise ScenarioError("listeners need a number and a heartbeat above zero")


class Metric(StrEnum):
    """What a threshold can bound."""

    P50 = "p50"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"
    P999 = "p999"
    ERROR_RATE = "error_rate"
    THROUGHPUT = "throughput"
    HIT_RATE = "hit_rate"
    MEMORY = "memory"

    @property
    def quantile(self) -> float | None:
        """The quantile of response times that this is; None for the others."""
        return _QUANTILES.get(self)


_QUANTILES = {
    Metric.P50: 0.5,
    Metric.P90: 0.9,
    Metric.P95: 0.95,
    Metric.P99: 0.99,
    Metric.P999: 0.999,
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound on one metric, of one phase and one request's name or of all; `abort` ends the run.

    A run is ended early only when the bound is broken beyond doubt.
    """

    metric: Metric
    bound: float
    unit: str
    kind: TargetKind
    phase: str | None = None
    request: str | None = None
    abort: bool = False


def p50(ms: float, **where: Any) -> Threshold:
    """Bound the median response time."""
    return Threshold(Metric.P50, ms, "ms", TargetKind.AT_MOST, **where)


def p90(ms: float, **where: Any) -> Threshold:
    """Bound the response time that nine of ten keep."""
    return Threshold(Metric.P90, ms, "ms", TargetKind.AT_MOST, **where)


def p95(ms: float, **where: Any) -> Threshold:
    """Bound the response time that 95 of 100 keep."""
    return Threshold(Metric.P95, ms, "ms", TargetKind.AT_MOST, **where)


def p99(ms: float, **where: Any) -> Threshold:
    """Bound the response time that 99 of 100 keep."""
    return Threshold(Metric.P99, ms, "ms", TargetKind.AT_MOST, **where)


def p999(ms: float, **where: Any) -> Threshold:
    """Bound the response time that 999 of 1000 keep."""
    return Threshold(Metric.P999, ms, "ms", TargetKind.AT_MOST, **where)


def error_rate(percent: float = 0.0, **where: Any) -> Threshold:
    """Bound the share of requests that failed."""
    return Threshold(Metric.ERROR_RATE, percent, "%", TargetKind.AT_MOST, **where)


def throughput(per_s: float, **where: Any) -> Threshold:
    """Require so many finished requests a second."""
    return Threshold(Metric.THROUGHPUT, per_s, "req/s", TargetKind.AT_LEAST, **where)


def hit_rate(percent: float, **where: Any) -> Threshold:
    """Require a share of look-ups that the server's cache answers."""
    return Threshold(Metric.HIT_RATE, percent, "%", TargetKind.AT_LEAST, **where)


def memory(mb: float, **where: Any) -> Threshold:
    """Bound the server's resident memory."""
    return Threshold(Metric.MEMORY, mb, "MB", TargetKind.AT_MOST, **where)


Pick = Callable[[Random, float], Ask]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named run: its phases in order, what is asked, and the thresholds.

    `asks` gets a random source of the arrival's own and the seconds since the start, so that an
    arrival asks the same whichever worker sends it. `users` is only told.
    """

    name: str
    title: str
    phases: tuple[Phase, ...]
    asks: Pick
    thresholds: tuple[Threshold, ...] = ()
    users: int | None = None
    listeners: Listeners | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        names = [phase.name for phase in self.phases]
        if not names or len(set(names)) < len(names):
            raise ScenarioError(f"scenario {self.name!r} needs phases, each with a name of its own")
        for threshold in self.thresholds:
            if threshold.phase is not None and threshold.phase not in names:
                raise ScenarioError(
                    f"a threshold of {self.name!r} is on phase {threshold.phase!r}, "
                    f"which is none of {', '.join(names)}"
                )

    @property
    def duration_s(self) -> float:
        """How long arrivals go on."""
        return sum(phase.duration_s for phase in self.phases)

    def starts(self) -> tuple[float, ...]:
        """Return when each phase begins, in seconds since the start."""
        ends = [0.0]
        for phase in self.phases:
            ends.append(ends[-1] + phase.duration_s)
        return tuple(ends[:-1])

    def scaled(self, factor: float) -> Scenario:
        """Return the scenario at `factor` times its rates."""
        phases = tuple(replace(phase, rate=phase.rate * factor) for phase in self.phases)
        return replace(self, phases=phases)

    def described(self) -> dict[str, Any]:
        """Return what a result says of the scenario, as JSON values."""
        return {
            "name": self.name,
            "title": self.title,
            "model": "open",
            "seed": self.seed,
            "users": self.users,
            "listeners": None if self.listeners is None else self.listeners.number,
            "phases": [
                phase.described(start_s)
                for phase, start_s in zip(self.phases, self.starts(), strict=True)
            ],
        }


def for_locust(scenario: Scenario) -> Any:
    """Return the class that makes Locust run `scenario`; None where Locust is not loaded.

    The last line of a scenario's file: `LoadTest = for_locust(SCENARIO)`.
    """
    if "locust" not in sys.modules:
        return None
    from perf.load.openloop import user_class  # noqa: PLC0415 - it imports Locust

    return user_class(scenario)
