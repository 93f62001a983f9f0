"""The parts of the experiment: each repeats a trial, and says whether what was to be seen was.

A part that fails to run is a part without a result, with its reason; it is never one that passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from perf.experiments.load_truth import trials
from perf.experiments.load_truth.plain import plain_stall
from perf.experiments.load_truth.trials import Trial
from perf.experiments.load_truth.truth import held
from perf.lab.guard import Guard

PLAIN_USERS = (4, 20)
LADDER_MS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
REPEATS = 20
_OFF_PERCENT = 2.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """What a part showed: the sentence, whether it holds, and the rows behind it."""

    sentence: str
    holds: bool
    columns: tuple[str, ...]
    rows: list[list[Any]]
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def stall(guard: Guard, repeats: int, say: Say) -> Part:
    """Repeat the stall as often as is affordable, and plain Locust beside it once a size."""
    rows: list[list[Any]] = []
    good, facts = True, []
    for number in range(max(1, repeats // 7)):
        trial = trials.stall(guard)
        good &= not trial.reasons and all(one.used <= 1 for one in trial.compared)
        facts.append({"reasons": trial.reasons, **trial.facts})
        rows += [
            [f"ours, run {number + 1}", x.name, x.truth_ms, x.told_ms, x.used <= 1, _called(trial)]
            for x in trial.compared
        ]
        used = max(x.used for x in trial.compared)
        say(f"stall, run {number + 1}: {used:.0%} of the tolerance, {_called(trial)}")
    truth = {one.name: one.truth_ms for one in trial.compared}
    for users in PLAIN_USERS:
        told = plain_stall(guard, users).told_ms
        name = f"plain Locust, {users} users"
        rows += [
            [name, x.name, x.truth_ms, x.told_ms, x.used <= 1, "no such check"]
            for x in held(truth, told)
        ]
        say(f"{name}: {told}")
    sentence = "a stall is told as an independent witness sees it, within 10 % or 5 ms"
    columns = ("generator", "percentile", "truth ms", "told ms", "within", "run called")
    return Part(sentence, good, columns, rows, {"runs": facts})


def _called(trial: Trial) -> str:
    return "; ".join(trial.reasons) or "valid"


def known(guard: Guard, _repeats: int, say: Say) -> Part:
    """Ask where 2 % take 200 ms, and climb a ladder of delays."""
    rows: list[list[Any]] = []
    twice = 2 * trials.IN_TURN
    found = [("2 % at 200 ms, the rest at 1 ms", trials.tail(guard, 5.0, twice))]
    found += [(f"{ms:g} ms", trials.steady(guard, ms, 3.0, trials.IN_TURN)) for ms in LADDER_MS]
    for name, trial in found:
        say(f"known delay: {name} is done")
        rows += [
            [
                name,
                one.name,
                one.truth_ms,
                trial.facts["witness_ms"][one.name],
                round(one.told_ms, 3),
                _off_percent(one.told_ms, one.truth_ms),
                _off_percent(one.told_ms, trial.facts["witness_ms"][one.name]),
                _called(trial),
            ]
            for one in trial.compared
        ]
    good = all(abs(row[6]) <= _OFF_PERCENT for row in rows if row[2] >= 1) and not any(
        trial.reasons for _, trial in found
    )
    columns = (
        "server",
        "percentile",
        "known ms",
        "witness ms",
        "told ms",
        "off the delay, %",
        "off the witness, %",
        "run called",
    )
    sentence = "a delay of 1 ms or more is told within 2 % of what an independent witness sees"
    facts = {name: {"reasons": trial.reasons, **trial.facts} for name, trial in found}
    return Part(sentence, good, columns, rows, facts)


def _off_percent(told: float, truth: float) -> float:
    return round(100 * (told / truth - 1), 2)


def shared(guard: Guard, repeats: int, say: Say) -> Part:
    """Let two workers share a schedule, several times."""
    rows: list[list[Any]] = []
    for number in range(max(1, repeats // 4)):
        trial = trials.shared(guard)
        resolved = all(one.used <= 1 for one in trial.compared)
        rows.append([number + 1, trial.sent, trial.counted, trial.facts["raw_samples"], resolved])
        say(f"two workers, run {number + 1}: sent {trial.sent}, counted {trial.counted}")
    good = all(row[1] == row[2] == row[3] and row[4] for row in rows)
    columns = ("run", "sent", "counted by the server", "raw samples", "percentiles as of raw")
    sentence = "two workers lose no request, and their percentiles are those of all samples"
    return Part(sentence, good, columns, rows)


def starved(guard: Guard, repeats: int, say: Say) -> Part:
    """Ask for far too much, again and again: every run is to be called invalid."""
    return _verdicts(
        [("asked for 50,000/s", partial(trials.starved, guard))] * repeats,
        say,
        sentence="a starved generator's run is called invalid every time",
        invalid=True,
    )


def slow(guard: Guard, repeats: int, say: Say) -> Part:
    """Ask slow servers what the generator can well do: no run is to be called invalid."""
    kinds = [trials.SLOW[number % len(trials.SLOW)] for number in range(repeats)]
    return _verdicts(
        [(name, partial(trials.slow, guard, behaviour)) for name, behaviour in kinds],
        say,
        sentence="a slow server's run is never called invalid while the generator is healthy",
        invalid=False,
    )


def _verdicts(
    runs: list[tuple[str, Callable[[], Trial]]], say: Say, *, sentence: str, invalid: bool
) -> Part:
    rows: list[list[Any]] = []
    for number, (name, run) in enumerate(runs, 1):
        trial = run()
        right = bool(trial.reasons) is invalid
        rows.append([number, name, trial.sent, _called(trial), right])
        say(f"{name}, run {number}: {'invalid' if trial.reasons else 'valid'}")
    columns = ("run", "server", "sent", "called", "right")
    return Part(sentence, all(row[4] for row in rows), columns, rows)


PARTS: Mapping[str, Callable[[Guard, int, Say], Part]] = {
    "stall": stall,
    "known": known,
    "shared": shared,
    "starved": starved,
    "slow": slow,
}
