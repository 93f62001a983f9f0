"""The machine during a run: how busy its cores are, and who waited for one.

A service beside its generator may be short of cores while it is far from using up one of its own:
its process then waits, which no share of processor time shows. Linux counts both, for each core
and for each thread. Time that the host of a virtual machine took away counts as busy, since nobody
here could have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

_STAT = Path("/proc/stat")
_NS = 1e9
_IDLE, _IO, _STOLEN = 3, 4, 7  # places in a core's line


@dataclass(frozen=True, slots=True)
class Cores:
    """Ticks up to a moment, by core: busy, idle, and of the busy ones those the host took."""

    busy: Mapping[str, float] = field(default_factory=dict)
    idle: Mapping[str, float] = field(default_factory=dict)
    stolen: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any] | None) -> Self | None:
        """Read what `to_json` returned."""
        return None if raw is None else cls(raw["busy"], raw["idle"], raw["stolen"])


def cores(path: Path = _STAT) -> Cores | None:
    """Return the cores' ticks so far; None where the system counts none."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    read = {
        words[0].removeprefix("cpu"): [*map(float, words[1:9])]  # guests' time is in the user's
        for words in map(str.split, lines)
        if words and words[0].startswith("cpu") and words[0] != "cpu"
    }
    idle = {name: ticks[_IDLE] + ticks[_IO] for name, ticks in read.items()}
    return Cores(
        busy={name: sum(ticks) - idle[name] for name, ticks in read.items()},
        idle=idle,
        stolen={name: ticks[_STOLEN] for name, ticks in read.items()},
    )


def waited_s(pid: int) -> float | None:
    """Return how long a process's main thread was ready to run and had no core, so far."""
    try:
        text = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii")
        return int(text.split()[1]) / _NS
    except (OSError, ValueError, IndexError):
        return None


def busy_share(before: Cores, after: Cores, names: frozenset[str]) -> float | None:
    """Return how busy the cores named were between two readings; None where nothing was counted."""
    busy = sum(after.busy[name] - before.busy[name] for name in names & before.busy.keys())
    idle = sum(after.idle[name] - before.idle[name] for name in names & before.idle.keys())
    return busy / (busy + idle) if busy + idle > 0 else None


def stolen_share(before: Cores, after: Cores) -> float:
    """Return the share of all cores' time that the host took."""
    stolen = sum(after.stolen.values()) - sum(before.stolen.values())
    all_ticks = sum(after.busy.values()) + sum(after.idle.values())
    all_ticks -= sum(before.busy.values()) + sum(before.idle.values())
    return stolen / all_ticks if all_ticks > 0 else 0.0
