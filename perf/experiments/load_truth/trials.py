"""The trials: our generator at servers of known behaviour, beside an independent witness.

Each is a function that starts what it needs, runs the generator as `ava-perf load` does, and
returns plain figures. Scenarios are written to files, since that is what the generator reads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perf.demonstration import Service
from perf.experiments.load_truth.truth import Held, held, percentile, percentiles
from perf.lab.awake import awake
from perf.lab.guard import Guard
from perf.lab.known import ASIDE, Asked, Behaviour, Known, Serial, Stalling, Steady, Tail
from perf.lab.witness import witness
from perf.load.histogram import RESOLUTION
from perf.load.result import Result
from perf.load.run import Order, run

PATH = "/known"

STALL_RATE = 200.0
OURS, WITNESS = "O", "W"
IN_TURN = "WOOW"  # what drifts falls on both alike
TAIL = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.5": 0.995}
_US_PER_MS = 1000
_RESOLVED = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}

_SCENARIO = '''"""A constant rate at a server of known behaviour; written by an experiment."""

import os
import sys
from pathlib import Path

from perf.load.scenario import CONSTANT, Ask, Phase, Scenario, for_locust

SCENARIO = Scenario(
    name="known",
    title="a constant rate",
    phases=(Phase("steady", {seconds!r}, rate={rate!r}, arrivals=CONSTANT),),
    asks=lambda random, at_s: Ask(path := random.choice({paths!r}), path),
)
RAW = {raw!r}
if RAW and "locust" in sys.modules:
    from locust import events

    # Locust tells each response time as it was measured, which is not yet in any histogram.
    kept = Path(RAW, f"{{os.getpid()}}.txt").open("w", buffering=1)
    events.request.add_listener(lambda response_time, **_: print(repr(response_time), file=kept))

LoadTest = for_locust(SCENARIO)
'''


@dataclass(frozen=True, slots=True)
class Load:
    """A constant rate for so long, from so many workers, of paths that are chosen by chance."""

    rate: float
    seconds: float
    workers: int = 1
    paths: tuple[str, ...] = (PATH,)


def ours(load: Load, service: Service, guard: Guard, *, raw: Path | None = None) -> Result:
    """Run our generator; with `raw`, each worker leaves its unrounded times there."""
    with tempfile.TemporaryDirectory(prefix="known-", dir=guard.directory) as folder:
        file = Path(folder, "known.py")
        text = _SCENARIO.format(
            seconds=load.seconds,
            rate=load.rate,
            paths=list(load.paths),
            raw=str(raw) if raw else "",
        )
        file.write_text(text, encoding="utf-8")
        return run(Order(file, workers=load.workers), service, guard)


def told_ms(result: Result, wanted: dict[str, float]) -> dict[str, float]:
    """Return percentiles of the response time as the result has them."""
    response = result.recording.total().response
    return {name: (response.quantile(q) or 0.0) / _US_PER_MS for name, q in wanted.items()}


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial showed; `reasons` are why the run was invalid, if it was."""

    compared: tuple[Held, ...]
    reasons: tuple[str, ...]
    sent: int
    counted: int | None
    facts: dict[str, Any] = field(default_factory=dict)


def beside_witness(
    behaviour: Behaviour,
    load: Load,
    guard: Guard,
    wanted: dict[str, float],
    tolerance: tuple[float, float],
) -> Trial:
    """Let the witness and our generator ask the same server the same, one after the other."""
    share, least_ms = tolerance
    with Known(behaviour, guard=guard) as server:
        seen = witness(server.url, PATH, load.rate, load.seconds)
        truth = percentiles([one.response_s * 1000 for one in seen], wanted)
        late_ms = percentile([(one.sent_s - one.due_s) * 1000 for one in seen], 0.99)
        result = ours(load, server.service, guard)
    return Trial(
        tuple(held(truth, told_ms(result, wanted), share=share, least_ms=least_ms)),
        result.reasons(),
        result.recording.total().sent,
        result.counted,
        {"witness_sent_late_p99_ms": round(late_ms, 3), **evidence(result)},
    )


def evidence(result: Result) -> dict[str, Any]:
    """Return what says how well the generator was doing."""
    total, worker = result.recording.total(), result.generator.workers[0]
    return {
        "send_lag_p99_ms": round((total.lag.quantile(0.99) or 0.0) / _US_PER_MS, 3),
        "busy_share": worker.busy,
        "calibration": worker.calibrations[-1].to_json() if worker.calibrations else None,
        **result.facts,
    }


def stall(guard: Guard, seconds: float = 15.0, workers: int = 1) -> Trial:
    """Ask 200 times a second where the server stops for one second in every five."""
    load = Load(STALL_RATE, seconds, workers)
    return beside_witness(
        Stalling(), load, guard, {"p50": 0.5, "p95": 0.95, "p99": 0.99}, (0.10, 5.0)
    )


def tail(guard: Guard, seconds: float = 15.0, turns: str = OURS) -> Trial:
    """Ask where 2 % take 200 ms, and hold what is told against the delays themselves."""
    behaviour = Tail(usual_s=0.001, slow_s=0.2, one_in=49)
    return _known(behaviour, Load(200.0, seconds), guard, TAIL, turns)


def steady(guard: Guard, delay_ms: float, seconds: float = 5.0, turns: str = OURS) -> Trial:
    """Ask where every answer takes the same time, and hold the median against it."""
    behaviour, load = Steady(delay_ms / 1000), Load(200.0, seconds)
    return _known(behaviour, load, guard, {"p50": 0.5}, turns)


def apart(guard: Guard, one_us: int = 300, other_us: int = 600, seconds: float = 5.0) -> Trial:
    """Ask for two delays by turns of chance, and hold both medians against them."""
    paths = {f"/us/{us}": us / _US_PER_MS for us in (one_us, other_us)}
    with awake(), Known(Asked(), guard=guard) as server:
        result = ours(Load(200.0, seconds, paths=tuple(paths)), server.service, guard)
    told = {
        path: (result.recording.select(request=path).response.quantile(0.5) or 0.0) / _US_PER_MS
        for path in paths
    }
    return Trial(
        tuple(held(paths, told, share=0.02, least_ms=1e-9)),
        result.reasons(),
        result.recording.total().sent,
        result.counted,
        evidence(result),
    )


def _known(
    behaviour: Behaviour, load: Load, guard: Guard, wanted: dict[str, float], turns: str
) -> Trial:
    """Hold our figures against the delays that the server was told to have.

    The witness asks in turns with the generator: at the same time they would keep each other
    waiting, and from one run to the next this machine differs by more than what is looked for.
    """
    number = round(load.rate * load.seconds)
    truth = percentiles([behaviour.delay_s(n, PATH) * 1000 for n in range(number)], wanted)
    results: list[Result] = []
    seen_ms: list[float] = []
    with awake() as is_awake, Known(behaviour, guard=guard) as server:
        for turn in turns:
            if turn == OURS:
                results.append(ours(load, server.service, guard))
            else:
                seen = witness(server.url, ASIDE, load.rate, load.seconds)
                seen_ms += [one.response_s * 1000 for one in seen]
    counts = [result.counted for result in results]
    said = percentiles(seen_ms, wanted) if seen_ms else {}
    response = results[0].recording.total().response
    for result in results[1:]:
        response.add(result.recording.total().response)
    told = {name: (response.quantile(q) or 0.0) / _US_PER_MS for name, q in wanted.items()}
    return Trial(
        tuple(held(truth, told, share=0.02, least_ms=1e-9)),
        tuple(reason for result in results for reason in result.reasons()),
        sum(result.recording.total().sent for result in results),
        None if None in counts else sum(filter(None, counts)),
        {
            "witness_ms": {name: round(ms, 3) for name, ms in said.items()},
            "cores_kept_awake": is_awake,
            **evidence(results[-1]),
        },
    )


def shared(guard: Guard, rate: float = 400.0, seconds: float = 5.0, workers: int = 2) -> Trial:
    """Let two workers send one schedule; hold merged histograms against their raw samples."""
    with _raw(guard) as folder, Known(Tail(), guard=guard) as server:
        result = ours(Load(rate, seconds, workers), server.service, guard, raw=folder)
        counted = server.count()
        raw = [
            float(line)
            for file in sorted(folder.glob("*.txt"))
            for line in file.read_text(encoding="ascii").splitlines()
        ]
    return Trial(
        tuple(held(percentiles(raw, _RESOLVED), told_ms(result, _RESOLVED), share=RESOLUTION,
                   least_ms=1 / _US_PER_MS)),
        result.reasons(),
        result.recording.total().sent,
        counted,
        {"raw_samples": len(raw), "workers": len(result.generator.workers)},
    )  # fmt: skip


def starved(guard: Guard, rate: float = 50_000.0, seconds: float = 1.0) -> Trial:
    """Ask for far more than one process can send, of a server that does nothing else."""
    with Known(Steady(), guard=guard) as server:
        return _judged(ours(Load(rate, seconds), server.service, guard))


SLOW: tuple[tuple[str, Behaviour], ...] = (
    ("every answer takes 800 ms", Steady(0.8)),
    ("it stops for one second in every two", Stalling(2.0, 1.0)),
    ("it answers one after the other, slower than it is asked", Serial(0.0125)),
    ("one answer in ten takes 1.5 s", Tail(0.02, 1.5, 10)),
)


def slow(guard: Guard, behaviour: Behaviour, rate: float = 100.0, seconds: float = 4.0) -> Trial:
    """Ask a slow server no more than the generator can well do."""
    with Known(behaviour, guard=guard) as server:
        return _judged(ours(Load(rate, seconds), server.service, guard))


def _judged(result: Result) -> Trial:
    told = told_ms(result, {"p50": 0.5, "p99": 0.99})
    total = result.recording.total()
    facts = {"scheduled": total.scheduled, "told_ms": told, **evidence(result)}
    return Trial((), result.reasons(), total.sent, result.counted, facts)


@contextmanager
def _raw(guard: Guard) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="raw-", dir=guard.directory) as folder:
        yield Path(folder)
