"""How hard a generating process had to work: the evidence of whether it starved.

Linux counts, for each thread, the time on a core and the time ready to run but waiting for one.
The second tells what a share of CPU hides on a machine that is too small for generator and server:
a generator that gets half a core and wants a whole one looks idle by its CPU time alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

_SCHEDSTAT = Path("/proc/self/schedstat")
_NS = 1e9


@dataclass(frozen=True, slots=True)
class Reading:
    """The main thread's time on a core and time waiting for one, up to a moment, in seconds."""

    at_s: float
    cpu_s: float
    queue_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """Shares of the wall clock between two readings."""

    cpu_share: float
    runqueue_share: float

    @property
    def busy(self) -> float:
        """The share of time in which the thread had work."""
        return self.cpu_share + self.runqueue_share


def read(at_s: float, idle_s: float = 0.0, path: Path = _SCHEDSTAT) -> Reading | None:
    """Return the reading now, without `idle_s` on the core; None where the kernel counts none."""
    try:
        cpu_s, queue_s = (int(ns) / _NS for ns in path.read_text(encoding="ascii").split()[:2])
    except (OSError, ValueError):
        return None
    return Reading(at_s, cpu_s - idle_s, queue_s)


def between(before: Reading, after: Reading) -> Load:
    """Return the shares between two readings."""
    wall_s = max(after.at_s - before.at_s, 1e-9)
    return Load((after.cpu_s - before.cpu_s) / wall_s, (after.queue_s - before.queue_s) / wall_s)


@dataclass(slots=True)
class Strain:
    """Readings through a run, kept as the load of each second and of the whole."""

    seconds: list[Load] = field(default_factory=list)
    first: Reading | None = None
    last: Reading | None = None

    def take(self, reading: Reading | None) -> None:
        """Take the next reading."""
        if reading is None:
            return
        if self.last is None:
            self.first = reading
        else:
            self.seconds.append(between(self.last, reading))
        self.last = reading

    def to_json(self) -> dict[str, float | None]:
        """Return the whole run's shares and the worst second's; None where nothing was read."""
        if self.first is None or self.last is None or not self.seconds:
            return {"cpu_share": None, "runqueue_share": None, "busiest_second": None}
        whole = between(self.first, self.last)
        return {
            "cpu_share": round(whole.cpu_share, 4),
            "runqueue_share": round(whole.runqueue_share, 4),
            "busiest_second": round(max(one.busy for one in self.seconds), 4),
        }
