"""The profile of a service under load: its processes are sampled in the scenario's busiest phase.

It is an onlooker of a run whose figures are thrown away: a sampler stops what it looks at for a
moment each time, so nobody may judge that run. When it has seen enough, the run is ended.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from perf.instruments.profile import Sampler
from perf.lab import Unavailable
from perf.load.protocol import Event, PhaseEdge, Progress, Ready
from perf.load.run import Order, run
from perf.load.subject import Subject

Make = Callable[[int, Path], Sampler]


class _Enough(Exception):  # noqa: N818 - no error: the way out of a run that is not needed further
    """All has been seen."""


class Watcher:
    """Samples processes for `seconds` from the moment that the busiest phase begins.

    `make` returns a sampler of a process; `seen` holds what each saw, or why it could not.
    """

    def __init__(
        self, processes: Mapping[str, int], folder: Path, seconds: float, make: Make = Sampler
    ) -> None:
        self.seen: dict[str, Mapping[str, Any]] = {}
        self._processes, self._folder = processes, folder
        self._seconds, self._make = seconds, make
        self._phase: str | None = None
        self._until = 0.0
        self._samplers: dict[str, Sampler] = {}

    def __call__(self, event: Event) -> None:
        """See an event of the run; raise when all has been seen."""
        match event:
            case Ready():
                self._phase = busiest(event.scenario)
            case PhaseEdge(name=self._phase, edge="begin"):
                self._until = event.at_s + self._seconds
                self._start()
            case PhaseEdge(name=self._phase, edge="end"):
                self._enough()
            case Progress() if self._samplers and event.at_s >= self._until:
                self._enough()

    def finish(self) -> None:
        """Take what each sampler saw; one that saw nothing says why."""
        for name, sampler in self._samplers.items():
            try:
                self.seen[name] = sampler.finish().to_dict()
            except Unavailable as error:
                self._lacks(name, error)
        self._samplers.clear()

    def _enough(self) -> None:
        self.finish()
        raise _Enough

    def _start(self) -> None:
        for name, pid in self._processes.items():
            sampler = self._make(pid, self._folder / f"{name}.txt")
            try:
                sampler.start()
            except Unavailable as error:
                self._lacks(name, error)
            else:
                self._samplers[name] = sampler
        if not self._samplers:
            raise _Enough

    def _lacks(self, name: str, error: Unavailable) -> None:
        self.seen[name] = {"unavailable": error.reason, "cure": error.cure}


def busiest(scenario: Mapping[str, Any]) -> str:
    """Return the name of the phase with the highest rate, the first of several."""
    phases = scenario["phases"]
    return str(max(phases, key=lambda phase: phase.get("rate") or 0.0)["name"])


def profiled(order: Order, subject: Subject, seconds: float) -> dict[str, Mapping[str, Any]]:
    """Put load on a service, and return what each of its processes spent its time on.

    Raises Unavailable where none of them could be sampled.
    """
    processes = subject.service.processes
    if not processes:
        raise Unavailable("the demonstration names no process of its service")
    with tempfile.TemporaryDirectory(prefix="profile-", dir=subject.guard.directory) as folder:
        watcher = Watcher(processes, Path(folder), seconds)
        try:
            with suppress(_Enough):
                run(order, subject.service, subject.guard, watcher)
        finally:
            watcher.finish()
    lacking = [seen for seen in watcher.seen.values() if "unavailable" in seen]
    if len(lacking) == len(watcher.seen):
        first = lacking[0] if lacking else {"unavailable": "the run ended before its busiest phase"}
        raise Unavailable(str(first["unavailable"]), first.get("cure"))
    return {
        name: {"kind": "cpu", "claim": f"{order.file.stem}, process {name}", **seen}
        for name, seen in watcher.seen.items()
    }
