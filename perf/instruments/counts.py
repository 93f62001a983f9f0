"""Counting: exact numbers, and counter-examples that occur or do not.

A counted thing (statements on the wire, rows read) needs no significance test; it is counted
more than once only to show that it repeats.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perf.instruments.bench import Bench
from perf.sample import Kind, Measurement


@dataclass(frozen=True, slots=True)
class Counted:
    """A counted number and the facts that belong to it."""

    value: float
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Count:
    """Count `repeats` times; the figure is the number, if it is the same each time.

    `run` returns a number or `Counted`, or is a coroutine function of either. A count is judged by
    its value, never by a clock.
    """

    run: Callable[[], float | Counted | Awaitable[float | Counted]]
    unit: str
    repeats: int = 2
    facts: Mapping[str, Any] = field(default_factory=dict)

    def measure(self, bench: Bench) -> Measurement:
        """Count, and keep the last count's facts."""
        counted = [_counted(bench.call(self.run)) for _ in range(self.repeats)]
        return Measurement(
            kind=Kind.COUNT,
            unit=self.unit,
            samples={"count": [float(c.value) for c in counted]},
            facts={**self.facts, **counted[-1].facts},
        )


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Whether the counter-example occurred, with what was seen; `explanation` is one sentence."""

    occurred: bool
    explanation: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Witness:
    """Run a counter-example twice: one that occurs only sometimes proves nothing."""

    run: Callable[[], Occurrence | Awaitable[Occurrence]]
    repeats: int = 2

    def measure(self, bench: Bench) -> Measurement:
        """Run the example and keep what it showed."""
        seen: list[Occurrence] = [bench.call(self.run) for _ in range(self.repeats)]
        last = seen[-1]
        return Measurement(
            kind=Kind.WITNESS,
            unit="occurrence",
            samples={"occurred": [float(o.occurred) for o in seen]},
            facts={**last.facts, "explanation": last.explanation},
        )


def _counted(value: float | Counted) -> Counted:
    return value if isinstance(value, Counted) else Counted(float(value))
