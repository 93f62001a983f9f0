"""Limits as documents 000.1, 000.3 and 000.21 propose them.

The only change is that clocks are passed in, so that a minute need not take one.
"""

from __future__ import annotations

from asyncio import Semaphore
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any


class FinnhubLimit:
    """000.3: a semaphore of sixty, "60 concurrent allowed per minute"."""

    def __init__(self) -> None:
        self.rate_limiter = Semaphore(60)

    async def call(self, request: Callable[[], Awaitable[None]]) -> None:
        """Make a request as the document's client would."""
        async with self.rate_limiter:
            await request()


def call_count_key(now: datetime) -> str:
    """Return the key of 000.21 for the server's own time of day."""
    return f"alpha_vantage_calls:{now.strftime('%Y-%m-%d')}"


def count_call(redis: Any, now: datetime) -> None:
    """Count a call as 000.21 does: two commands, one after the other."""
    key = call_count_key(now)
    redis.incr(key)
    redis.expire(key, 86400)
