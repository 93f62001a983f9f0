"""One pair of processes, side by side in the same benchmark, called in turn.

Slices alternate in groups of ABBA or BAAB by chance, so that neither side comes always first and a
drift falls on both alike. How many calls a slice has is found once for a benchmark and used for
both sides and all pairs: a slice is about two milliseconds, since shorter ones measure the clock
and longer ones meet more of what else the machine does. Slow calls get fewer slices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Protocol

from perf.gate.process import CrashedError
from perf.gate.protocol import Collected, Event, Exhausted, Finished, Parked, Sliced, Wish
from perf.gate.sample import Metric, PairSample, Side

SLICE_S = 0.002
SLICES = 10
BUDGET_S = 0.025  # a side, in one pair: from here on the number of slices goes down
WARM_UNDER_S = 0.005  # a call that takes longer than this warms itself
COLLECT_FROM_S = 0.1  # a call that takes longer keeps the collector, lest memory run out
CLOCK_S = 2e-7  # what reading the clock may differ from slice to slice
_MOST_CALLS = 1_000_000
_COUNTED_CALLS = 10
_COUNTED_WARM = 20  # calls until the interpreter has specialised what it will
_NANO = 1e9
TIMED = frozenset({Metric.WALL, Metric.CPU})


@dataclass(frozen=True, slots=True)
class Pace:
    """How a benchmark is sliced: so many slices a side, each of so many calls.

    Without slices the first call is all there is: the test's author allowed no second one.
    """

    calls: int
    slices: int
    warm: int
    collector: bool

    @property
    def resolution_s(self) -> float:
        """Return the difference a call that a slice cannot show: its clock is read twice."""
        return CLOCK_S / self.calls

    def wish(self, metric: Metric) -> Wish:
        """Return the request for one slice."""
        return Wish(self.calls, self.warm, metric, self.collector)


@dataclass(frozen=True, slots=True)
class Taken:
    """A benchmark's slices in one pair, how they were sliced, and the seconds that it took."""

    sample: PairSample
    pace: Pace
    seconds: float


@dataclass(frozen=True, slots=True)
class Limited:
    """The benchmark cannot be repeated at will; the pace that its author's number allows."""

    pace: Pace


@dataclass(frozen=True, slots=True)
class Lost:
    """There are no slices, and why: it "failed", was "skipped", or its worker "crashed"."""

    side: Side
    outcome: str
    reason: str


class Partner(Protocol):
    """What a pair needs of a worker."""

    def run(self, ids: list[str]) -> None:
        """Name the benchmarks to run."""

    def ask(self, wish: Wish) -> None:
        """Ask for a slice."""

    def leave(self) -> None:
        """Let the parked benchmark end."""

    def next(self, within_s: float) -> Event:
        """Return the next event."""


class UncollectedError(Exception):
    """A side did not come as far as its benchmarks."""

    def __init__(self, side: Side, reason: str) -> None:
        super().__init__(reason)
        self.side, self.reason = side, reason


class _GoneError(Exception):
    """A side cannot go on with this benchmark."""

    def __init__(self, lost: Lost) -> None:
        super().__init__(lost.reason)
        self.lost = lost


class _LimitError(Exception):
    """A side ran out of calls."""

    def __init__(self, calls: int) -> None:
        super().__init__(calls)
        self.calls = calls


@dataclass(frozen=True, slots=True)
class Pair:
    """Two workers that run the same benchmarks in the same order."""

    workers: Mapping[Side, Partner]
    metric: Metric
    rng: Random
    patience_s: float

    def collect(self) -> dict[Side, Collected]:
        """Return what each side found; raise UncollectedError where one cannot."""
        found = {}
        for side, worker in self.workers.items():
            try:
                event = worker.next(self.patience_s)
            except CrashedError as error:
                raise UncollectedError(side, str(error)) from error
            if not isinstance(event, Collected):
                raise UncollectedError(side, "its worker found nothing")
            found[side] = event
        return found

    def run(self, ids: list[str]) -> None:
        """Let both sides begin."""
        for worker in self.workers.values():
            worker.run(ids)

    def measure(self, name: str, pace: Pace | None) -> Taken | Limited | Lost:
        """Return a benchmark's slices; its pace is found first where it is not known."""
        began = monotonic()
        try:
            parked = self._meet(name)
            pace = pace or self._pace(parked[Side.BASE].call_s)
            sample = self._slices(parked, pace)
            self._part(name)
        except _LimitError as limit:
            return self._give_up(name, limit.calls)
        except _GoneError as gone:
            return gone.lost
        return Taken(sample, pace, monotonic() - began)

    def _next(self, side: Side) -> Event:
        try:
            return self.workers[side].next(self.patience_s)
        except CrashedError as error:
            raise _GoneError(Lost(side, "crashed", str(error))) from error

    def _meet(self, name: str) -> dict[Side, Parked]:
        """Wait until both sides are parked; a side whose partner never comes is let go."""
        parked, lost = {}, None
        for side in Side:
            event = self._next(side)
            if isinstance(event, Parked) and event.id == name:
                parked[side] = event
            elif isinstance(event, Finished) and event.id == name:
                lost = lost or Lost(side, event.outcome, event.reason)
            else:
                lost = Lost(side, "crashed", f"its worker said {type(event).__name__} instead")
        if lost is None:
            return parked
        for side in parked:
            self.workers[side].leave()
            self._next(side)
        raise _GoneError(lost)

    def _part(self, name: str) -> None:
        """Let both sides go on, and hear how the test ended."""
        for worker in self.workers.values():
            worker.leave()
        ends = {side: self._next(side) for side in Side}
        for side, end in ends.items():
            if not isinstance(end, Finished) or end.id != name:
                raise _GoneError(Lost(side, "crashed", "its worker lost its place"))
            if end.outcome != "passed":
                raise _GoneError(Lost(side, end.outcome, end.reason))

    def _give_up(self, name: str, calls: int) -> Limited | Lost:
        """Let both sides go, whatever the test says of calls that it did not expect."""
        try:
            self._part(name)
        except _GoneError as gone:
            if gone.lost.outcome == "crashed":
                return gone.lost
        return Limited(limited(calls))

    def _ask(self, side: Side, wish: Wish) -> Mapping[str, int]:
        worker = self.workers[side]
        worker.ask(wish)
        event = self._next(side)
        if isinstance(event, Sliced):
            return event.values
        if isinstance(event, Exhausted):
            raise _LimitError(event.calls)
        if isinstance(event, Finished):
            self._release(other(side))
            raise _GoneError(Lost(side, event.outcome, event.reason))
        raise _GoneError(Lost(side, "crashed", "its worker lost its place"))

    def _release(self, side: Side) -> None:
        self.workers[side].leave()
        self._next(side)

    def _pace(self, call_s: float) -> Pace:
        if self.metric in TIMED:
            return calibrated(self._seconds, call_s)
        if self.metric is Metric.MEMORY:
            return Pace(calls=1, slices=2, warm=1, collector=False)
        quick = call_s < WARM_UNDER_S
        return Pace(
            calls=_COUNTED_CALLS if quick else 1,
            slices=1,
            warm=_COUNTED_WARM if quick else 1,
            collector=False,
        )

    def _seconds(self, wish: Wish) -> float:
        return self._ask(Side.BASE, wish)["wall"] / _NANO

    def _slices(self, parked: Mapping[Side, Parked], pace: Pace) -> PairSample:
        if not pace.slices:
            return PairSample((parked[Side.BASE].call_s,), (parked[Side.HEAD].call_s,))
        wish, taken = pace.wish(self.metric), {side: list[float]() for side in Side}
        scale = _NANO if self.metric in TIMED else 1.0
        for side in order(pace.slices, self.rng):
            value = self._ask(side, wish)[self.metric] / scale
            taken[side].append(value / pace.calls)
        return PairSample(tuple(taken[Side.BASE]), tuple(taken[Side.HEAD]))


def other(side: Side) -> Side:
    """Return the other side."""
    return Side.HEAD if side is Side.BASE else Side.BASE


def order(slices: int, rng: Random) -> list[Side]:
    """Return whose turn it is: groups of ABBA or BAAB, and AB or BA where one slice is left."""
    turns: list[Side] = []
    for _ in range(slices // 2):
        first = rng.choice(list(Side))
        turns += [first, other(first), other(first), first]
    if slices % 2:
        first = rng.choice(list(Side))
        turns += [first, other(first)]
    return turns


def calibrated(seconds: Callable[[Wish], float], call_s: float) -> Pace:
    """Return the pace of a benchmark; `seconds` measures a slice, `call_s` was its first call."""
    calls, took = 1, call_s
    if call_s < COLLECT_FROM_S:
        while True:
            took = seconds(Wish(calls, 1, Metric.WALL, collector=False))
            if took >= SLICE_S / 4 or calls >= _MOST_CALLS:
                break
            calls = min(_MOST_CALLS, calls * 10, math.ceil(calls * SLICE_S / max(took, 1e-7)))
    return pace_of(took / calls)


def pace_of(call_s: float) -> Pace:
    """Return the pace for calls that take so long."""
    calls = min(_MOST_CALLS, max(1, round(SLICE_S / max(call_s, 1e-9))))
    slices = min(SLICES, max(1, int(BUDGET_S / (calls * max(call_s, 1e-9)))))
    return Pace(
        calls=calls,
        slices=slices,
        warm=1 if call_s < WARM_UNDER_S else 0,
        collector=call_s >= COLLECT_FROM_S,
    )


def limited(calls: int) -> Pace:
    """Return the pace of a benchmark that may be called so often, its first call included."""
    left = max(0, calls - 1)
    slices = min(SLICES, left)
    return Pace(calls=left // slices if slices else 1, slices=slices, warm=0, collector=False)
