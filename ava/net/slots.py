"""How many requests may be under way at a provider at once, and who is next.

A semaphore with two queues. Background calls may hold at most three quarters of the places: one
that waits for its permit keeps its place, and must not keep a person's call from standing in line.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from ava.net.spec import Priority


class Slots:
    """`limit` places, taken in order of arrival within a priority, interactive ones first."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"at least one request must be possible at a time, not {limit}")
        self._free = limit
        self._background_free = max(1, limit - limit // 4)
        self._queues: dict[Priority, deque[asyncio.Future[None]]] = {p: deque() for p in Priority}

    @property
    def waiting(self) -> int:
        """Return how many callers wait for a place."""
        return sum(map(len, self._queues.values()))

    async def acquire(self, priority: Priority) -> None:
        """Take a place, waiting until one is free; a cancelled caller takes none."""
        if self._open_to(priority) and not any(self._queues[p] for p in Priority if p <= priority):
            self._take(priority)
            return
        granted = asyncio.get_running_loop().create_future()
        self._queues[priority].append(granted)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release(priority)  # granted in the same turn as it was cancelled
            else:
                with suppress(ValueError):  # a release has met it, and dropped it, in between
                    self._queues[priority].remove(granted)
            raise

    def release(self, priority: Priority) -> None:
        """Give a place back to whoever is next."""
        self._free += 1
        self._background_free += priority is Priority.BACKGROUND
        for waiting, queue in self._queues.items():
            while queue and self._open_to(waiting):
                granted = queue.popleft()
                if not granted.done():
                    self._take(waiting)
                    granted.set_result(None)

    def _open_to(self, priority: Priority) -> bool:
        if priority is Priority.BACKGROUND and not self._background_free:
            return False
        return self._free > 0

    def _take(self, priority: Priority) -> None:
        self._free -= 1
        self._background_free -= priority is Priority.BACKGROUND
