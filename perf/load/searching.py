"""The capacity search carried out: runs at the rates that `perf.load.capacity` asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from perf.load import judged
from perf.load.capacity import MOST_TRIALS, Ask, Found, Outcome, Trial, left, step
from perf.load.result import Result
from perf.load.run import LoadError, Order
from perf.load.saturation import first_full
from perf.load.validity import Cause, assess
from perf.verdict import Verdict

_MINUTES_S = 120.0  # below it time is told in seconds
_BETWEEN_S = 4.0  # the generator's start, calibration and end
Attempt = Callable[[float], Result]  # from a scale of the scenario's rates
_GENERATORS = frozenset({Cause.STARVED, Cause.BEHIND, Cause.LOST, Cause.CALIBRATION, Cause.FAILED})


@dataclass(frozen=True, slots=True)
class Capacity:
    """The answer, the trials it rests on, and what was full in the lowest run that was not met.

    `shown` is the run to report: the last one at the answer's rate, or the last one of all.
    """

    found: Found
    trials: tuple[Trial, ...]
    full: str
    shown: Result

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "low": self.found.low,
            "high": self.found.high,
            "sure": self.found.sure,
            "why": self.found.why,
            "saturated_first": self.full,
            "trials": [[one.rate, str(one.outcome)] for one in self.trials],
        }

    def __str__(self) -> str:
        low, high = self.found.low, self.found.high
        at_least = "none met" if low is None else f"{low:.4g} req/s met"
        above = "" if high is None else f", {high:.4g} req/s not met"
        sure = "" if self.found.sure else f" ({self.found.why})"
        return f"capacity: {at_least}{above}{sure}; what saturates first: {self.full}"


def search(attempt: Attempt, say: Callable[[str], None]) -> Capacity:
    """Try rates until the answer is found; the first one is the scenario's own."""
    first = attempt(1.0)
    start = peak(first)
    if not start or not first.thresholds:
        raise LoadError("a capacity needs a scenario with rates, and thresholds to keep")
    trials = [Trial(start, outcome(first))]
    runs = [first]
    while isinstance(todo := step(trials, start), Ask):
        say(f"{_told(trials)}; next {todo.rate:.4g} req/s{_ahead(trials, first)}")
        runs.append(attempt(todo.rate / start))
        trials.append(Trial(todo.rate, outcome(runs[-1])))
    return Capacity(
        todo, tuple(trials), first_full(_failing(trials, runs)), _shown(todo, trials, runs)
    )


def outcome(result: Result) -> Outcome:
    """Return what a run says of its rate.

    Requests given up or uncounted are the service's doing as well as the generator's, and are no
    proof of a rate met; a generator that could not offer it says nothing of the service.
    """
    causes = {one.cause for one in assess(result.generator, result.recording)}
    if causes & _GENERATORS:
        return Outcome.UNOFFERED
    verdicts = {one.judgement.verdict for one in judged.judge(result)}
    if verdicts == {Verdict.MET}:
        return Outcome.MET
    missed = Verdict.MISSED in verdicts or Cause.DROPPED in causes
    return Outcome.MISSED if missed else Outcome.UNSURE


def peak(result: Result) -> float:
    """Return the rate of the busiest phase; 0 where a run has no rates."""
    return float(max(phase["rate"] or 0.0 for phase in result.scenario["phases"]))


def at_scale(order: Order, scale: float) -> Order:
    """Return the order at `scale` times the rates it has."""
    return replace(order, rate_scale=order.rate_scale * scale)


def _told(trials: list[Trial]) -> str:
    return f"trial {len(trials)}, {trials[-1].rate:.4g} req/s: {trials[-1].outcome}"


def _ahead(trials: list[Trial], run: Result) -> str:
    """Say how long the search may still take; how far it has to step outwards nobody knows."""
    each_s = sum(phase["duration_s"] for phase in run.scenario["phases"]) + _BETWEEN_S
    known = left(trials)
    more = f"about {known}" if known is not None else f"at most {MOST_TRIALS - len(trials)}"
    ahead_s = each_s * (MOST_TRIALS - len(trials) if known is None else known)
    time = f"{ahead_s / 60:.0f} min" if ahead_s >= _MINUTES_S else f"{ahead_s:.0f} s"
    return f"; {more} more of {each_s:.0f} s, {time}"


def _failing(trials: list[Trial], runs: list[Result]) -> Result:
    """Return the lowest run that was not met, or the highest of all."""
    pairs = list(zip(trials, runs, strict=True))
    failed = [pair for pair in pairs if pair[0].outcome is not Outcome.MET]
    if failed:
        return min(failed, key=lambda pair: pair[0].rate)[1]
    return max(pairs, key=lambda pair: pair[0].rate)[1]


def _shown(found: Found, trials: list[Trial], runs: list[Result]) -> Result:
    at = [run for one, run in zip(trials, runs, strict=True) if one.rate == found.low]
    return at[-1] if at else runs[-1]
