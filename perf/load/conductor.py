"""The conducting side of a run: a Locust master, or the one process of a small run.

It asks every worker to calibrate, gives all the same start and each its number, sums up their
reports, and knows when all are done. A worker that falls silent is lost, and a run with a lost
worker is invalid; its part is not given to others, since that would shift their schedule.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import gevent  # type: ignore[import-untyped] # it ships no types
from locust.runners import STATE_MISSING, MasterRunner, Runner

from perf.load.calibration import Calibration
from perf.load.dispatch import GRACE_S
from perf.load.histogram import Histogram
from perf.load.performer import BEGIN, PREPARE, PREPARED, REPORT, STOP
from perf.load.protocol import PhaseEdge, Progress
from perf.load.recording import Recording, percentiles_ms
from perf.load.scenario import Phase
from perf.load.transport import TIMEOUT_S
from perf.load.validity import Generator, Worker

LEAD_S = 0.3  # from the message to the start, so that all have heard it
_PREPARING_S = 30.0
_SILENT_S = 15.0  # after the last answer could have come
_LOOK_S = 0.05
_AFTER_S = 0.3  # after the full second, so that all reports of it are in


class Observer(Protocol):
    """Who is told what happens while a run goes on."""

    def ready(self, pids: Mapping[str, int]) -> None:
        """Hear that all workers are calibrated and the run is about to begin."""
        ...

    def edge(self, edge: PhaseEdge) -> None:
        """Hear that a phase begins or ends."""
        ...

    def progress(self, progress: Progress, so_far: Recording) -> None:
        """Hear that another second has passed."""
        ...


@dataclass(slots=True)
class _Player:
    """What is known of one worker."""

    name: str
    pid: int | None = None
    calibrations: tuple[Calibration, ...] = ()
    strain: Mapping[str, float | None] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    done: bool = False
    lost: bool = False

    @property
    def over(self) -> bool:
        return self.done or self.lost

    def worker(self) -> Worker:
        shares = {name: self.strain.get(name) for name in _SHARES}
        return Worker(self.name, **shares, calibrations=self.calibrations)


_SHARES = ("cpu_share", "runqueue_share", "busiest_second")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: times and counts, and the evidence of how they came about."""

    recording: Recording
    generator: Generator
    told: tuple[Mapping[str, Any], ...]
    stopped: bool


@dataclass(slots=True)
class Conductor:
    """Conducts one run over the phases given, at `scale` times their rates.

    The open model's workers end by themselves; those of the closed model (`model` "closed") are
    told to when the phases are over. `starting` is called when all are calibrated.
    """

    runner: Runner
    phases: Sequence[Phase]
    observer: Observer
    model: str = "open"
    scale: float = 1.0
    starting: Callable[[], None] | None = None
    recording: Recording = field(default_factory=Recording)
    stopped: bool = False
    _players: dict[str, _Player] = field(default_factory=dict)
    _recent: Histogram = field(default_factory=Histogram)

    def listen(self) -> None:
        """Register for the performers' messages."""
        self.runner.register_message(PREPARED, self._prepared)
        self.runner.register_message(REPORT, self._reported)

    def run(self) -> Outcome:
        """Conduct the run and return what it left."""
        names = self._connected()
        self.recording, self._recent, self.stopped = Recording(), Histogram(), False
        self._players = {one: _Player(f"worker {n}") for n, one in enumerate(names, 1)}
        self._await_prepared()
        self.observer.ready({one.name: one.pid for one in self._players.values() if one.pid})
        if self.starting is not None:
            self.starting()
        at = time.time() + LEAD_S
        for number, client in enumerate(names):
            self._tell(BEGIN, self._part(at, number), client)
        self._follow(at)
        return self._outcome()

    def stop(self) -> None:
        """End the run early."""
        if not self.stopped:
            self.stopped = True
            self._tell(STOP)

    def _connected(self) -> list[str]:
        if not isinstance(self.runner, MasterRunner):
            return ["local"]
        clients = self.runner.clients
        return sorted(
            (one.id for one in clients.all if one.state != STATE_MISSING),
            key=self.runner.get_worker_index,
        )

    def _part(self, at: float, number: int) -> dict[str, Any]:
        return {
            "at": at,
            "worker": number,
            "workers": len(self._players),
            "scale": self.scale,
            "host": self.runner.environment.host,
        }

    def _tell(self, kind: str, data: dict[str, Any] | None = None, client: str = "") -> None:
        self.runner.send_message(kind, data or {}, client or None)

    def _await_prepared(self) -> None:
        """Ask until each has answered; who never does is lost before it begins."""
        deadline = time.monotonic() + _PREPARING_S
        asked = 0.0
        while not all(one.pid or one.over for one in self._players.values()):
            if time.monotonic() - asked > 1:
                asked = time.monotonic()
                self._tell(PREPARE)
            if time.monotonic() > deadline:
                self._lose(lambda player: player.pid is None)
            gevent.sleep(_LOOK_S)

    def _follow(self, at: float) -> None:
        """Tell the observer what happens until all workers are through."""
        edges = self._edges()
        next_s = 1.0 + _AFTER_S
        while not all(one.over for one in self._players.values()):
            now_s = time.time() - at
            while edges and edges[0].at_s <= now_s:
                self._pass(edges.pop(0))
            if now_s >= next_s:
                next_s += 1
                self._progress(now_s)
                self._look_for_lost(now_s)
            gevent.sleep(max(0.0, min(_LOOK_S, *(one.at_s - now_s for one in edges[:1]), 1.0)))
        if not self.stopped:
            for edge in edges:
                self._pass(edge)
        self._progress(time.time() - at)

    def _pass(self, edge: PhaseEdge) -> None:
        self.observer.edge(edge)
        if self.model == "closed" and edge.edge == "end" and edge.name == self.phases[-1].name:
            self._tell(STOP)

    def _edges(self) -> list[PhaseEdge]:
        edges, at_s = [], 0.0
        for phase in self.phases:
            edges.append(PhaseEdge(phase.name, "begin", at_s))
            at_s += phase.duration_s
            edges.append(PhaseEdge(phase.name, "end", at_s))
        return edges

    def _progress(self, at_s: float) -> None:
        """Sum counts alone: merging all times each second would be lag where there is no master."""
        recent, self._recent = self._recent, Histogram()
        times, every = percentiles_ms(recent), self.recording.series.values()
        told = Progress(
            at_s=round(at_s, 3),
            scheduled=sum(one.scheduled for one in every),
            sent=sum(one.sent for one in every),
            finished=sum(one.finished for one in every),
            errors=sum(one.failed for one in every),
            dropped=sum(one.dropped for one in every),
            p50_ms=times["p50_ms"],
            p95_ms=times["p95_ms"],
            p99_ms=times["p99_ms"],
        )
        self.observer.progress(told, self.recording)

    def _look_for_lost(self, now_s: float) -> None:
        last_s = sum(phase.duration_s for phase in self.phases)
        if now_s > last_s + GRACE_S + TIMEOUT_S + _SILENT_S:
            self._lose(lambda player: not player.done)
        if isinstance(self.runner, MasterRunner):
            clients = self.runner.clients
            here = {one.id for one in clients.all if one.state != STATE_MISSING}
            gone = [one for client, one in self._players.items() if client not in here]
            self._lose(lambda player: player in gone)

    def _lose(self, which: Callable[[_Player], bool]) -> None:
        for player in self._players.values():
            if not player.over and which(player):
                player.lost = True

    def _prepared(self, msg: Any, **_: Any) -> None:
        player = self._players.get(msg.node_id)
        if player is not None and player.pid is None:
            player.pid = msg.data["pid"]
            player.error = msg.data["error"]
            player.calibrations = tuple(
                Calibration.from_json(one) for one in msg.data["calibrations"]
            )

    def _reported(self, msg: Any, **_: Any) -> None:
        player, data = self._players.get(msg.node_id), dict(msg.data)
        if player is None:
            return
        part = Recording.from_wire(data.pop("wire"))
        self.recording.add(part)
        for second in part.timeline.values():
            self._recent.add(second.response)
        player.strain, player.done = data.pop("strain"), data.pop("done")
        player.error = data.pop("error") or player.error
        player.told = data

    def _outcome(self) -> Outcome:
        players = list(self._players.values())
        generator = Generator(
            model=self.model,
            workers=tuple(one.worker() for one in players),
            lost=tuple(one.name for one in players if one.lost),
            failures=tuple(f"{one.name}: {one.error}" for one in players if one.error),
            limit=min((one.told["limit"] for one in players if "limit" in one.told), default=None),
        )
        told = tuple(one.told for one in players)
        return Outcome(self.recording, generator, told, self.stopped)
