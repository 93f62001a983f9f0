"""Timing: two arms interleaved, or one arm alone.

Before and after run in one process, in random order within each round, on the same work, whose
equal results are checked before the first round: drift of the machine then falls on both alike.
When rounds stop is the business of `perf.instruments.stopping`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from perf.instruments.bench import Bench, quiet
from perf.instruments.stopping import MAX_ROUNDS, MIN_ROUNDS, Stop, plain_quantile, plain_ratio
from perf.sample import Kind, Measurement, Scale
from perf.stats import Summary, compare, half_width, quantile

SLICE_S = 0.001  # a slice shorter than this measures the clock: call the arm several times
CHECK_AGAIN_S = 1.0  # results are compared again after the rounds unless a call takes this long
WARM_UP_CALLS = 12
WARM_UP_S = 0.1
_MAX_LOOPS = 100_000


@dataclass(frozen=True, slots=True)
class Arm:
    """Work to be timed: `run` is timed, `reset` puts its world back before each call, untimed.

    `outcome` reads what the work achieved (a table's rows, say) where that is not what `run`
    returns. Coroutine functions are allowed throughout.
    """

    run: Callable[[], Any]
    reset: Callable[[], Any] | None = None
    outcome: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """Wall and processor seconds of one call, averaged over a slice's loops."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Compare:
    """Time `before` against `after`; the figure is their ratio, or the share of time saved.

    `same` compares the two outcomes; different outcomes end the measurement unmeasured.
    """

    before: Arm
    after: Arm
    same: Callable[[Any, Any], bool] = operator.eq
    scale: Scale = Scale.RATIO
    facts: Mapping[str, Any] = field(default_factory=dict)
    budget_s: float | None = None
    min_rounds: int = MIN_ROUNDS
    max_rounds: int = MAX_ROUNDS

    def measure(self, bench: Bench) -> Measurement:
        """Check equality, warm up, run rounds until narrow enough or out of time, check again."""
        arms = {"before": self.before, "after": self.after}
        first = {name: _first(bench, arm) for name, arm in arms.items()}
        if (unlike := self._unlike(first)) is not None:
            return unlike
        loops = {name: _calibrate(bench, arm, first[name][1]) for name, arm in arms.items()}
        stop = Stop(bench, self.budget_s, self.min_rounds, self.max_rounds)
        rounds = list(self._rounds(bench, stop, arms, loops))
        if sum(seconds for _, seconds in first.values()) < CHECK_AGAIN_S:
            # What was right at first may be a stale answer by now.
            last = {name: _first(bench, arm) for name, arm in arms.items()}
            if (unlike := self._unlike(last)) is not None:
                return unlike
        return Measurement(
            kind=Kind.COMPARISON,
            unit=self._unit,
            samples=_series(rounds),
            facts={**self.facts, "loops": loops, **_ended(stop)},
            warnings=() if stop.early else _warnings(rounds, self.max_rounds, bench),
            scale=self.scale,
            equal=True,
        )

    @property
    def _unit(self) -> str:
        return "%" if self.scale is Scale.SAVING else "x"

    def _unlike(self, called: Mapping[str, tuple[Any, float]]) -> Measurement | None:
        """Return the measurement of arms whose outcomes differ, None where they are the same."""
        outcomes = {name: outcome for name, (outcome, _) in called.items()}
        if self.same(outcomes["before"], outcomes["after"]):
            return None
        facts = {**self.facts, "outcomes": {n: _shorten(o) for n, o in outcomes.items()}}
        return Measurement(Kind.COMPARISON, self._unit, scale=self.scale, facts=facts, equal=False)

    def _rounds(
        self, bench: Bench, stop: Stop, arms: Mapping[str, Arm], loops: Mapping[str, int]
    ) -> Iterator[dict[str, Slice]]:
        rounds: list[dict[str, Slice]] = []

        def plain() -> bool:
            series = _series(rounds)
            return plain_ratio(
                series["before"],
                series["after"],
                bench.bounds,
                lambda: _summary(rounds, self.scale),
                self.scale,
            )

        while not stop.reached(len(rounds), lambda: _width(rounds), plain):
            order = list(arms)
            bench.rng.shuffle(order)
            taken = {name: _slice(bench, arms[name], loops[name]) for name in order}
            rounds.append(taken)
            yield taken


@dataclass(frozen=True, slots=True)
class Latency:
    """Time one arm; the figure is a quantile of its calls.

    `check` is given the first outcome and says whether it is right.
    """

    arm: Arm
    unit: str = "ms"
    quantile: float = 0.5
    check: Callable[[Any], bool] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    budget_s: float | None = None
    min_rounds: int = 20
    max_rounds: int = MAX_ROUNDS

    def measure(self, bench: Bench) -> Measurement:
        """Check the outcome, warm up, then time single calls."""
        outcome, first_s = _first(bench, self.arm)
        right = None if self.check is None else bool(self.check(outcome))
        if right is False:
            facts = {**self.facts, "outcome": _shorten(outcome)}
            return Measurement(Kind.TIMING, self.unit, facts=facts, equal=False)
        _warm_up(bench, self.arm, first_s)
        stop = Stop(bench, self.budget_s, self.min_rounds, self.max_rounds)
        slices: list[Slice] = []

        def plain() -> bool:
            return plain_quantile(_walls(slices), self.quantile, self.unit, bench.bounds)

        while not stop.reached(len(slices), lambda: _quantile_width(slices, self.quantile), plain):
            slices.append(_slice(bench, self.arm, 1))
        return Measurement(
            kind=Kind.TIMING,
            unit=self.unit,
            samples={
                "time": _walls(slices),
                "time_cpu": [s.cpu_s for s in slices],
            },
            facts={**self.facts, **_ended(stop)},
            quantile=self.quantile,
            equal=right,
        )


def _first(bench: Bench, arm: Arm) -> tuple[Any, float]:
    """Call the arm once, outside the samples; return its outcome and its seconds."""
    if arm.reset is not None:
        bench.call(arm.reset)
    started = bench.clock.wall()
    result = bench.call(arm.run)
    seconds = (bench.clock.wall() - started) / 1e9
    return (result if arm.outcome is None else bench.call(arm.outcome)), seconds


def _warm_up(bench: Bench, arm: Arm, first_s: float) -> float:
    """Call a quick arm a few times more and return the last call's seconds.

    Drivers prepare a statement after some executions and servers settle on a plan after some more;
    an arm that takes long has been through that in its first call.
    """
    spent = last = first_s
    for _ in range(WARM_UP_CALLS):
        if spent >= WARM_UP_S:
            break
        last = _slice(bench, arm, 1).wall_s
        spent += last
    return last


def _calibrate(bench: Bench, arm: Arm, first_s: float) -> int:
    """Warm up, and return how many calls fill a slice: one where each call must be reset."""
    once_s = _warm_up(bench, arm, first_s)
    if arm.reset is not None or once_s >= SLICE_S:
        return 1
    loops = 1
    while loops < _MAX_LOOPS:
        taken = _slice(bench, arm, loops).wall_s * loops
        if taken >= SLICE_S:
            return loops
        loops = min(_MAX_LOOPS, max(loops * 2, int(loops * SLICE_S / max(taken, 1e-9))))
    return loops


def _slice(bench: Bench, arm: Arm, loops: int) -> Slice:
    if arm.reset is not None:
        bench.call(arm.reset)
    run, call, clock = arm.run, bench.call, bench.clock
    with quiet():
        cpu, wall = clock.cpu(), clock.wall()
        for _ in range(loops):
            call(run)
        wall_ns, cpu_ns = clock.wall() - wall, clock.cpu() - cpu
    return Slice(wall_ns / 1e9 / loops, cpu_ns / 1e9 / loops)


def _series(rounds: list[dict[str, Slice]]) -> dict[str, list[float]]:
    series = {name: [r[name].wall_s for r in rounds] for name in ("before", "after")}
    cpu = {f"{name}_cpu": [r[name].cpu_s for r in rounds] for name in ("before", "after")}
    return {**series, **cpu}


def _walls(slices: list[Slice]) -> list[float]:
    return [s.wall_s for s in slices]


def _summary(rounds: list[dict[str, Slice]], scale: Scale = Scale.RATIO) -> Summary:
    series = _series(rounds)
    return compare(series["before"], series["after"], seed="width", scale=scale)


def _width(rounds: list[dict[str, Slice]]) -> float:
    return half_width(_summary(rounds))


def _quantile_width(slices: list[Slice], p: float) -> float:
    return half_width(quantile(_walls(slices), p).in_unit("s"))


def _ended(stop: Stop) -> dict[str, Any]:
    """Say why there are few rounds, where the answer was plain."""
    return {"ended": "early: far from every bound"} if stop.early else {}


def _warnings(rounds: list[dict[str, Slice]], most: int, bench: Bench) -> tuple[str, ...]:
    """Say when the interval stayed wider than asked, with the number of rounds it would take."""
    width = _width(rounds)
    if width <= bench.precision or len(rounds) >= most:
        return ()
    needed = round(len(rounds) * (width / bench.precision) ** 2)
    advice = f"+-{bench.precision:.1%} would take about {needed}"
    return (f"the interval is +-{width:.1%} after {len(rounds)} rounds; {advice}",)


def _shorten(value: Any, limit: int = 400) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."
