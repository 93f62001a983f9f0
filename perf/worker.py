"""The child process: one job, measured by itself, its result written to a file.

A fresh process per job keeps a claim's leftovers (memory, caches, threads, a crash) from the next
one. The worker ends when its standard input closes, so it cannot outlive a killed parent. Every
exception becomes a failure measurement: there is no way from an error to a figure.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import threading
import traceback
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, NoReturn

from perf.claim import Plan, read
from perf.files import write_atomically
from perf.instruments.bench import Bench
from perf.lab import Unavailable
from perf.lab.lab import Addresses, Lab, Profile
from perf.observe import OBSERVERS
from perf.redact import redact
from perf.sample import Measurement, failure

# What is not plain after twelve seconds lies so near its bound that twenty do not tell it either.
_BUDGETS_S = {Profile.QUICK: 1.0, Profile.FULL: 12.0}


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is told: a claim to measure, a preparation to run, or the machine's noise."""

    task: str  # "claim", "prepare", "noise", or the name of an observer (`perf.observe`)
    name: str
    module: str  # the one that declares it: the rest need not be imported
    addresses: Mapping[str, Any]
    profile: str
    prepared: Mapping[str, Mapping[str, Any]]
    result: str  # path of the file to write
    path: tuple[str, ...] = ()  # where the claims packages may lie, beside what is installed
    seconds: float = 0.0  # how long an observer is to look on

    def to_json(self) -> str:
        """Render as the one line a worker reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Job:
        """Read what `to_json` wrote."""
        raw = json.loads(line)
        return cls(**{**raw, "path": tuple(raw["path"])})


def main() -> None:
    """Read a job from standard input, do it, write its result, and leave."""
    job = Job.from_json(sys.stdin.readline())
    sys.path.extend(job.path)
    work(job)


def work(job: Job) -> NoReturn:
    """Do a job, write its result, and end the process; its standard input is the parent's life."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    write_atomically(Path(job.result), _do(job))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a claim's forgotten threads must not keep the worker alive


def _leave_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def _do(job: Job) -> str:
    if job.task == "prepare":
        return _told(lambda: _prepare(job))
    if job.task in OBSERVERS:
        return _told(lambda: _observe(job))
    try:
        measurement = _measure(job)
    except BaseException as error:  # noqa: BLE001 - every failure becomes a result with its reason
        measurement = _failed(error)
    return measurement.to_json()


def _measure(job: Job) -> Measurement:
    if job.task == "noise":
        from perf.noise import MachineNoise  # noqa: PLC0415 - only this job needs it

        with _lab(job) as lab, _bench(job) as bench:
            return MachineNoise(lab).measure(bench)
    catalogue = read([importlib.import_module(job.module)])
    claim = catalogue.find(job.name)
    with _lab(job) as lab, _bench(job, catalogue.bounds(claim)) as bench:
        plan: Plan = bench.call(lambda: claim.plan(lab))
        apart = lab.separate()
        measurement = plan.measure(bench)
        return replace(
            measurement, facts={"client_and_server_on_own_cores": apart} | dict(measurement.facts)
        )


def _bench(job: Job, bounds: tuple[float, ...] = ()) -> contextlib.closing[Bench]:
    rng = Random(zlib.crc32(job.name.encode()))  # noqa: S311 - decides an order, not a secret
    budget_s = job.seconds or _BUDGETS_S[Profile(job.profile)]
    return contextlib.closing(Bench(rng=rng, budget_s=budget_s, bounds=bounds))


def _told(make: Callable[[], Mapping[str, Any]]) -> str:
    """Return what was made, or why it was not, as the parent reads it."""
    try:
        return json.dumps({"value": dict(make())})
    except BaseException as error:  # noqa: BLE001 - every failure becomes a result with its reason
        failed = _failed(error)
        return json.dumps({"error": failed.error, "cure": failed.cure})


def _prepare(job: Job) -> Mapping[str, Any]:
    preparation = read([importlib.import_module(job.module)]).preparations[job.name]
    # The lab is left open: what a preparation made is for the claims, and goes with the run.
    return preparation.body(_lab(job))


def _observe(job: Job) -> Mapping[str, Any]:
    """Do a claim's work once more under an observer; what it measures is thrown away."""
    catalogue = read([importlib.import_module(job.module)])
    claim = catalogue.find(job.name)
    with _lab(job) as lab, _bench(job, catalogue.bounds(claim)) as bench:
        plan: Plan = bench.call(lambda: claim.plan(lab))
        return OBSERVERS[job.task](lambda: plan.measure(bench), job.seconds)


def _lab(job: Job) -> Lab:
    return Lab(
        Addresses.from_dict(job.addresses),
        profile=Profile(job.profile),
        prepared=job.prepared,
    )


def _failed(error: BaseException) -> Measurement:
    if isinstance(error, Unavailable):
        return failure(redact(error.reason), error.cure)
    sys.stderr.write(redact("".join(traceback.format_exception(error))))
    while isinstance(error, BaseExceptionGroup):  # "unhandled errors in a TaskGroup" says nothing
        error = error.exceptions[0]
    first = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {first[0]}" if first else type(error).__name__
    return failure(redact(f"the claim raised {text}"))


if __name__ == "__main__":
    main()
