"""Measure round after round, until the plan wants nothing more or time is up.

The coordinator starts a fresh pair of processes for each round and keeps what they measured; what a
round measures is the plan's to say (`Plan`), which is a pure function of the evidence. Benchmarks
come in random order, by module, so that a module's fixtures are made once.

A benchmark that fails, or takes its worker with it, is broken from then on and has no evidence;
the others go on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from random import Random
from time import monotonic
from typing import Any, Protocol

from perf.gate.pace import Pace
from perf.gate.pair import TIMED, Limited, Lost, Pair, Taken
from perf.gate.pairs import Pairs, Stage
from perf.gate.protocol import Collected, Described
from perf.gate.sample import Broken, Evidence, Measured, Metric, Next, PairSample, Rule, Side

CONTROL = {Side.BASE: Side.BASE, Side.HEAD: Side.BASE}
COMPARED = {Side.BASE: Side.BASE, Side.HEAD: Side.HEAD}


class Plan(Protocol):
    """Says what to measure next; pure."""

    def __call__(
        self,
        evidences: Sequence[Evidence],
        rules: Mapping[str, Rule],
        metric: Metric,
        seconds_left: float,
    ) -> Next:
        """Return the next round."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is said while measuring; `left_s` is an estimate, None before there is one."""

    round: int
    benchmarks: int
    control: bool
    elapsed_s: float
    left_s: float | None


@dataclass(frozen=True, slots=True)
class Job:
    """What to compare and how; `rule_of` gives each benchmark its rule.

    `inspect` raises Unavailable where the two sides cannot be compared.
    """

    stage: Stage
    rule_of: Callable[[Described], Rule]
    inspect: Callable[[Mapping[Side, Collected]], None]
    seed: int
    max_time_s: float = math.inf


def measure(job: Job, plan: Plan, progress: Callable[[Progress], None]) -> Measured:
    """Run the whole comparison."""
    rng = Random(job.seed)  # noqa: S311 - decides orders, not secrets
    with closing(Pairs(job.stage, rng)) as pairs:
        run = _Run(job, plan, progress, pairs, rng)
        try:
            run.open()
            while run.round():
                pass
        except BaseException:
            pairs.interrupt()
            raise
    return run.result()


class _Run:
    """One run's state: evidence, paces, and what is known to be broken."""

    def __init__(
        self,
        job: Job,
        plan: Plan,
        progress: Callable[[Progress], None],
        pairs: Pairs,
        rng: Random,
    ) -> None:
        self._job, self._plan, self._progress = job, plan, progress
        self._pairs, self._rng = pairs, rng
        self._began = monotonic()
        self._evidence: dict[str, Evidence] = {}
        self._rules: dict[str, Rule] = {}
        self._paces: dict[str, Pace] = {}
        self._seconds: dict[str, float] = {}
        self._broken: dict[str, Broken] = {}
        self._only: dict[Side, list[str]] = {side: [] for side in Side}
        self._skipped: list[str] = []
        self._notes: list[str] = []
        self._rounds = 0

    def open(self) -> None:
        """Find the benchmarks of both sides, and measure the first round in the same processes."""
        pair, found = self._pairs.fresh(COMPARED)
        self._job.inspect(found)
        self._sort_out(found)
        wanted = self._wanted()
        if not wanted.done:
            self._compare(pair, wanted)
        if self._is_worth_a_control(wanted) and not self._is_late(self._pairs.start_s):
            self._control(wanted)

    def round(self) -> bool:
        """Measure what is wanted next; return whether anything was."""
        wanted = self._wanted()
        if wanted.done or self._is_late(self._pairs.start_s):
            return False
        if wanted.pairs or wanted.confirm:
            self._compare(self._pairs.fresh(COMPARED)[0], wanted)
        if self._is_worth_a_control(wanted) and not self._is_late(self._pairs.start_s):
            self._control(wanted)
        return True

    def result(self) -> Measured:
        """Return all that was measured."""
        alive = tuple(self._evidence.values())
        unbounded = self._plan(alive, self._rules, self._job.stage.metric, math.inf)
        return Measured(
            base=self._job.stage.labels[Side.BASE],
            head=self._job.stage.labels[Side.HEAD],
            metric=self._job.stage.metric,
            evidences=alive,
            rules={e.id: self._rules[e.id] for e in alive},
            seconds={e.id: self._seconds.get(e.id, 0.0) for e in alive},
            only_base=tuple(self._only[Side.BASE]),
            only_head=tuple(self._only[Side.HEAD]),
            broken=tuple(self._broken.values()),
            skipped=tuple(self._skipped),
            notes=tuple(self._notes),
            complete=unbounded.done,
            duration_s=monotonic() - self._began,
        )

    def _left_s(self) -> float:
        return self._job.max_time_s - (monotonic() - self._began)

    def _is_late(self, needed_s: float = 0.0) -> bool:
        return self._left_s() <= needed_s

    def _wanted(self) -> Next:
        evidences = tuple(self._evidence.values())
        return self._plan(evidences, self._rules, self._job.stage.metric, self._left_s())

    def _is_worth_a_control(self, wanted: Next) -> bool:
        """Say whether most need one, or nothing else is left: few are not worth two starts."""
        rest = wanted.pairs or wanted.confirm
        return bool(wanted.control) and (2 * len(wanted.control) >= len(self._evidence) or not rest)

    def _sort_out(self, found: Mapping[Side, Collected]) -> None:
        ids = {side: [b.id for b in found[side].benchmarks] for side in Side}
        both = set(ids[Side.BASE]) & set(ids[Side.HEAD])
        for side in Side:
            self._only[side] += [name for name in ids[side] if name not in both]
        for benchmark in found[Side.HEAD].benchmarks:
            if benchmark.id in both:
                self._evidence[benchmark.id] = Evidence(benchmark.id)
                self._rules[benchmark.id] = self._job.rule_of(benchmark)

    def _compare(self, pair: Pair, wanted: Next) -> None:
        confirming = frozenset(wanted.confirm)
        ids = self._shuffled([*wanted.pairs, *wanted.confirm])
        self._announce(len(ids), wanted, control=False)
        self._take(pair, ids, COMPARED, lambda n: "confirmation" if n in confirming else "pairs")

    def _control(self, wanted: Next) -> None:
        ids = self._shuffled([name for name in wanted.control if name in self._evidence])
        if ids:
            pair, _ = self._pairs.fresh(CONTROL)
            self._announce(len(ids), wanted, control=True)
            self._take(pair, ids, CONTROL, lambda _: "control")

    def _take(
        self,
        pair: Pair,
        ids: list[str],
        sides: Mapping[Side, Side],
        kind: Callable[[str], str],
    ) -> None:
        """Measure these in one pair; one that takes its worker with it ends the round."""
        pair.run(ids)
        for name in ids:
            if self._is_late():
                self._pairs.interrupt()
                break
            took = pair.measure(name, self._pace(name, kind(name)))
            self._keep(name, took, sides, kind(name))
            if isinstance(took, Lost) and took.outcome == "crashed":
                self._pairs.interrupt()
                break
        self._rounds += 1

    def _pace(self, name: str, kind: str) -> Pace | None:
        """Return how a benchmark is sliced now; None where that is to be found out."""
        pace = self._paces.get(name)
        return pace.confirming if pace and kind == "confirmation" else pace

    def _keep(
        self, name: str, took: Taken | Limited | Lost, sides: Mapping[Side, Side], kind: str
    ) -> None:
        if isinstance(took, Lost):
            self._lose(name, replace(took, side=sides[took.side]))
            return
        if isinstance(took, Limited):
            self._paces[name] = took.pace
        else:
            self._paces.setdefault(name, took.pace)
            kept: tuple[PairSample, ...] = getattr(self._evidence[name], kind)
            grown: dict[str, Any] = {kind: (*kept, took.sample)}
            self._evidence[name] = replace(self._evidence[name], **grown)
            self._heed_clock(name, took)
            self._seconds[name] = self._seconds.get(name, 0.0) + took.seconds

    def _heed_clock(self, name: str, took: Taken) -> None:
        """Raise the floor of a benchmark whose slices are too short to show small changes."""
        if self._job.stage.metric in TIMED and took.is_brief:
            rule = self._rules[name]
            self._rules[name] = replace(rule, floor=max(rule.floor, took.pace.resolution_s))

    def _lose(self, name: str, lost: Lost) -> None:
        """Take a benchmark out: it is broken, or was skipped on both sides or one."""
        del self._evidence[name]
        if lost.outcome == "skipped":
            self._skipped.append(name)
            self._notes.append(f"{name} is skipped in {lost.side}: {lost.reason}")
        else:
            self._broken[name] = Broken(name, lost.side, lost.reason)

    def _shuffled(self, ids: Sequence[str]) -> list[str]:
        """Return the ids in random order, those of a module together."""
        modules: dict[str, list[str]] = {}
        for name in ids:
            modules.setdefault(name.partition("::")[0], []).append(name)
        groups = list(modules.values())
        self._rng.shuffle(groups)
        for group in groups:
            self._rng.shuffle(group)
        return [name for group in groups for name in group]

    def _announce(self, benchmarks: int, wanted: Next, *, control: bool) -> None:
        left = None
        if self._rounds:
            left = wanted.rounds_left * (monotonic() - self._began) / self._rounds
        self._progress(
            Progress(self._rounds + 1, benchmarks, control, monotonic() - self._began, left)
        )
