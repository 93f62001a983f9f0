"""What is read around a call: clocks, the peak of allocation, or executed instructions.

A meter is started and stopped around the timed part, once a slice or once a call; it adds up. What
it does itself lies outside of what it reads as far as that can be.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Protocol


class Meter(Protocol):
    """Reads something around a part of a program."""

    def start(self) -> None:
        """Begin the measured part."""

    def stop(self) -> None:
        """End the measured part."""

    def values(self) -> dict[str, int]:
        """Return what was read over all measured parts."""


class Clocks:
    """Wall and CPU time in nanoseconds."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0
        self._wall = self._cpu = 0

    def start(self) -> None:
        """Begin the measured part: the wall clock is read last."""
        self._cpu = time.process_time_ns()
        self._wall = time.perf_counter_ns()

    def stop(self) -> None:
        """End the measured part: the wall clock is read first."""
        wall = time.perf_counter_ns()
        self.cpu += time.process_time_ns() - self._cpu
        self.wall += wall - self._wall

    def values(self) -> dict[str, int]:
        """Return both, in nanoseconds."""
        return {"wall": self.wall, "cpu": self.cpu}


class Peak:
    """The most memory that Python's allocators had handed out above the start, in bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._level = 0

    def start(self) -> None:
        """Trace allocations from here."""
        tracemalloc.start()
        tracemalloc.reset_peak()
        self._level = tracemalloc.get_traced_memory()[0]

    def stop(self) -> None:
        """Add the peak since the start; tracing ends, since it slows everything."""
        self.bytes += tracemalloc.get_traced_memory()[1] - self._level
        tracemalloc.stop()

    def values(self) -> dict[str, int]:
        """Return the sum of the peaks."""
        return {"memory": self.bytes}


class Instructions:
    """Instructions executed in user mode, as valgrind's callgrind counts them."""

    def __init__(self) -> None:
        from .callgrind import Callgrind  # noqa: PLC0415 - ctypes takes a while to import

        self._tool = Callgrind()
        self.count = 0

    def start(self) -> None:
        """Count from here."""
        self._tool.start()

    def stop(self) -> None:
        """Add what was counted."""
        self.count += self._tool.stop()

    def values(self) -> dict[str, int]:
        """Return the count."""
        return {"instructions": self.count}


METERS: dict[str, Callable[[], Meter]] = {
    "wall": Clocks,
    "cpu": Clocks,
    "memory": Peak,
    "instructions": Instructions,
}


def meter(metric: str) -> Meter:
    """Return a fresh meter for a metric of the gate."""
    return METERS[metric]()
