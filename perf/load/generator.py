"""The generator's process: `python -m perf.load.generator FILE --host URL --result FILE`.

It runs Locust as a library, alone or as a master with local workers, and speaks the protocol of
`perf.load.protocol` on stdout; whatever else is printed goes to stderr. The harness starts it,
hears it, and reads the result file. It judges nothing.
"""

from __future__ import annotations

# Locust makes the standard library cooperative; what is imported before it would not be.
import locust  # isort: skip

import argparse
import gc
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

import gevent  # type: ignore[import-untyped] # it ships no types
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from perf.children import bound
from perf.errors import UserError
from perf.files import write_atomically
from perf.load import openloop
from perf.load.conductor import Conductor
from perf.load.models import Told, document, told_of
from perf.load.protocol import Done, Event, Failed, PhaseEdge, Progress, Ready, encode
from perf.load.recording import Recording
from perf.load.scenario import ScenarioError
from perf.load.transport import target
from perf.redact import redact

_LOOPBACK = "127.0.0.1"
_CONNECTING_S = 30.0
_LOOK_S = 0.1


@dataclass(slots=True)
class Voice:
    """Tells the harness what happens, a line at a time."""

    out: TextIO
    told: Told
    judged_early: bool = False

    def ready(self, pids: Mapping[str, int]) -> None:
        """Say that the run is about to begin."""
        thresholds = self.told.scenario.thresholds if self.told.scenario is not None else ()
        self.say(Ready(self.told.described, thresholds, pids))

    def edge(self, edge: PhaseEdge) -> None:
        """Say that a phase begins or ends."""
        self.say(edge)

    def progress(self, progress: Progress, so_far: Recording) -> None:
        """Say how far the run is; with all times where a threshold may end it early."""
        recordings = so_far.to_json() if self.judged_early else None
        self.say(replace(progress, recordings=recordings))

    def say(self, event: Event) -> None:
        """Write the event; a harness that is gone ends the generator too."""
        self.out.write(encode(event) + "\n")
        self.out.flush()


@dataclass(slots=True)
class Run:
    """One run of what is told, on Locust's runner of the kind that the arguments ask for."""

    arguments: argparse.Namespace
    told: Told
    voice: Voice
    _workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """Run, and return the result as it is written."""
        environment = Environment(
            user_classes=self.told.classes, events=locust.events, host=self.arguments.host
        )
        with self._runner(environment) as conductor:
            _on_signals(conductor.stop)
            outcome = conductor.run()
        return document(self.told, outcome)

    @contextmanager
    def _runner(self, environment: Environment) -> Iterator[Conductor]:
        """Make the runner, with its workers where there are any, and end all afterwards.

        One worker has a master where all times are told every second: packing them would be lag.
        """
        if self.arguments.workers > 1 or self.voice.judged_early:
            port = _free_port()
            runner: Any = environment.create_master_runner(_LOOPBACK, port)
        else:
            runner = environment.create_local_runner()
        conductor = self._conductor(runner)
        conductor.listen()
        try:
            if isinstance(runner, MasterRunner):
                self._start_workers(port)
                self._await_workers(runner)
            else:
                self.told.attach(environment)
            _greet(environment)
            yield conductor
        finally:
            self._end(runner)

    def _conductor(self, runner: Any) -> Conductor:
        """Return the conductor; only the closed model has Locust start users."""
        scale = self.arguments.rate_scale
        conductor = Conductor(runner, self.told.phases, self.voice, self.told.model, scale)
        if self.told.model == "closed":
            users = self.arguments.users
            rate = self.arguments.spawn_rate or users
            conductor.starting = lambda: gevent.spawn(runner.start, users, rate)
        return conductor

    def _start_workers(self, port: int) -> None:
        command = [sys.executable, "-m", "perf.load.generator", *self.arguments.said]
        for _ in range(self.arguments.workers):
            self._workers.append(
                subprocess.Popen(
                    [*command, "--worker-of", str(port)],
                    start_new_session=True,
                    preexec_fn=bound(os.getpid()),  # noqa: PLW1509 - one thread
                )
            )

    def _await_workers(self, runner: MasterRunner) -> None:
        with gevent.Timeout(_CONNECTING_S, ScenarioError("the workers did not start in time")):
            while len(runner.clients.ready) < self.arguments.workers:
                if any(one.poll() is not None for one in self._workers):
                    raise ScenarioError("a worker ended before the run began")
                gevent.sleep(_LOOK_S)

    def _end(self, runner: Any) -> None:
        runner.quit()
        for one in self._workers:
            try:
                one.wait(timeout=5)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the generator; the exit code is 0 when a result was written."""
    said = list(sys.argv[1:] if argv is None else argv)
    arguments = _arguments(said)
    out = _own_stdout()
    logging.basicConfig(level=logging.WARNING)
    _allow_descriptors()
    try:
        told = told_of(arguments)
        _check(arguments)
        if arguments.worker_of:
            return _work(told, arguments)
        thresholds = told.scenario.thresholds if told.scenario is not None else ()
        judged_early = arguments.judged_early or any(one.abort for one in thresholds)
        voice = Voice(out, told, judged_early)
        result = Run(arguments, told, voice).result()
        write_atomically(arguments.result, json.dumps(result))
        voice.say(Done(str(arguments.result), result["stopped"]))
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - the harness must hear of it, whatever it is
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        _say_failed(out, redact(reason), usage=isinstance(error, UserError))
        return 1
    return 0


def _arguments(said: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="perf.load.generator")
    parser.add_argument("file", type=Path)
    parser.add_argument("--host", required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rate-scale", type=float, default=1.0)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--spawn-rate", type=float)
    parser.add_argument("--run-time", type=float, default=30.0)
    parser.add_argument("--judged-early", action="store_true")
    parser.add_argument("--worker-of", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(said, argparse.Namespace(said=said))


def _check(arguments: argparse.Namespace) -> None:
    """Raise UserError now for what a worker would only find when the run begins."""
    target(arguments.host)
    openloop.given_headers()
    if arguments.workers < 1 or arguments.users < 1 or arguments.rate_scale <= 0:
        raise ScenarioError("workers, users and the scale of rates must be above zero")


def _work(told: Told, arguments: argparse.Namespace) -> int:
    """Be a worker of the master on that port, until it says that it is over."""
    environment = Environment(user_classes=told.classes, events=locust.events, host=arguments.host)
    runner = environment.create_worker_runner(_LOOPBACK, arguments.worker_of)
    told.attach(environment)
    _greet(environment)
    _quieten()
    _end_with_parent(runner)
    runner.greenlet.join()
    return 0


def _greet(environment: Environment) -> None:
    """Let what a user's own file prepares at Locust's start be prepared."""
    hooks: Any = environment.events
    hooks.init.fire(environment=environment, runner=environment.runner, web_ui=None)


def _end_with_parent(runner: WorkerRunner) -> None:
    """Quit when the master is gone, where the system does not see to it as Linux does."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            gevent.sleep(1)
        runner.quit()

    gevent.spawn(look)


def _own_stdout() -> TextIO:
    """Keep the pipe to the harness for events; prints of a scenario's file go to stderr."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours


def _allow_descriptors() -> None:
    """Raise the limit of open files as far as it goes: each request under way needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _quieten() -> None:
    """Take what is loaded out of the collector's sight: its pauses would be lag."""
    gc.collect()
    gc.freeze()


def _on_signals(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop)
    _quieten()


def _say_failed(out: TextIO, reason: str, *, usage: bool) -> None:
    with suppress(OSError):
        out.write(encode(Failed(reason, usage)) + "\n")
        out.flush()


def _free_port() -> int:
    with socket.create_server((_LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
