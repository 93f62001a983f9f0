"""Run claims one after the other, each in a child process with a deadline.

Never two at a time: they would measure each other. What goes wrong in a child (an exception, a
hang, a crash, a result that cannot be read) becomes that claim's failure, and the run goes on.
Claims that share a body and a case share one measurement: the documents give several figures for
one thing, and each is judged, but the thing is measured once.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.claim import Catalogue, Claim, Preparation
from perf.lab import Unavailable
from perf.lab.guard import Guard, Stop
from perf.redact import redact
from perf.sample import Measurement, failure
from perf.worker import Job

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
        self._prepared: dict[str, _Prepared] = {}
        self._measured: dict[tuple[Any, ...], tuple[str, Measurement, float]] = {}

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

    def facts(self) -> dict[str, Any]:
        """Return what the preparations said of what they made."""
        return {name: p.value for name, p in self._prepared.items() if p.value is not None}

    def _once(self, claim: Claim) -> tuple[str, Measurement, float]:
        same = (claim.module, claim.body.__qualname__, json.dumps(claim.case, sort_keys=True))
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
        line = Job(**{**_fields(job), "result": str(result)}).to_json()
        with log.open("wb") as stderr:
            # -P: the working folder may hold a package that is named like one of ours.
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "perf.worker"],
                stdin=subprocess.PIPE,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
            )
        self._context.guard.own(child.pid, Stop.GROUP)
        try:
            return _wait(child, line, deadline_s)
        finally:
            _end(child)
            self._context.guard.disown(child.pid)


def _fields(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in Job.__dataclass_fields__}


def _wait(child: subprocess.Popen[bytes], line: str, deadline_s: float) -> str | None:
    if child.stdin is None:
        raise RuntimeError("the worker was started without a pipe")
    try:
        child.stdin.write(f"{line}\n".encode())
        child.stdin.flush()  # stays open: its end tells the worker that we are gone
        status = child.wait(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        return f"it did not finish within {deadline_s:g} s and was stopped"
    except BrokenPipeError:
        status = child.wait()
    if status < 0:
        return f"the worker was ended by {signal.Signals(-status).name}"
    return None if status == 0 else f"the worker ended with status {status}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child's whole session: a claim may have started processes of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f": {lines[-1][:300]}" if lines else ""


def _read_prepared(text: str | None, reason: str) -> _Prepared:
    if text is None:
        return _Prepared(None, reason)
    raw = json.loads(text)
    return _Prepared(raw.get("value"), raw.get("error") or "", raw.get("cure"))
