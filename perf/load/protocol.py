"""What the generator says to the harness: one JSON object a line, on the generator's stdout.

    ready      once, when it could begin: the scenario, its thresholds, the generating processes
    phase      each time a phase begins or ends, when it happens
    progress   every second; `recordings` only where a threshold may end the run early
    done       last: the result file is complete
    failed     instead of all that is still to come: why nothing was measured

SIGTERM or SIGINT asks the generator to stop early; it still says `done`, with `stopped`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from perf.claim import TargetKind
from perf.load.scenario import Metric, Threshold


@dataclass(frozen=True, slots=True)
class Ready:
    """The generator is about to begin."""

    scenario: Mapping[str, Any]
    thresholds: tuple[Threshold, ...] = ()
    pids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PhaseEdge:
    """A phase begins (`edge` "begin") or ends ("end"), `at_s` seconds after the start."""

    name: str
    edge: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the run is. Counts are totals; the percentiles are those of what just ended."""

    at_s: float
    scheduled: int
    sent: int
    finished: int
    errors: int
    dropped: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    recordings: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The result file is written; `stopped` says that the run was ended early."""

    result: str
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing was measured; `usage` says that what was asked for was wrong."""

    reason: str
    usage: bool = False


Event = Ready | PhaseEdge | Progress | Done | Failed

_EVENTS: dict[str, type[Event]] = {
    "ready": Ready,
    "phase": PhaseEdge,
    "progress": Progress,
    "done": Done,
    "failed": Failed,
}
_NAMES = {kind: name for name, kind in _EVENTS.items()}


def encode(event: Event) -> str:
    """Return the event's line, without its end."""
    return json.dumps({"event": _NAMES[type(event)], **asdict(event)})


def decode(line: str) -> Event:
    """Read a line; raise ValueError when it is something else."""
    try:
        raw = json.loads(line)
        kind = _EVENTS[raw.pop("event")]
        if kind is Ready:
            raw["thresholds"] = tuple(threshold(one) for one in raw["thresholds"])
        return kind(**raw)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not an event of the generator: {line[:200]!r}") from error


def threshold(raw: Mapping[str, Any]) -> Threshold:
    """Read a threshold as JSON has it."""
    return Threshold(**{**raw, "metric": Metric(raw["metric"]), "kind": TargetKind(raw["kind"])})
