"""Run claims one after the other, each in a child process with a deadline.

Never two at a time: they would measure each other. What goes wrong in a child (an exception, a
hang, a crash, a result that cannot be read) becomes that claim's failure, and the run goes on.
Claims that share a body and a case share one measurement: the documents give several figures for
one thing, and each is judged, but the thing is measured once.
"""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from perf.claim import Catalogue, Claim, Preparation
from perf.lab import Unavailable
from perf.lab.guard import Guard, Stop
from perf.redact import redact
from perf.sample import Measurement, failure
from perf.worker import Job
from perf.workers import Worker, Workers

FULL_PATIENCE = 4  # deadlines are stated for the quick profile; the full one has ten times the data


@dataclass(frozen=True, slots=True)
class Context:
    """What every job of a run has in common; `path` is searched for claims packages."""

    profile: str
    addresses: Mapping[str, Any]
    guard: Guard
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """A claim with its measurement; `key` names the measurement, which claims may share.

    `duration_s` is how long measuring took, the start of the child and preparations included.
    """

    claim: Claim
    measurement: Measurement
    key: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a preparation returned, or why there is nothing."""

    value: Mapping[str, Any] | None
    error: str = ""
    cure: str | None = None


class Runner:
    """Runs jobs in children and remembers what was prepared and measured in this run."""

    def __init__(self, context: Context, catalogue: Catalogue) -> None:
        self._context = context
        self._catalogue = catalogue
        self._workers = Workers(context.guard, _modules(catalogue), context.path)
        self._prepared: dict[str, _Prepared] = {}
        self._measured: dict[tuple[str, str, str], tuple[str, Measurement, float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._workers.__exit__(kind, error, trace)

    def run(self, claims: Sequence[Claim]) -> Iterator[Measured]:
        """Measure `claims` in order and yield each as it is done."""
        for claim in claims:
            key, measurement, duration_s = self._once(claim)
            yield Measured(claim, measurement, key, duration_s)

    def noise(self) -> Measurement:
        """Measure the machine's noise."""
        return self._measurement(self._job("noise", "noise", "perf.noise"), deadline_s=30)

    def prepare(self, name: str) -> Mapping[str, Any]:
        """Run one preparation and return what it made; Unavailable when it fails."""
        prepared = self._prepare(self._catalogue.preparations[name])
        if prepared.value is None:
            raise Unavailable(f"preparation {name!r} failed: {prepared.error}", prepared.cure)
        return prepared.value

    def observe(self, claim: Claim, observer: str, seconds: float) -> Mapping[str, Any]:
        """Do a claim's work once more under an observer, and return what that saw.

        It is a run of its own: nothing measured before is touched. Unavailable when it fails.
        """
        for need in claim.needs:
            self.prepare(need)
        job = replace(self._job(observer, claim.id, claim.module), seconds=seconds)
        text, reason = self._child(job, self._patience(claim.deadline_s) + seconds)
        seen = _read_prepared(text, reason)
        if seen.value is None:
            raise Unavailable(seen.error, seen.cure)
        return seen.value

    def facts(self) -> dict[str, Any]:
        """Return what the preparations said of what they made."""
        return {name: p.value for name, p in self._prepared.items() if p.value is not None}

    def _once(self, claim: Claim) -> tuple[str, Measurement, float]:
        same = claim.measured_as
        if same not in self._measured:
            started = time.monotonic()
            measurement = self._measure(claim)
            self._measured[same] = (claim.id, measurement, time.monotonic() - started)
        return self._measured[same]

    def _measure(self, claim: Claim) -> Measurement:
        for need in claim.needs:
            prepared = self._prepare(self._catalogue.preparations[need])
            if prepared.value is None:
                return failure(f"its preparation {need!r} failed: {prepared.error}", prepared.cure)
        return self._measurement(
            self._job("claim", claim.id, claim.module), self._patience(claim.deadline_s)
        )

    def _prepare(self, preparation: Preparation) -> _Prepared:
        name = preparation.name
        if name not in self._prepared:
            job = self._job("prepare", name, preparation.module)
            text, reason = self._child(job, self._patience(preparation.deadline_s))
            self._prepared[name] = _read_prepared(text, reason)
        return self._prepared[name]

    def _patience(self, deadline_s: float) -> float:
        return deadline_s * (FULL_PATIENCE if self._context.profile == "full" else 1)

    def _job(self, task: str, name: str, module: str) -> Job:
        return Job(
            task=task,
            name=name,
            module=module,
            addresses=self._context.addresses,
            profile=self._context.profile,
            prepared={n: p.value for n, p in self._prepared.items() if p.value is not None},
            result="",
            path=self._context.path,
        )

    def _measurement(self, job: Job, deadline_s: float) -> Measurement:
        text, reason = self._child(job, deadline_s)
        if text is None:
            return failure(reason)
        try:
            return Measurement.from_json(text)
        except ValueError as error:
            return failure(f"the worker's result cannot be read: {error}")

    def _child(self, job: Job, deadline_s: float) -> tuple[str | None, str]:
        """Do `job` in a child; return what it wrote, or None and the reason."""
        # Inside the run's directory, which the guardian removes if this process cannot.
        place = self._context.guard.directory
        with tempfile.TemporaryDirectory(prefix="job-", dir=place) as folder:
            result, log = Path(folder, "result.json"), Path(folder, "stderr.txt")
            reason = self._spawn(job, result, log, deadline_s)
            if reason is None and not result.exists():
                reason = "the worker ended without a result"
            if reason is None:
                return result.read_text(encoding="utf-8"), ""
            return None, redact(f"{reason}{_last_words(log)}")

    def _spawn(self, job: Job, result: Path, log: Path, deadline_s: float) -> str | None:
        """Start the child and wait; return why there is no result, or None when it went well."""
        line = replace(job, result=str(result)).to_json()
        worker = self._workers.start(line, log)
        self._context.guard.own(worker.pid, Stop.GROUP)
        try:
            return _wait(worker, deadline_s)
        finally:
            worker.end()
            self._context.guard.disown(worker.pid)


def _modules(catalogue: Catalogue) -> list[str]:
    """Return the modules that declare something, which workers import."""
    prepared = {preparation.module for preparation in catalogue.preparations.values()}
    return sorted({claim.module for claim in catalogue.claims} | prepared)


def _wait(worker: Worker, deadline_s: float) -> str | None:
    try:
        status = worker.wait(deadline_s)
    except subprocess.TimeoutExpired:
        return f"it did not finish within {deadline_s:g} s and was stopped"
    except (OSError, ValueError):
        return "the process that started the worker ended"
    if status < 0:
        return f"the worker was ended by {signal.Signals(-status).name}"
    return None if status == 0 else f"the worker ended with status {status}"


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f": {lines[-1][:300]}" if lines else ""


def _read_prepared(text: str | None, reason: str) -> _Prepared:
    if text is None:
        return _Prepared(None, reason)
    raw = json.loads(text)
    return _Prepared(raw.get("value"), raw.get("error") or "", raw.get("cure"))
