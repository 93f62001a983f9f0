"""Start pairs of workers, and end every one of them.

Within a pair the seed is the same, in the next it is another: what hashes do to the order of sets,
and where objects lie in memory, is chance, and falls on both sides as alike as their code allows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Protocol

from perf.gate.pair import Pair, Partner, UncollectedError
from perf.gate.process import Command, Worker
from perf.gate.protocol import Collected
from perf.gate.sample import Metric, Side
from perf.lab import Unavailable


class Running(Partner, Protocol):
    """A worker that was started, and can be ended."""

    def interrupt(self) -> None:
        """Ask it to put away what it has and end."""

    def close(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What both sides of a pair need; `start` takes a command, a seed and a file for output.

    `patience_s` is how long a worker may say nothing.
    """

    commands: Mapping[Side, Command]
    labels: Mapping[Side, str]
    metric: Metric
    scratch: Path
    patience_s: float = 300.0
    start: Callable[[Command, int, Path], Running] = Worker


class Pairs:
    """The workers of a run.

    A pair that is done is left to put away what it has while the next one starts; only then is it
    waited for, so that it costs the comparison no time and disturbs no measurement.
    """

    def __init__(self, stage: Stage, rng: Random) -> None:
        self._stage, self._rng, self._number = stage, rng, 0
        self._running: list[Running] = []
        self._leaving: list[Running] = []
        self.start_s = 0.0  # how long the last pair took to come as far as its benchmarks

    def fresh(self, sides: Mapping[Side, Side]) -> tuple[Pair, dict[Side, Collected]]:
        """Return a fresh pair that has collected; the one before is gone."""
        self._leaving, self._running = self._running, []
        self._number, began = self._number + 1, monotonic()
        seed, starts = self._rng.randrange(1, 2**32), list(Side)
        self._rng.shuffle(starts)
        workers: dict[Side, Running] = {}
        for side in starts:
            output = self._stage.scratch / f"worker-{self._number}-{side}.txt"
            workers[side] = self._stage.start(self._stage.commands[sides[side]], seed, output)
            self._running.append(workers[side])
        pair = Pair(workers, self._stage.metric, self._rng, self._stage.patience_s, _cores())
        try:
            found = pair.collect()
        except UncollectedError as error:
            label = self._stage.labels[sides[error.side]]
            raise Unavailable(f"{label} cannot be collected: {error.reason}") from error
        self._wait()
        self.start_s = monotonic() - began
        return pair, found

    def interrupt(self) -> None:
        """Cut short what the running pair does."""
        for worker in self._running:
            worker.interrupt()

    def _wait(self) -> None:
        while self._leaving:
            self._leaving[-1].close()
            self._leaving.pop()

    def close(self) -> None:
        """End all."""
        self._leaving += self._running
        self._running = []
        self._wait()


def _cores() -> tuple[int, ...]:
    """Return the cores that this process may use; none where a system does not tell."""
    allowed = getattr(os, "sched_getaffinity", None)
    return tuple(sorted(allowed(0))) if allowed else ()
