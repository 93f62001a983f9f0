"""Time as a parameter.

What waits, expires or is stamped takes a `Clock`, so that a test can turn the hands itself.
`SystemClock` is the real one; `ManualClock` stands still until it is told to move. Nothing else in
the package reads the time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The three things one can ask of time."""

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""
        ...

    def now(self) -> datetime:
        """Return the time of day, in UTC and aware of it."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; zero or less still lets other tasks run."""
        ...


class SystemClock:
    """The machine's clock."""

    __slots__ = ()

    # The function itself: limiters and caches ask it on every call.
    monotonic = staticmethod(time.monotonic)

    def now(self) -> datetime:
        """Return the machine's time of day in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Suspend the task."""
        await asyncio.sleep(max(0.0, seconds))


class ManualClock:
    """A clock for tests: it moves when told, or jumps to the next sleeper by itself.

    With `jump`, a sleep takes no time: once other tasks wait too, the clock moves to the earliest
    sleeper's due time, so a retry loop runs through at once. `slept` records every sleep.
    """

    def __init__(
        self, start: datetime = datetime(2026, 1, 5, 14, 30, tzinfo=UTC), *, jump: bool = False
    ) -> None:
        self._start = start
        self._elapsed = 0.0
        self._jump = jump
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds this clock was moved."""
        return self._elapsed

    def now(self) -> datetime:
        """Return the start moved by the same seconds."""
        return self._start + timedelta(seconds=self._elapsed)

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock stands at or after the due time."""
        self.slept.append(seconds)
        entry = (self._elapsed + max(0.0, seconds), next(self._order), asyncio.Event())
        heapq.heappush(self._sleepers, entry)
        try:
            await asyncio.sleep(0)
            if self._jump:
                await self._jump_to(entry)
            elif entry[0] > self._elapsed:
                await entry[2].wait()
        finally:
            self._sleepers.remove(entry)
            heapq.heapify(self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`, waking each sleeper at its own due time and in order."""
        target = self._elapsed + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, woken = self._sleepers[0]
            self._elapsed = max(self._elapsed, due)
            woken.set()
            await _settle()
        self._elapsed = target

    async def _jump_to(self, entry: tuple[float, int, asyncio.Event]) -> None:
        """Move the clock once this sleeper is the first and everybody else has come to wait."""
        await _settle()
        while self._sleepers[0] is not entry:
            await _settle()
        self._elapsed = max(self._elapsed, entry[0])


async def _settle(turns: int = 10) -> None:
    """Let woken tasks run until they wait again; ten turns cover any chain of plain awaits."""
    for _ in range(turns):
        await asyncio.sleep(0)
