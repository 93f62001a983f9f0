"""What the reader should see first: the sentence, the warnings, the order, the next steps.

Order follows need: what is missed, then what is not known, then what is about to be missed, and
only then what is well. A next step names an action, what it could gain (an estimate) and the
command. Nothing here recommends without a figure or a cause to point at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perf.claim import TargetKind
from perf.report import figures
from perf.report.model import Entry, Report
from perf.verdict import Verdict

NOISE_LIMIT = 0.05  # where the run does not say which limit it was judged by
STEPS = 3

_WORTH_WAITING = 20_000  # rounds
_ROUNDS = re.compile(r"about (\d+) rounds would tell")  # the words of perf.verdict
_ORDER = (Verdict.MISSED, Verdict.NOT_MEASURED, Verdict.INCONCLUSIVE, Verdict.MET, Verdict.REFUTED)


@dataclass(frozen=True, slots=True)
class Headline:
    """The run in one sentence, with the counts it leaves out."""

    verdict: Verdict
    sentence: str
    rest: str


@dataclass(frozen=True, slots=True)
class Banner:
    """A circumstance that limits what the figures mean."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """What to do about a claim; `gain` is an estimate."""

    entry: Entry
    action: str
    gain: str
    command: str | None


def headline(report: Report) -> Headline:
    """Return the sentence of the worst verdict there is."""
    total = len(report.entries)
    if not total:
        return Headline(Verdict.NOT_MEASURED, "No target was checked", _rest(report, None))
    worst = next((v for v in _ORDER[:3] if report.count(v)), None)
    if worst is not None:
        sentence = (
            f"{report.count(worst)} of {figures.count(total, 'target')} {figures.WORDS[worst]}"
        )
        return Headline(worst, sentence, _rest(report, worst))
    met = report.count(Verdict.MET)
    if not met:
        return Headline(Verdict.REFUTED, f"All {total} refuted", _rest(report, Verdict.REFUTED))
    words = "The one target met" if met == 1 else f"All {met} targets met"
    return Headline(Verdict.MET, words, _rest(report, Verdict.MET))


def _rest(report: Report, said: Verdict | None) -> str:
    parts = [
        f"{report.count(verdict)} {figures.WORDS[verdict]}"
        for verdict in _ORDER
        if verdict is not said and report.count(verdict)
    ]
    planned = report.run.get("planned")
    if planned is not None and planned > len(report.entries):
        parts.append(f"{planned - len(report.entries):.0f} not run")
    return ", ".join(parts)


def sentence(entry: Entry) -> str:
    """Return the rule that led to the verdict, as a sentence.

    The figures a judgement quotes are written again, with the digits the rest of the report has.
    """
    reason = entry.reason.strip().rstrip(".") or "no reason was recorded"
    span = figures.interval(entry)
    if span and entry.estimator and reason.startswith(f"{entry.estimator} "):
        figure = f"{entry.estimator} {figures.measured(entry)}, interval {span}"
        reason = f"{figure}, target {figures.rule(entry.target)}: {reason.rpartition(': ')[2]}"
    return f"{reason[0].upper()}{reason[1:]}, so {figures.WORDS[entry.verdict]}."


def order(entries: Sequence[Entry]) -> list[Entry]:
    """Return the claims by need; equals keep the order they were run in."""
    return sorted(entries, key=_need)


def _need(entry: Entry) -> tuple[float, float]:
    place = float(_ORDER.index(entry.verdict))
    if entry.verdict is Verdict.MISSED:
        return place, -shortfall(entry)
    if entry.is_near_limit:
        return place - 0.5, entry.room or 0.0
    return place, 0.0


def shortfall(entry: Entry) -> float:
    """Return by what factor the estimate misses its bound; infinite where no factor closes it."""
    if entry.target.kind is TargetKind.COUNTER_EXAMPLE or entry.estimate is None:
        return 1.0
    estimate, bound = entry.estimate, entry.target.bound
    if estimate <= 0 or bound <= 0:
        return math.inf
    return max(estimate / bound, bound / estimate)


def banners(report: Report) -> list[Banner]:
    """Return the warnings that are due, the gravest first."""
    found = (_partial(report), _machine(report), _noise(report.environment), _dirty(report.run))
    return [banner for banner in found if banner is not None]


def _partial(report: Report) -> Banner | None:
    run, done = report.run, len(report.entries)
    planned = run.get("planned")
    if run.get("interrupted") or (planned is not None and done < planned):
        of = "" if planned is None else f" of {planned:.0f}"
        return Banner("Partial run", f"it ended after {done}{of} claims; the rest is not known.")
    if run.get("selection"):
        return Banner("Partial run", f"only claims selected by {run['selection']!r}.")
    return None


def _machine(report: Report) -> Banner | None:
    then = (report.baseline or {}).get("machine")
    now = report.environment.get("machine")
    if not then or not now or then == now:
        return None
    return Banner(
        "Another machine", f"the baseline ran on {then}, this run on {now}; changes mix both."
    )


def _noise(environment: Mapping[str, Any]) -> Banner | None:
    noise, limit = environment.get("noise"), environment.get("noise_limit") or NOISE_LIMIT
    if noise is None:
        return Banner("Noise unknown", "how far this machine strays from itself was not measured.")
    if noise <= limit:
        return None
    return Banner(
        "Noisy machine",
        f"a comparison of a thing with itself strays by {figures.noise(noise)}, over the limit "
        f"of {figures.noise(limit)}; timed figures near their target are inconclusive.",
    )


def _dirty(run: Mapping[str, Any]) -> Banner | None:
    if not run.get("dirty"):
        return None
    return Banner("Uncommitted changes", "the figures belong to no commit.")


def next_steps(report: Report) -> list[Step]:
    """Return at most three steps: the best of each sort first, then what is left of each."""
    sorts = [list(_steps(report, verdict)) for verdict in _ORDER[:3]]
    first = [found[0] for found in sorts if found]
    more = [step for found in sorts for step in found[1:]]
    chosen = [*first, *more][:STEPS]
    return sorted(chosen, key=lambda step: _ORDER.index(step.entry.verdict))


def _steps(report: Report, verdict: Verdict) -> Iterator[Step]:
    """Yield the steps of one verdict, the most useful first, one for each cure."""
    cures: set[str] = set()
    for entry in order([entry for entry in report.entries if entry.verdict is verdict]):
        found = step(entry, report.entries)
        if found is None or (entry.cure is not None and entry.cure in cures):
            continue
        if verdict is Verdict.INCONCLUSIVE and _rounds(entry) is None:
            continue
        cures.update(filter(None, [entry.cure]))
        yield found


def step(entry: Entry, entries: Sequence[Entry]) -> Step | None:
    """Return what to do about a claim, or None where nothing is called for or known to help."""
    match entry.verdict:
        case Verdict.MISSED:
            return Step(entry, _missed_action(entry), _gain(entry), entry.reproduce)
        case Verdict.NOT_MEASURED if entry.cure:
            return _enable(entry, entries)
        case Verdict.INCONCLUSIVE:
            return _repeat(entry)
        case _:
            return None


def _missed_action(entry: Entry) -> str:
    if entry.target.kind is TargetKind.COUNTER_EXAMPLE:
        return "Find out why the counter-example did not occur"
    return "Close the gap, then measure again"


def _gain(entry: Entry) -> str:
    if entry.target.kind is TargetKind.COUNTER_EXAMPLE or entry.estimate is None:
        return "one verdict"
    factor = shortfall(entry)
    times = "" if math.isinf(factor) else f", a factor of {figures.significant(factor)}"
    return f"from {figures.measured(entry)} to {figures.bound(entry.target)}{times}"


def _enable(entry: Entry, entries: Sequence[Entry]) -> Step:
    enabled = sum(
        other.verdict is Verdict.NOT_MEASURED and other.cure == entry.cure for other in entries
    )
    return Step(
        entry, "Enable the measurement", f"{figures.count(enabled, 'more verdict')}", entry.cure
    )


def _repeat(entry: Entry) -> Step:
    rounds = _rounds(entry)
    if rounds is None:
        return Step(
            entry, "Measure again on a quieter machine", "a verdict, if it settles", entry.reproduce
        )
    command = entry.reproduce and entry.reproduce.replace("--profile quick", "--profile full")
    return Step(entry, "Measure longer", _rounds_gain(entry, rounds), command)


def _rounds_gain(entry: Entry, rounds: int) -> str:
    gain = f"a verdict after about {rounds:,} rounds"
    if not entry.n or entry.duration_s is None:
        return gain
    return f"{gain}, some {figures.seconds(entry.duration_s * rounds / entry.n, 1)}"


def _rounds(entry: Entry) -> int | None:
    """Return the rounds that would tell, None where that is unknown or more than anybody waits."""
    found = _ROUNDS.search(entry.reason)
    return int(found[1]) if found and int(found[1]) <= _WORTH_WAITING else None
