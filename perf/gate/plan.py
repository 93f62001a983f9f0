"""What the gate measures next: a pure function of what it has, so that a saved run can be replayed.

Clear cases end early and doubtful ones get more. From the third pair on, a benchmark whose interval
lies well within its threshold is done, and one that is plainly off goes to confirmation at once;
the rest are screened to the end. That looking early is harmless: it decides only who is a suspect,
and an accusation rests on later pairs (`perf.gate.method`). Suspects are measured until they are
confirmed and sized, cleared, or out of looks. To clear one early accuses nobody, and the size of
what is certain changes no verdict, so both are looked at after each pair. Control pairs are taken
in between, under the same conditions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from perf.gate.method import (
    EXACT,
    LOOKS,
    SHOWN,
    SUSPECT,
    Finding,
    confirmations,
    find,
    is_confirmed,
    noise_of,
)
from perf.gate.sample import Evidence, Metric, Next, Rule

SCREEN = 5  # pairs of each benchmark
EARLY = 3  # from this many on a benchmark may be settled or suspected
CONTROL = 2  # base/base pairs of each benchmark, and
CONTROL_OF_MANY = 1  # where the suite has
MANY = 8  # benchmarks: so many comparisons tell how restless the machine is
COUNTED = 2  # pairs where a count is exact


class Step(Enum):
    """What a benchmark needs."""

    SCREEN = auto()
    CONFIRM = auto()
    NOTHING = auto()


def wanted(
    evidences: Sequence[Evidence],
    rules: Mapping[str, Rule],
    metric: Metric,
    seconds_left: float,
) -> Next:
    """Return what the next round measures; nothing where all is told or time is up."""
    if seconds_left <= 0:
        return Next()
    if metric in EXACT:
        missing = [e for e in evidences if len(e.pairs) < COUNTED]
        left = max((COUNTED - len(e.pairs) for e in missing), default=0)
        return Next(pairs=tuple(e.id for e in missing), rounds_left=left)
    steps = _steps(evidences, rules)
    return Next(
        pairs=tuple(e.id for e in evidences if steps[e.id] is Step.SCREEN),
        confirm=tuple(e.id for e in evidences if steps[e.id] is Step.CONFIRM),
        control=tuple(e.id for e in evidences if _is_control_due(e, len(evidences))),
        rounds_left=max((_rounds_left(e, steps[e.id]) for e in evidences), default=0),
    )


def _is_control_due(evidence: Evidence, benchmarks: int) -> bool:
    """Say whether a control pair is due: after the first pair, in a small suite after the third."""
    due = CONTROL_OF_MANY if benchmarks >= MANY else CONTROL
    return len(evidence.control) < min(due, (len(evidence.pairs) + 1) // 2)


def _steps(evidences: Sequence[Evidence], rules: Mapping[str, Rule]) -> dict[str, Step]:
    steps = {e.id: Step.SCREEN for e in evidences}
    ripe = [e for e in evidences if len(e.pairs) >= EARLY]
    if not ripe:
        return steps
    noise = noise_of(evidences)
    findings = [find(e, rules[e.id], noise) for e in ripe]
    confirmed = confirmations(findings, noise)
    for finding in findings:
        name = finding.evidence.id
        steps[name] = _step(finding, confirmed.get(name))
    return steps


def _step(finding: Finding, chance: float | None) -> Step:
    fresh = len(finding.evidence.confirmation)
    if not fresh and not _is_suspect(finding):
        return Step.NOTHING if _is_settled(finding) else Step.SCREEN
    if is_confirmed(finding, chance):
        told = finding.is_sized
    elif fresh in LOOKS:
        told = finding.is_within
    else:
        told = _is_settled(finding)
    return Step.NOTHING if told or fresh == LOOKS[-1] else Step.CONFIRM


def _is_settled(finding: Finding) -> bool:
    """Say whether nothing suspicious is left."""
    return finding.is_within and (not finding.reaches(SUSPECT) or finding.is_tiny)


def _is_suspect(finding: Finding) -> bool:
    """Say whether screening is over and the benchmark not settled, or it is plainly off before."""
    if len(finding.evidence.pairs) >= SCREEN:
        return not _is_settled(finding)
    low, high = finding.screen.interval(SHOWN)
    return finding.reaches(1.0) and (low > 0 or high < 0)


def _rounds_left(evidence: Evidence, step: Step) -> int:
    match step:
        case Step.SCREEN:
            return max(1, SCREEN - len(evidence.pairs))
        case Step.CONFIRM:
            return next(look for look in LOOKS if look > len(evidence.confirmation)) - len(
                evidence.confirmation
            )
        case Step.NOTHING:
            return 0
