"""How much of a benchmark is asked for at a time.

How many calls a slice has is found once for a benchmark and used for both sides and all pairs. A
slice is about two milliseconds, since shorter ones measure the clock and longer ones meet more of
what else the machine does. Slow calls get fewer slices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from perf.gate.protocol import Wish
from perf.gate.sample import Metric

SLICE_S = 0.002
SLICES = 10
BUDGET_S = 0.025  # a side, in one pair: from here on the number of slices goes down to
FEW = 4  # slices, since a pair's start takes longer than these, until they take
LARGE_BUDGET_S = 0.25  # a side
CONFIRMING = 3  # times as many slices in confirmation, where few benchmarks share a pair's start
WARM_UNDER_S = 0.005  # a call that takes longer than this warms itself
COLLECT_FROM_S = 0.1  # a call that takes longer keeps the collector, lest memory run out
CLOCK_S = 2e-7  # what reading the clock may differ from slice to slice
_MOST_CALLS = 1_000_000
_COUNTED_CALLS = 10
_COUNTED_WARM = 20  # calls until the interpreter has specialised what it will


@dataclass(frozen=True, slots=True)
class Pace:
    """How a benchmark is sliced: so many slices a side, each of so many calls.

    Without slices the first call is all there is: the test's author allowed no second one.
    `is_full` says that neither slow calls nor a limit to them kept the slices few.
    """

    calls: int
    slices: int
    warm: int
    collector: bool
    is_full: bool = False

    @property
    def resolution_s(self) -> float:
        """Return the difference a call that a slice cannot show: its clock is read twice."""
        return CLOCK_S / self.calls

    @property
    def confirming(self) -> Pace:
        """Return the pace of a confirmation; more slices pay where the start costs the most."""
        return replace(self, slices=CONFIRMING * self.slices) if self.is_full else self

    def wish(self, metric: Metric, core: int | None = None) -> Wish:
        """Return the request for one slice."""
        return Wish(self.calls, self.warm, metric, self.collector, core)


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
    slice_s = calls * max(call_s, 1e-9)
    few = max(1, min(FEW, int(LARGE_BUDGET_S / slice_s)))
    slices = min(SLICES, max(few, int(BUDGET_S / slice_s)))
    return Pace(
        calls=calls,
        slices=slices,
        warm=1 if call_s < WARM_UNDER_S else 0,
        collector=call_s >= COLLECT_FROM_S,
        is_full=slices == SLICES,
    )


def limited(calls: int) -> Pace:
    """Return the pace of a benchmark that may be called so often, its first call included."""
    left = max(0, calls - 1)
    slices = min(SLICES, left)
    return Pace(calls=left // slices if slices else 1, slices=slices, warm=0, collector=False)


def counted(metric: Metric, call_s: float) -> Pace:
    """Return the pace for what is counted: it repeats, so few calls tell."""
    if metric is Metric.MEMORY:
        return Pace(calls=1, slices=2, warm=1, collector=False)
    quick = call_s < WARM_UNDER_S
    return Pace(
        calls=_COUNTED_CALLS if quick else 1,
        slices=1,
        warm=_COUNTED_WARM if quick else 1,
        collector=False,
    )
