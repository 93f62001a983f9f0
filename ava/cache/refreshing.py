"""Refreshing ahead: which hits start a fetch in the background, and how many at once.

A key is refreshed by one task at a time, rests after a failure, and beyond `MOST` tasks a hit just
does not refresh: a later one will, or the value expires and is fetched in the ordinary way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from ava.cache.keep import Keep
from ava.clock import Clock

MOST: Final = 64
REST_S: Final = 1.0
_MOST_RESTING = 1024


def left_when_due_s(keep: Keep) -> float:
    """Return the freshness left below which a hit refreshes.

    It is a part of the shortest time to live that the jitter can draw, so that a value just
    stored is never due.
    """
    return (1 - keep.refresh_at) * keep.ttl_s * (1 - keep.jitter)


class Refresher:
    """The refreshes of one process; `aside` runs a coroutine in the background."""

    def __init__(
        self, clock: Clock, aside: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
    ) -> None:
        self._monotonic = clock.monotonic
        self._aside = aside
        self._running: set[str] = set()
        self._rests_until: dict[str, float] = {}

    def due(self, key: str, fresh_until: float, keep: Keep) -> bool:
        """Say whether a hit on `key` should start a refresh."""
        now = self._monotonic()
        return (
            fresh_until - now < left_when_due_s(keep)
            and key not in self._running
            and len(self._running) < MOST
            and self._rests_until.get(key, now) <= now
        )

    def start(self, key: str, refresh: Callable[[], Awaitable[bool]]) -> None:
        """Run `refresh`, which says whether it got a new value; its errors end here."""
        self._running.add(key)
        task = self._aside(self._run(key, refresh))
        # A task cancelled before its first step never reaches a `finally` of its own.
        task.add_done_callback(lambda _: self._running.discard(key))

    async def _run(self, key: str, refresh: Callable[[], Awaitable[bool]]) -> None:
        try:
            renewed = await refresh()
        except Exception:  # noqa: BLE001 - nobody waits for it; the fetch's failure is counted
            renewed = False
        if renewed:
            self._rests_until.pop(key, None)
        else:
            self._rest(key)

    def _rest(self, key: str) -> None:
        if len(self._rests_until) >= _MOST_RESTING:
            self._rests_until.clear()  # at worst some failing fetches are tried a little earlier
        self._rests_until[key] = self._monotonic() + REST_S
