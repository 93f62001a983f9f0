"""The open model inside Locust: what a scenario's file hands to Locust, and what that then does.

Locust starts the processes, connects them, shows its pages and ends the run. Its users do nothing
here: users who wait for answers are the closed model, which hides what a stall costs. Each worker
has one dispatcher instead. Locust's own statistics are told each response time from the due time,
so that they are right as well, within their rounding.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gevent  # type: ignore[import-untyped] # it ships no types
import locust
from locust import User, constant, task
from locust.env import Environment
from locust.runners import WorkerRunner

from perf.load.conductor import Conductor, Outcome
from perf.load.dispatch import Dispatcher, Ended
from perf.load.listening import Audience, audience
from perf.load.performer import Part, Performer
from perf.load.protocol import PhaseEdge, Progress
from perf.load.recording import Recording
from perf.load.scenario import Scenario, ScenarioError
from perf.load.schedule import arrivals, share
from perf.load.summary import lines
from perf.load.transport import Transport, target
from perf.load.validity import assess

HEADERS = "AVA_PERF_LOAD_HEADERS"  # JSON; the environment is not shown in lists of processes

_log = logging.getLogger("ava-perf")


class OpenWork:
    """One worker's part of a scenario: its share of the schedule and of the listeners."""

    def __init__(self, scenario: Scenario, environment: Environment, part: Part) -> None:
        self._scenario = scenario.scaled(part.scale)
        self._part = part
        self._events: Any = environment.events  # Locust does not type them
        headers = given_headers()
        self._transport = Transport(target(part.host), headers)
        self._dispatcher = Dispatcher(self._scenario, self._transport, watch=self._watch)
        self._audience: Audience | None = None
        if scenario.listeners is not None:
            self._audience = audience(
                scenario.listeners, part.host, headers, part.worker, part.workers
            )

    @property
    def recording(self) -> Recording:
        """What was recorded since it was last exchanged."""
        return self._dispatcher.recording

    @recording.setter
    def recording(self, fresh: Recording) -> None:
        self._dispatcher.recording = fresh

    @property
    def idle_s(self) -> float:
        """How long it has been on a core without anything to do."""
        return self._dispatcher.idle_s

    def run(self) -> None:
        """Send the share, and return when all is answered or given up."""
        if self._audience is not None:
            self._audience.gather(self._part.began)
        mine = share(arrivals(self._scenario), self._part.worker, self._part.workers)
        try:
            self._dispatcher.run(mine, self._part.began)
        finally:
            self._transport.close()
            if self._audience is not None:
                self._audience.leave()

    def stop(self) -> None:
        """Send nothing more."""
        self._dispatcher.stop()

    def told(self) -> Mapping[str, Any]:
        """Return how many requests are and may be under way, and what the listeners heard."""
        heard = None if self._audience is None else self._audience.heard.to_json()
        dispatcher = self._dispatcher
        return {"in_flight": dispatcher.in_flight, "limit": dispatcher.limit, "listeners": heard}

    def _watch(self, ended: Ended) -> None:
        self._events.request.fire(
            request_type=ended.ask.method,
            name=ended.ask.name,
            response_time=ended.response_s * 1000,
            response_length=len(ended.answer.body) if ended.answer is not None else 0,
            exception=None if ended.error is None else RequestError(ended.error),
            context={},
            start_time=time.time() - ended.response_s,
            url=ended.ask.path,
            response=ended.answer,
        )


class RequestError(Exception):
    """What Locust's statistics show of a request that failed."""


def given_headers() -> dict[str, str]:
    """Return the headers that every request carries, from the environment."""
    try:
        headers = json.loads(os.environ.get(HEADERS) or "{}")
    except ValueError as error:
        raise ScenarioError(f"{HEADERS} is not JSON") from error
    if not isinstance(headers, dict):
        raise ScenarioError(f"{HEADERS} must be a JSON object")
    return {str(name): str(value) for name, value in headers.items()}


def attach(scenario: Scenario, environment: Environment) -> None:
    """Make this environment's runner ready to do its part when it is told to."""
    Performer(environment, lambda part: OpenWork(scenario, environment, part)).listen()


def user_class(scenario: Scenario) -> type[User]:
    """Return the class by which Locust runs `scenario` from its own command line."""

    def begin(environment: Environment, **_: Any) -> None:
        if environment.runner is None or not _ours(environment, scenario):
            return
        if not isinstance(environment.runner, WorkerRunner):
            _Plain(environment, scenario).listen()
        attach(scenario, environment)

    hooks: Any = locust.events
    hooks.init.add_listener(begin)
    name = "".join(part.capitalize() for part in re.split(r"\W|_", scenario.name))
    return type(name, (Standing,), {"scenario": scenario, "__doc__": scenario.title})


class Standing(User):
    """A user who does nothing: requests leave by the schedule."""

    abstract = True
    wait_time = constant(1)
    scenario: Scenario | None = None

    @task
    def stand(self) -> None:
        """Wait for the run's end."""
        gevent.sleep(1)


def _ours(environment: Environment, scenario: Scenario) -> bool:
    """Whether Locust was asked for this scenario: several files may be loaded at once."""
    return any(getattr(one, "scenario", None) is scenario for one in environment.user_classes)


@dataclass(slots=True)
class _Plain:
    """A run under Locust's own command line: ends with the scenario, tells its figures in the log.

    Locust is asked to stop, or to quit where there is no page to look at.
    """

    environment: Environment
    scenario: Scenario
    conductor: Conductor | None = None
    over: bool = True

    def listen(self) -> None:
        runner = self.environment.runner
        if runner is None:
            raise RuntimeError("the environment has no runner yet")
        self.conductor = Conductor(runner, self.scenario.phases, self)
        self.conductor.listen()
        hooks: Any = self.environment.events
        hooks.test_start.add_listener(self._start)
        hooks.test_stopping.add_listener(self._stopping)

    def ready(self, pids: Mapping[str, int]) -> None:
        _log.info("%s: %d generating, calibrated", self.scenario.name, len(pids))

    def edge(self, edge: PhaseEdge) -> None:
        _log.info("phase %s: %s", edge.name, edge.edge)

    def progress(self, progress: Progress, so_far: Recording) -> None:
        """Leave it to Locust's own display."""

    def _start(self, **_: Any) -> None:
        if self.over and self.conductor is not None:
            self.over = False
            gevent.spawn(self._run, self.conductor)

    def _stopping(self, **_: Any) -> None:
        if not self.over and self.conductor is not None:
            self.conductor.stop()

    def _run(self, conductor: Conductor) -> None:
        if not self.environment.host:
            _log.error("no host: give --host")
            self._end()
            return
        self._tell(conductor.run())
        self._end()

    def _tell(self, outcome: Outcome) -> None:
        reasons = assess(outcome.generator, outcome.recording, self.scenario.thresholds)
        for line in lines(outcome.recording, outcome.generator, reasons):
            _log.info(line)
        if reasons:
            self.environment.process_exit_code = 3

    def _end(self) -> None:
        self.over = True
        runner = self.environment.runner
        if runner is not None and self.environment.web_ui is None:
            runner.quit()
        elif runner is not None:
            runner.stop()
