"""The performing side of a run: a Locust worker, or the one process of a small run.

It hears the conductor's messages, calibrates, does its part and reports each second what was
recorded since the last report. Its last report says that it is done. Nothing is reported twice and
the connection keeps order, so the conductor's sum is exact.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import gevent  # type: ignore[import-untyped] # it ships no types
from locust.env import Environment

from perf.load import strain
from perf.load.calibration import calibrate
from perf.load.recording import Recording
from perf.load.strain import Strain
from perf.redact import redact

PREPARE = "ava-perf-prepare"
PREPARED = "ava-perf-prepared"
BEGIN = "ava-perf-begin"
REPORT = "ava-perf-report"
STOP = "ava-perf-stop"

REPORT_S = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """One worker's part: number `worker` of `workers`, from `began` on `time.monotonic()`."""

    began: float
    worker: int
    workers: int
    scale: float
    host: str


class Work(Protocol):
    """What a part consists of; `run` returns when it is over."""

    recording: Recording

    @property
    def idle_s(self) -> float:
        """How long it has been on a core without anything to do."""
        ...

    def run(self) -> None:
        """Do the part."""
        ...

    def stop(self) -> None:
        """End early."""
        ...

    def told(self) -> Mapping[str, Any]:
        """Return what else there is to report of the part so far, as JSON values."""
        ...


@dataclass(slots=True)
class Performer:
    """Does what the conductor says, once a message; `make` turns a part into work."""

    environment: Environment
    make: Callable[[Part], Work]
    work: Work | None = None
    _strain: Strain = field(default_factory=Strain)
    _preparing: bool = False

    def listen(self) -> None:
        """Register for the conductor's messages."""
        runner = self.environment.runner
        if runner is None:
            raise RuntimeError("the environment has no runner yet")
        runner.register_message(PREPARE, self._prepare)
        runner.register_message(BEGIN, self._begin)
        runner.register_message(STOP, self._stop)

    def _prepare(self, **_: Any) -> None:
        """Calibrate and say so; the conductor asks again until it is heard."""
        if not self._preparing:
            self._preparing = True
            gevent.spawn(self._calibrate)

    def _calibrate(self) -> None:
        told: dict[str, Any] = {"pid": os.getpid(), "calibrations": [], "error": None}
        try:
            told["calibrations"] = [one.to_json() for one in calibrate()]
        except (OSError, ValueError) as error:
            told["error"] = redact(f"calibration failed: {type(error).__name__}: {error}")
        self._preparing = False
        self._send(PREPARED, told)

    def _begin(self, msg: Any, **_: Any) -> None:
        said = msg.data
        began = time.monotonic() + said["at"] - time.time()
        part = Part(began, said["worker"], said["workers"], said["scale"], said["host"])
        gevent.spawn(self._perform, part)

    def _stop(self, **_: Any) -> None:
        if self.work is not None:
            self.work.stop()

    def _perform(self, part: Part) -> None:
        error = None
        self._strain = Strain()
        try:
            self.work = self.make(part)
            reporting = gevent.spawn(self._keep_reporting, part)
            try:
                self.work.run()
            finally:
                reporting.kill()
        except Exception as caught:  # noqa: BLE001 - whatever it is, the conductor must hear of it
            error = redact(f"{type(caught).__name__}: {caught}")
        self._report(done=True, error=error)
        self.work = None

    def _keep_reporting(self, part: Part) -> None:
        gevent.sleep(max(0.0, part.began - time.monotonic()))
        while True:
            idle_s = 0.0 if self.work is None else self.work.idle_s
            self._strain.take(strain.read(time.monotonic(), idle_s))
            gevent.sleep(REPORT_S)
            self._report(done=False)

    def _report(self, *, done: bool, error: str | None = None) -> None:
        recording, told = Recording(), {}
        if self.work is not None:
            recording, self.work.recording = self.work.recording, Recording()
            told = dict(self.work.told())
        report = {"wire": recording.to_wire(), "strain": self._strain.to_json(), **told}
        self._send(REPORT, {**report, "done": done, "error": error})

    def _send(self, kind: str, data: dict[str, Any]) -> None:
        runner = self.environment.runner
        if runner is not None:
            runner.send_message(kind, data)
