"""What the experiment does: a list of trials, known before the first and the same when resumed.

A trial compares two copies of the suite. In `aa` they are equal; in `loaded` too, with another
process busy in bursts; in `slow` one benchmark of the head is slower by the trial's effect. The
kinds are mixed evenly, so that a run stopped early has its share of each, and so that an hour in
which the machine was restless falls on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

BENCHMARKS = (
    "lru",
    "as_json",
    "coroutines",
    "database",
    "parsing",
    "sorting",
    "classes",
    "regex",
)
BESIDE = 12  # trials of each kind and effect that pytest-benchmark is run in too
EFFECTS = (3, 5, 10, 20)  # units of work more than the hundred, so percent


class Kind(StrEnum):
    """What a trial is of."""

    AA = "aa"
    LOADED = "loaded"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Trial:
    """One comparison; `effect` is 0 and `benchmark` None where nothing differs."""

    kind: Kind
    number: int
    effect: int = 0
    benchmark: str | None = None

    @property
    def key(self) -> str:
        """Return the name under which the trial's result is kept."""
        effect = f"-{self.effect}" if self.effect else ""
        return f"{self.kind}{effect}-{self.number:04}"

    @property
    def beside(self) -> bool:
        """Say whether pytest-benchmark is run beside the gate; it is there to be compared with."""
        return self.number < BESIDE

    @property
    def extra(self) -> dict[str, int]:
        """Return the knob of the head's copy."""
        return {self.benchmark: self.effect} if self.benchmark else {}


def planned(aa: int, loaded: int, samples: int) -> list[Trial]:
    """Return all trials; `samples` is the number for each effect."""
    series = [
        [Trial(Kind.AA, n) for n in range(aa)],
        [Trial(Kind.LOADED, n) for n in range(loaded)],
        *([*_slow(effect, samples)] for effect in EFFECTS),
    ]
    places = [((n + 0.5) / len(each), trial) for each in series for n, trial in enumerate(each)]
    return [trial for _, trial in sorted(places, key=lambda placed: placed[0])]


def _slow(effect: int, samples: int) -> Iterator[Trial]:
    """Yield trials in which each benchmark has its turn, another one for each effect."""
    for number in range(samples):
        turn = (number + EFFECTS.index(effect)) % len(BENCHMARKS)
        yield Trial(Kind.SLOW, number, effect, BENCHMARKS[turn])


def is_of(benchmark: str, test: str) -> bool:
    """Say whether a test's id is that of a workload."""
    return test.endswith((f"[{benchmark}]", f"::test_{benchmark}"))
