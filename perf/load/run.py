"""One load run from outside: start the generator, watch the server, keep both in a result.

The generator is a process of its own that speaks the lines of `perf.load.protocol`; each line is
also the clock by which the server is looked at, so nothing here sleeps or counts seconds itself. A
generator that falls silent is ended and nothing was measured. It belongs to the run's guard, so
however the harness ends, it ends too.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Protocol

from perf.demonstration import Service
from perf.errors import UserError
from perf.lab import Unavailable
from perf.lab.cores import separate, spread
from perf.lab.guard import Guard, Stop
from perf.lab.launch import tail
from perf.lab.processes import Owned, halt, look
from perf.load import protocol
from perf.load.protocol import Done, Event, Failed, PhaseEdge, Progress, Ready
from perf.load.recording import Recording
from perf.load.result import Result
from perf.load.scenario import Threshold
from perf.load.server import Sample, Watch
from perf.load.thresholds import Seen, broken
from perf.redact import redact

HEADERS = "AVA_PERF_LOAD_HEADERS"  # the generator reads them there: arguments can be listed
SCRAPE_S = 5.0  # as often as a Prometheus asks; each time costs the server some milliseconds
_SILENCE_S = 120.0  # calibrating and the last answers are the longest silences


class LoadError(UserError):
    """The scenario or what was asked for is wrong; the generator said why."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run and how: a scenario's or a Locust user's file, scaled, by so many workers.

    `users` and `run_time_s` are for a user's own file, `thresholds` are added to the scenario's.
    """

    file: Path
    workers: int = 1
    rate_scale: float = 1.0
    users: int = 10
    run_time_s: float = 30.0
    thresholds: tuple[Threshold, ...] = ()

    def arguments(self, host: str, result: Path) -> list[str]:
        """Return the generator's arguments; none of them is a secret."""
        named = {
            "--host": host,
            "--result": str(result),
            "--workers": str(self.workers),
            "--rate-scale": f"{self.rate_scale:.10g}",
            "--users": str(self.users),
            "--run-time": f"{self.run_time_s:.10g}",
        }
        return [str(self.file), *(part for pair in named.items() for part in pair)]


class Onlooker(Protocol):
    """Who is shown how the run goes."""

    def __call__(self, event: Event) -> None:
        """See an event."""
        ...


def unseen(event: Event) -> None:
    """Show nobody."""


def run(order: Order, service: Service, guard: Guard, onlooker: Onlooker = unseen) -> Result:
    """Run the order against the service and return what came of it.

    Raises LoadError for a scenario that is wrong and Unavailable when nothing was measured.
    """
    with (
        Watch(service) as watch,
        tempfile.TemporaryDirectory(prefix="load-", dir=guard.directory) as folder,
    ):
        file = Path(folder) / "result.json"
        log = Path(folder) / "generator.log"
        follower = _Follower(watch, order.thresholds, onlooker)
        follower.look(0.0, "before", asking=True)
        follower.require_figures(service)
        try:
            with _generator(order, service, guard, file, log) as (process, kept):
                follower.follow(process, log)
        finally:
            halt(follower.workers)  # they leave with their master, but not at once
        follower.look(follower.last_s, "after", asking=True)
        result = Result.from_json(json.loads(file.read_text(encoding="utf-8")))
    return replace(
        result,
        thresholds=(*result.thresholds, *order.thresholds),
        server=tuple(follower.samples),
        progress=tuple(follower.told),
        broken=tuple(follower.broken),
        facts={
            "workers": order.workers,
            "generator_and_server_on_own_cores": bool(kept),
            "server_cores": list(kept),
        },
    )


@dataclass(slots=True)
class _Follower:
    """Follows the generator's lines; looks at the server whenever one comes."""

    watch: Watch
    thresholds: tuple[Threshold, ...]
    onlooker: Onlooker
    samples: list[Sample] = field(default_factory=list)
    told: list[Progress] = field(default_factory=list)
    broken: list[Threshold] = field(default_factory=list)
    ready: Ready | None = None
    workers: list[Owned] = field(default_factory=list)
    last_s: float = 0.0
    _asked_s: float = 0.0

    def look(self, at_s: float, label: str | None = None, *, asking: bool = False) -> None:
        """Take a sample of the server."""
        if asking:
            self._asked_s = at_s
        generating = () if self.ready is None else self.ready.pids.values()
        sample = self.watch.sample(at_s, label, asking=asking, generating=generating)
        self.samples.append(sample)

    def require_figures(self, service: Service) -> None:
        """Raise Unavailable when figures that a service is said to tell cannot be read.

        Without its count nothing would notice that the generator lost requests.
        """
        told, figures = self.samples[-1].told, service.figures
        if figures is None:
            return
        if told is None or (figures.requests and told.requests is None):
            raise Unavailable(
                f"{service.url}{figures.path} does not tell the service's figures",
                "name the path in [tool.ava-perf.load], or none",
            )

    def follow(self, process: subprocess.Popen[bytes], log: Path) -> None:
        """Hear the generator to its end; raise LoadError or Unavailable when it fails."""
        if process.stdout is None:
            raise Unavailable("the generator has no pipe")
        lines = _Lines(process.stdout)
        for line in lines:
            event = protocol.decode(line)
            self.onlooker(event)
            if isinstance(event, Done):
                return
            if isinstance(event, Failed):
                raise LoadError(event.reason) if event.usage else Unavailable(event.reason)
            self._hear(event, process, behind=lines.behind)
        said = redact(tail(log.read_text(errors="replace")))
        raise Unavailable(f"the generator ended without a result: {said}")

    def _hear(self, event: Event, process: subprocess.Popen[bytes], *, behind: bool) -> None:
        match event:
            case Ready():
                self.ready = event
                self.workers = [*_owned(pid for pid in event.pids.values() if pid != process.pid)]
            case PhaseEdge():
                self.last_s = max(self.last_s, event.at_s)
                self.look(event.at_s, f"{event.name} {event.edge}", asking=True)
            case Progress():
                self.last_s = event.at_s
                if not behind:  # what is read now would be taken for an earlier moment
                    self.look(event.at_s, asking=event.at_s - self._asked_s >= SCRAPE_S)
                self.told.append(replace(event, recordings=None))
                self._judge_early(event, process)

    def _judge_early(self, event: Progress, process: subprocess.Popen[bytes]) -> None:
        """End the run when a bound that may end it is broken; once is enough."""
        if event.recordings is None or self.ready is None or self.broken:
            return
        seen = Seen(
            self.ready.scenario["phases"],
            Recording.from_json(event.recordings),
            self.samples,
            self.told,
        )
        self.broken = broken((*self.ready.thresholds, *self.thresholds), seen)
        if self.broken:
            process.terminate()


def _owned(pids: Iterable[int]) -> Iterator[Owned]:
    for pid in pids:
        if (seen := look(pid)) is not None:
            yield Owned(pid, seen.born, Stop.TERMINATE)


@contextmanager
def _generator(
    order: Order, service: Service, guard: Guard, file: Path, log: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Sequence[int]]]:
    """Start the generator in the guard's care, for the length of a block.

    Also return the cores that the service is kept to; none where it has them all.
    """
    command = [sys.executable, "-m", "perf.load.generator", *order.arguments(service.url, file)]
    with _apart(service, order.workers) as kept, log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            env={**os.environ, HEADERS: json.dumps(dict(service.headers))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            start_new_session=True,  # the terminal's Ctrl-C is the harness's, which ends this
        )
    try:
        guard.own(process.pid, Stop.GROUP)
        yield process, kept
        process.wait(_SILENCE_S)
    finally:
        guard.stop(process)
        if process.stdout is not None:
            process.stdout.close()


class _Lines:
    """The generator's lines as they come; its pipe is emptied whatever the reader is busy with.

    A generator that has to wait for its reader would send late, and the server be blamed for it.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._held: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    @property
    def behind(self) -> bool:
        """Whether a later line has come already."""
        return not self._held.empty()

    def __iter__(self) -> Iterator[str]:
        """Yield each line until the pipe ends; raise Unavailable when none comes for too long."""
        while True:
            try:
                line = self._held.get(timeout=_SILENCE_S)
            except queue.Empty as error:
                raise Unavailable(f"the generator said nothing for {_SILENCE_S:.0f} s") from error
            if not line:
                return
            yield line.decode("utf-8")

    def _read(self, pipe: IO[bytes]) -> None:
        with suppress(ValueError):  # it was closed meanwhile: nobody listens any more
            for line in pipe:
                self._held.put(line)
        self._held.put(b"")


@contextmanager
def _apart(service: Service, workers: int) -> Iterator[Sequence[int]]:
    """Let what is started in the block inherit a core, and keep the service to the others.

    This process takes its own leave afterwards: reading figures must not cost the generator time.
    Only processes of the run's own are moved, and several workers need several cores. Yield those
    that the service is kept to.
    """
    pids = [*service.servers, *(service.processes.values() if service.servers else ())]
    own = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    apart = bool(pids) and workers == 1 and separate(pids)
    try:
        yield sorted(own - os.sched_getaffinity(0)) if apart else ()
    finally:
        if apart:
            spread()
