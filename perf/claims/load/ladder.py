"""How many users the platform holds: a ladder of rates, each twice the other at the end.

Every user asks once a second, as in the run of a hundred. Rates rise fourfold until one is not met,
then the one between the last two is tried, so the answer is known to a factor of two, in half a
minute. `ava-perf load dashboard_users --capacity` takes the time to find it to a tenth.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perf.demonstration import Service
from perf.lab.guard import Guard
from perf.load.capacity import Outcome
from perf.load.result import Result
from perf.load.run import Order, run
from perf.load.saturation import strained
from perf.load.searching import outcome

USERS = 100
_STEP = 4
_FULLEST = 2
_MOST = 6400  # users: beyond it the generator itself needs more than this machine
_SCENARIO = '''"""The dashboard's users once everything is warm; written by a claim."""

from dataclasses import replace

from loadtests.dashboard_users import SCENARIO as WHOLE
from perf.load.scenario import Phase, error_rate, for_locust, p95

WARM_S = WHOLE.phases[0].duration_s
SCENARIO = replace(
    WHOLE,
    name="rung",
    phases=(Phase("rung", {seconds!r}, rate={rate!r}, warmup_s={warmup_s!r}),),
    asks=lambda random, at_s: WHOLE.asks(random, at_s + WARM_S),
    thresholds=(p95(100), error_rate(0)),
    listeners=None,
)
LoadTest = for_locust(SCENARIO)
'''

Attempt = Callable[[int], tuple[Outcome, str]]


def climb(attempt: Attempt) -> dict[str, Any]:
    """Return the most users that were met, the fewest that were not, and what was tried.

    An outcome that is not plainly met counts as not met.
    """
    tried: list[list[Any]] = []

    def holds(users: int) -> bool:
        found, full = attempt(users)
        tried.append([users, str(found), full])
        return found is Outcome.MET

    met, users = 0, USERS
    while users <= _MOST and holds(users):
        met, users = users, users * _STEP
    between = met * _STEP // 2
    if met and users <= _MOST and holds(between):
        met = between
    missed = min((row[0] for row in tried if row[0] > met), default=None)
    return {"met": met, "not_met": missed, "tried": tried}


def on(service: Service, guard: Guard, seconds: float = 5.0) -> Attempt:
    """Return attempts on a service that is warm."""

    def attempt(users: int) -> tuple[Outcome, str]:
        result = _run(users, service, guard, seconds)
        return outcome(result), ", ".join(str(one) for one in strained(result)[:_FULLEST])

    return attempt


def _run(users: int, service: Service, guard: Guard, seconds: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="rung-", dir=guard.directory) as folder:
        file = Path(folder, "rung.py")
        text = _SCENARIO.format(seconds=seconds, rate=float(users), warmup_s=1.0)
        file.write_text(text, encoding="utf-8")
        return run(Order(file), service, guard)


def facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reader is shown of a climb."""
    return {
        "not_met": found["not_met"] or f"not reached with {_MOST}",
        "kept": "95 of 100 answers of any kind within 100 ms of their due time, and no error",
        "table": {
            "columns": ["users, one question a second each", "outcome", "what had least room left"],
            "rows": found["tried"],
        },
    }
