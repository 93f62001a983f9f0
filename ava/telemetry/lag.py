"""How late the event loop is: whatever blocks it makes everybody wait, and this shows for how long.

A task sleeps for a short while, again and again, and notes by how much it woke too late.
"""

from __future__ import annotations

from ava.clock import Clock
from ava.telemetry.tallies import Tallies

EVERY_S = 0.25
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class LoopLag:
    """A histogram of how late the loop woke a sleeper; `last_s` is None before the first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.tallies = Tallies(BUCKETS, most=1)
        self.tallies.of(())
        self.last_s: float | None = None

    async def watch(self) -> None:
        """Measure until cancelled."""
        clock = self._clock
        while True:
            due = clock.monotonic() + EVERY_S
            await clock.sleep(EVERY_S)
            self.last_s = max(0.0, clock.monotonic() - due)
            self.tallies.add((), self.last_s)
