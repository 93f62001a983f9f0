"""What a worker says, as the coordinator reads it: JSON lines over one socket.

    worker                                       coordinator
    collected {benchmarks, errors, modules,
               runtime}                      ->
                                             <-  run {ids}
    parked {id, call, busy}                  ->
                                             <-  slice {calls, warm, metric, collector, core}
    slice {wall, cpu} or exhausted {calls}   ->
                                             <-  leave
    finished {id, outcome, reason}           ->
    end                                      ->

`perf.gate.inside` is the other end. It shares no code with this one, since it runs in the user's
interpreter; what a worker sends is therefore read with suspicion, and nothing else is believed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from perf.gate.sample import Metric


class ProtocolError(Exception):
    """A worker said what it cannot say; most likely the project's own code wrote to the socket."""


@dataclass(frozen=True, slots=True)
class Described:
    """A benchmark as its worker found it; `rule` is what its mark says."""

    id: str
    group: str
    rule: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Collected:
    """All that was found, what could not be imported, and where modules came from.

    `runtime` names the interpreter and its pytest.
    """

    benchmarks: tuple[Described, ...]
    errors: tuple[tuple[str, str], ...]
    modules: Mapping[str, str]
    runtime: str


@dataclass(frozen=True, slots=True)
class Parked:
    """A benchmark has made its first call, which took so long, and waits.

    `busy_s` is the processor time of that call, over all threads and children that ended in it.
    """

    id: str
    call_s: float
    busy_s: float = 0.0

    @property
    def is_parallel(self) -> bool:
        """Say whether the call uses more than one core at a time, clocks being what they are."""
        return self.busy_s > 1.2 * self.call_s + 2e-4


@dataclass(frozen=True, slots=True)
class Sliced:
    """What a slice read, for all of its calls: nanoseconds, bytes or instructions."""

    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The call cannot be repeated as often as was asked; `calls` is what its author allowed."""

    calls: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A test has ended: "passed", "failed" or "skipped"."""

    id: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """The worker's run is over."""


Event = Collected | Parked | Sliced | Exhausted | Finished | End


@dataclass(frozen=True, slots=True)
class Wish:
    """A slice to be measured; on a core of that number, or where the system likes."""

    calls: int
    warm: int
    metric: Metric
    collector: bool
    core: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the message."""
        return {
            "do": "slice",
            "calls": self.calls,
            "warm": self.warm,
            "metric": str(self.metric),
            "collector": self.collector,
            "core": self.core,
        }


def read(line: bytes) -> Event:
    """Return the event in a line; raise ProtocolError when it is none."""
    try:
        raw = json.loads(line)
        return _READERS[raw["event"]](raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(f"the worker sent {line[:80]!r}, which is no event") from error


def _collected(raw: Mapping[str, Any]) -> Collected:
    return Collected(
        benchmarks=tuple(
            Described(str(b["id"]), str(b["group"]), dict(b["rule"])) for b in raw["benchmarks"]
        ),
        errors=tuple((str(e["id"]), str(e["reason"])) for e in raw["errors"]),
        modules={str(name): str(path) for name, path in raw["modules"].items()},
        runtime=str(raw["runtime"]),
    )


def _sliced(raw: Mapping[str, Any]) -> Sliced:
    return Sliced({key: int(value) for key, value in raw.items() if key != "event"})


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Event]] = {
    "collected": _collected,
    "parked": lambda raw: Parked(str(raw["id"]), int(raw["call"]) / 1e9, int(raw["busy"]) / 1e9),
    "slice": _sliced,
    "exhausted": lambda raw: Exhausted(int(raw["calls"])),
    "finished": lambda raw: Finished(str(raw["id"]), str(raw["outcome"]), str(raw["reason"])),
    "end": lambda _: End(),
}
