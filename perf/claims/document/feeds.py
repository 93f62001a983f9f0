"""The market-data clients as documents 000.1, 000.2 and 000.3 show them.

Their waits are parameters, so that both arms of a comparison can be run on a faster clock; nothing
else is changed. `now` and `sleep` stand for `time.time` and the sleep the document calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx


class BlockingClient:
    """000.1 and 000.3: a client that sleeps until `spacing_s` after its last call.

    The document does not show where the time of the last call is noted; here it is before the
    request, the reading that makes it faster.
    """

    def __init__(self, http: httpx.Client, spacing_s: float) -> None:
        self.http = http
        self.spacing_s = spacing_s
        self.last_call_time: float | None = None

    def get(self, path: str, **params: str) -> Any:
        """Wait, blocking the thread, then ask."""
        if self.last_call_time:
            elapsed = time.time() - self.last_call_time
            if elapsed < self.spacing_s:
                time.sleep(self.spacing_s - elapsed)
        self.last_call_time = time.time()
        return self.http.get(path, params=params).json()


class AsyncSpacing:
    """000.1's solution: the same with a sleep that does not block, and nothing that takes turns."""

    def __init__(
        self,
        spacing_s: float,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.spacing_s, self.now, self.sleep = spacing_s, now, sleep
        self.last_call_time: float | None = None

    async def wait(self) -> None:
        """Wait until `spacing_s` after the last call."""
        if self.last_call_time is not None:
            elapsed = self.now() - self.last_call_time
            if elapsed < self.spacing_s:
                await self.sleep(self.spacing_s - elapsed)
        self.last_call_time = self.now()


async def get_batch_metadata(
    symbols: list[str], get_symbol_metadata_async: Callable[[str], Awaitable[Any]]
) -> dict[str, Any]:
    """000.2's solution: all symbols at once, and an error where the data would be."""
    tasks = [asyncio.ensure_future(get_symbol_metadata_async(symbol)) for symbol in symbols]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    return {
        symbol: result if not isinstance(result, BaseException) else {"error": str(result)}
        for symbol, result in zip(symbols, results, strict=True)
    }
