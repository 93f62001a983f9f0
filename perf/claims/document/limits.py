"""Limits as documents 000.1, 000.3 and 000.21 propose them.

The only change is that clocks are passed in, so that a minute need not take one.
"""

from __future__ import annotations

from asyncio import Semaphore
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from ava.clock import Clock


class FinnhubLimit:
    """000.3: a semaphore of sixty, "60 concurrent allowed per minute"."""

    def __init__(self) -> None:
        self.rate_limiter = Semaphore(60)

    async def call(self, request: Callable[[], Awaitable[None]]) -> None:
        """Make a request as the document's client would."""
        async with self.rate_limiter:
            await request()


class AlphaVantageSpacing:
    """000.1: three seconds between calls, measured from `last_call_time`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.last_call_time: float | None = None

    async def call(self, request: Callable[[], Awaitable[None]]) -> None:
        """Wait as the document does, then make the request and note the time."""
        if self.last_call_time is not None:
            elapsed = self._clock.monotonic() - self.last_call_time
            if elapsed < 3:
                wait_time = 3 - elapsed
                await self._clock.sleep(wait_time)
        await request()
        self.last_call_time = self._clock.monotonic()


def call_count_key(now: datetime) -> str:
    """Return the key of 000.21 for the server's own time of day."""
    return f"alpha_vantage_calls:{now.strftime('%Y-%m-%d')}"


def count_call(redis: Any, now: datetime) -> None:
    """Count a call as 000.21 does: two commands, one after the other."""
    key = call_count_key(now)
    redis.incr(key)
    redis.expire(key, 86400)
