"""How many users the platform holds: a ladder of rates, each twice the one below.

Every user asks once a second, as in the run of a hundred, which is the first rung. The others are
tried by halving what is still possible, so the answer is known to a factor of two in three runs.
Each lasts as long as an interval of its percentile needs. `ava-perf load dashboard_users
--capacity` takes the time to find it to a tenth.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from perf.demonstration import Service
from perf.lab.guard import Guard
from perf.load.blocks import FEWEST
from perf.load.capacity import Outcome
from perf.load.result import Result
from perf.load.run import Order, run
from perf.load.saturation import first_full
from perf.load.scenario import error_rate, p95
from perf.load.searching import outcome

_MOST = 6400  # users: beyond it the generator itself needs more than this machine
RUNGS = (100, 200, 400, 800, 1600, 3200, _MOST)
_WARMUP_S = 1.0
_SCENARIO = '''"""The dashboard's users once everything is warm; written by a claim."""

from dataclasses import replace

from loadtests.dashboard_users import SCENARIO as WHOLE
from perf.load.scenario import Phase, for_locust

WARM_S = WHOLE.phases[0].duration_s
SCENARIO = replace(
    WHOLE,
    name="rung",
    phases=(Phase("rung", {seconds!r}, rate={rate!r}, warmup_s={warmup_s!r}),),
    asks=lambda random, at_s: WHOLE.asks(random, at_s + WARM_S),
    thresholds=(),
    listeners=None,
)
LoadTest = for_locust(SCENARIO)
'''

Rung = tuple[Outcome, str]
Attempt = Callable[[int], Rung]
KEPT = (p95(100), error_rate(0))


def climb(first: Rung, attempt: Attempt) -> dict[str, Any]:
    """Return the most users that were met, the fewest that were not, and what was tried.

    `first` is what the run of the lowest rung came to: where it is not met nothing else is tried.
    An outcome that is not plainly met counts as not met. One rung beyond it is tried as well: close
    to the limit chance decides, and what is full shows above it.
    """
    tried = {RUNGS[0]: first}
    below, above = (0, len(RUNGS)) if first[0] is Outcome.MET else (-1, 0)
    while above - below > 1:
        middle = (below + above) // 2
        tried[RUNGS[middle]] = attempt(RUNGS[middle])
        met = tried[RUNGS[middle]][0] is Outcome.MET
        below, above = (middle, above) if met else (below, middle)
    beyond = RUNGS[above + 1] if 0 <= below < above < len(RUNGS) - 1 else RUNGS[0]
    if beyond not in tried:
        tried[beyond] = attempt(beyond)
    return {
        "met": RUNGS[below] if below >= 0 else 0,
        "not_met": RUNGS[above] if above < len(RUNGS) else None,
        "tried": [[users, str(found), full] for users, (found, full) in tried.items()],
    }


def rung(result: Result, phase: str) -> Rung:
    """Return what a run came to, held to what every rung is held to, and what was full in it."""
    kept = tuple(replace(one, phase=phase) for one in KEPT)
    return outcome(replace(result, thresholds=kept)), first_full(result)


def on(service: Service, guard: Guard, seconds: float = FEWEST + _WARMUP_S) -> Attempt:
    """Return attempts on a service that is warm; what was not offered is tried once more."""

    def attempt(users: int) -> Rung:
        found = rung(_run(users, service, guard, seconds), "rung")
        if found[0] is Outcome.UNOFFERED:
            found = rung(_run(users, service, guard, seconds), "rung")
        return found

    return attempt


def _run(users: int, service: Service, guard: Guard, seconds: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="rung-", dir=guard.directory) as folder:
        file = Path(folder, "rung.py")
        text = _SCENARIO.format(seconds=seconds, rate=float(users), warmup_s=_WARMUP_S)
        file.write_text(text, encoding="utf-8")
        return run(Order(file), service, guard)


def facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reader is shown of a climb."""
    users, _, full = max(found["tried"])
    return {
        "not_met": found["not_met"] or f"not reached with {_MOST}",
        f"full with {users} users": full,
        "kept": "95 of 100 answers of any kind within 100 ms of their due time, and no error",
        "table": {
            "columns": ["users, one question a second each", "outcome", "what was full first"],
            "rows": found["tried"],
        },
    }
