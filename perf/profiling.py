"""Profiles of claims: of one that is asked for, and of those that missed their time.

A profile is taken after the verdict, in a run of its own, so it can neither change a measurement
nor excuse one. After an audit only the few that missed by most are looked at, some seconds each,
and the report says which those were. Where the machine forbids it, that is what the report says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perf.claim import Claim, Target, TargetKind
from perf.errors import UserError
from perf.lab import Unavailable
from perf.report.build import Judged
from perf.runner import Runner
from perf.verdict import Verdict

MOST = 3  # claims profiled after an audit
_LONGEST_S = 60.0

TIME = ("cpu",)
MEMORY = ("resident", "allocations")

Found = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ProfilingSettings:
    """`[tool.ava-perf.profiling]`: whether what missed is profiled in the quick profile too.

    `seconds` is how long each is looked at.
    """

    missed: bool = False
    seconds: float = 5.0

    @property
    def bounded_s(self) -> float:
        """Return `seconds`, within reason."""
        return min(_LONGEST_S, max(0.5, self.seconds))


def worst(judged: Iterable[Judged], most: int = MOST) -> list[Judged]:
    """Return those that missed a timed target, the worst first, each measurement once.

    The documents give several figures for one thing; of those the hardest one stands for all.
    """
    missed = [
        item
        for item in judged
        if item.judgement.verdict is Verdict.MISSED and item.measured.claim.target.timed
    ]
    missed.sort(key=lambda item: (-_shortfall(item), item.measured.claim.id))
    by_measurement: dict[str, Judged] = {}
    for item in missed:
        by_measurement.setdefault(item.measured.key, item)
    return list(by_measurement.values())[:most]


def _shortfall(item: Judged) -> float:
    """Return how many times the target is away; targets of different units can be compared so."""
    target, found = item.measured.claim.target, item.judgement.estimate
    if found is None or found <= 0 or target.bound <= 0:
        return 0.0
    return _ratio(target, found)


def _ratio(target: Target, found: float) -> float:
    return target.bound / found if target.kind is TargetKind.AT_LEAST else found / target.bound


def profile_worst(
    runner: Runner, judged: Sequence[Judged], seconds: float, progress: Callable[[str], None]
) -> dict[str, Mapping[str, Any]]:
    """Profile what missed by most; return what was seen by the key of its measurement."""
    found = {}
    for item in worst(judged):
        claim = item.measured.claim
        progress(f"profiling {claim.id}, which missed its target")
        found[item.measured.key] = _profile(runner, claim, seconds)
        if "unavailable" in found[item.measured.key]:
            progress(f"not profiled: {found[item.measured.key]['unavailable']}")
            break  # it is the machine, or the harness: the next would end the same
    return found


def observe(runner: Runner, claim: Claim, observer: str, seconds: float) -> dict[str, Any]:
    """Return what an observer saw of a claim's work; raise Unavailable when it saw nothing."""
    return {"claim": claim.id, **runner.observe(claim, observer, seconds)}


def _profile(runner: Runner, claim: Claim, seconds: float) -> Mapping[str, Any]:
    """Return a claim's profile, or why there is none."""
    try:
        return observe(runner, claim, "cpu", seconds)
    except Unavailable as error:
        return {"claim": claim.id, "unavailable": error.reason, "cure": error.cure}


def attach_to_claim(document: dict[str, Any], claim_id: str, seen: Mapping[str, Any]) -> None:
    """Put a profile with the entry of a claim; raise UserError when the run has none of it."""
    for entry in document["results"]:
        if entry["id"] == claim_id:
            entry["evidence"]["profile"] = dict(seen)
            return
    raise UserError(f"the run holds no {claim_id}")


def attach(document: dict[str, Any], found: Found) -> None:
    """Put profiles with the entries whose measurement they belong to, and list them."""
    if not found:
        return
    paths = {f"measurements/{key}.json": seen for key, seen in found.items()}
    for entry in document["results"]:
        seen = paths.get(entry["evidence"]["measurement"])
        if seen is not None:
            entry["evidence"]["profile"] = dict(seen)
    document["profiled"] = [
        {key: seen.get(key) for key in ("claim", "seconds", "samples", "unavailable")}
        for seen in found.values()
    ]
