"""Memory: how far a process grows while work runs on and on.

The work is run in steps, and what the process holds in physical memory is read after each, garbage
collected first; the figure is the highest reading above the level before. Resident memory is what
an operator sees and pays for: it includes what allocators keep back, which tracing of Python's own
objects does not. It needs a process of its own, as each claim has, and it is no time: other work on
the machine does not change it.

A leak shows in the curve, which is kept as evidence: a bounded thing levels off, a leak goes on.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from perf.instruments.bench import Bench
from perf.sample import Kind, Measurement

_MB = 1_000_000
_STATUS = Path("/proc/self/status")


def resident_mb() -> float:
    """Return the physical memory of this process in MB; where only the peak is known, that."""
    try:
        status = _STATUS.read_text(encoding="ascii")
    except OSError:
        return _peak_mb()
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(kib) * 1024 / _MB


def _peak_mb() -> float:
    import resource  # noqa: PLC0415 - only where there is no /proc

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MB if sys.platform == "darwin" else peak * 1024 / _MB


@dataclass(frozen=True, slots=True)
class Memory:
    """Run `after` for steps 0, 1, ..., each of `operations`; the figure is the growth in MB.

    `before` is run the same way afterwards, for `before_steps` (as many as `after` if None), so
    that its growth stands beside; it must let go of nothing the other measured. `check` is called
    at the end and says whether the work was really done. Both may be coroutine functions.
    """

    after: Callable[[int], Any]
    steps: int
    operations: int
    before: Callable[[int], Any] | None = None
    before_steps: int | None = None
    check: Callable[[], bool] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    resident: Callable[[], float] = resident_mb

    def measure(self, bench: Bench) -> Measurement:
        """Run all steps and keep the curve of both."""
        after = self._curve(bench, self.after, self.steps)
        right = None if self.check is None else bool(self.check())
        before: list[float] = []
        if self.before is not None:
            steps = self.steps if self.before_steps is None else self.before_steps
            before = self._curve(bench, self.before, steps)
        return Measurement(
            kind=Kind.LEVEL,
            unit="MB",
            samples={"level": after},
            facts={**self.facts, **self._facts(before, after)},
            equal=right,
        )

    def _curve(self, bench: Bench, work: Callable[[int], Any], steps: int) -> list[float]:
        gc.collect()
        start = self.resident()
        curve = []
        for step in range(steps):
            bench.call(partial(work, step))
            gc.collect()
            curve.append(self.resident() - start)
        return curve

    def _facts(self, before: list[float], after: list[float]) -> dict[str, Any]:
        curves = {"before": before, "after": after} if before else {"after": after}
        rows = [
            [self.operations * (n + 1), *(_reading(curve, n) for curve in curves.values())]
            for n in range(max(map(len, curves.values())))
        ]
        columns = ["operations", *(f"{name}, MB above the start" for name in curves)]
        return {"table": {"columns": columns, "rows": rows}}


def _reading(curve: list[float], n: int) -> float | None:
    return round(curve[n], 1) if n < len(curve) else None
