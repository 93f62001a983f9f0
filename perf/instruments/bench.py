"""The workbench an instrument measures on: clocks, chance, and how much time it may take.

Everything an instrument would otherwise take from the world comes from here, so a test gives it a
clock that only moves when told to, and a measurement takes no real time.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol


class Clock(Protocol):
    """Nanoseconds from two clocks: the wall's and this process's processor."""

    def wall(self) -> int:
        """Return monotonic nanoseconds."""
        ...

    def cpu(self) -> int:
        """Return processor nanoseconds of this process, all threads."""
        ...


class SystemClock:
    """The machine's clocks."""

    wall = staticmethod(time.perf_counter_ns)
    cpu = staticmethod(time.process_time_ns)


class ManualClock:
    """A clock that moves when work says so: `advance` is what a fake arm calls."""

    def __init__(self) -> None:
        self.now = 0

    def wall(self) -> int:
        """Return the nanoseconds advanced so far."""
        return self.now

    def cpu(self) -> int:
        """Return the same: fake work is all processor time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += round(seconds * 1e9)


@dataclass(slots=True)
class Bench:
    """Clock, random source and limits of one measurement.

    `budget_s` bounds the rounds (a plan may ask for its own), `precision` is the relative
    half-width of the interval at which more rounds are not worth their time. `bounds` are what the
    figure will be held against, so that rounds can end once it is far from all of them.
    """

    clock: Clock = field(default_factory=SystemClock)
    rng: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - order only
    budget_s: float = 3.0
    precision: float = 0.02
    seed: str = ""
    bounds: tuple[float, ...] = ()
    _loop: asyncio.AbstractEventLoop | None = None

    def call(self, run: Callable[[], Any]) -> Any:
        """Run `run` to its result; a coroutine is run on the bench's own event loop."""
        result = run()
        if inspect.isawaitable(result):
            return self.loop.run_until_complete(result)
        return result

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that coroutine arms share, made at first use."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop

    def close(self) -> None:
        """Close the event loop."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the garbage collector out of the timed part; collect what is young before it."""
    gc.collect(1)
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
