"""One pair of processes, side by side in the same benchmark, called in turn.

Slices alternate in groups of ABBA or BAAB by chance, so that neither side comes always first and a
drift falls on both alike. Both sides run on the same core, drawn anew each time: on a shared
machine one core is slower than the other for seconds, and two processes that each keep to their own
would differ by that and nothing else. A benchmark that uses several cores at a time is left free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Protocol

from perf.gate.pace import Pace, calibrated, counted, limited
from perf.gate.process import CrashedError
from perf.gate.protocol import Collected, Event, Exhausted, Finished, Parked, Sliced, Wish
from perf.gate.sample import Metric, PairSample, Side

TIMED = frozenset({Metric.WALL, Metric.CPU})
_NANO = 1e9
_BRIEF_S = 1e-4


@dataclass(frozen=True, slots=True)
class Taken:
    """A benchmark's slices in one pair, how they were sliced, and the seconds that it took."""

    sample: PairSample
    pace: Pace
    seconds: float

    @property
    def is_brief(self) -> bool:
        """Say whether its slices are so short that reading the clock shows in them."""
        return min(self.sample.base) * self.pace.calls < _BRIEF_S


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
    """Two workers that run the same benchmarks in the same order, on one of `cores` if any."""

    workers: Mapping[Side, Partner]
    metric: Metric
    rng: Random
    patience_s: float
    cores: Sequence[int] = ()

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
        return counted(self.metric, call_s)

    def _seconds(self, wish: Wish) -> float:
        return self._ask(Side.BASE, wish)["wall"] / _NANO

    def _slices(self, parked: Mapping[Side, Parked], pace: Pace) -> PairSample:
        if not pace.slices:
            return PairSample((parked[Side.BASE].call_s,), (parked[Side.HEAD].call_s,))
        wish = pace.wish(self.metric, self._core(parked))
        taken = {side: list[float]() for side in Side}
        scale = _NANO if self.metric in TIMED else 1.0
        for side in order(pace.slices, self.rng):
            value = self._ask(side, wish)[self.metric] / scale
            taken[side].append(value / pace.calls)
        return PairSample(tuple(taken[Side.BASE]), tuple(taken[Side.HEAD]))

    def _core(self, parked: Mapping[Side, Parked]) -> int | None:
        """Draw the core for both sides; None where either would lose by having only one."""
        crowded = any(one.is_parallel for one in parked.values())
        timed = self.metric in TIMED
        return self.rng.choice(self.cores) if self.cores and timed and not crowded else None


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
