"""Row K3, in one process: who fetches when many miss at once, and what becomes of whom.

A thousand tasks ask the memory cache for one absent key while its source makes them wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ava.cache.memory import MemoryCache
from perf.claim import Category, Plan, claim, exactly
from perf.instruments import Count, Counted
from perf.lab.lab import Lab

CALLERS = 1000


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@claim(
    id="K3.stampede.fetches",
    rows=["K3"],
    title="1,000 concurrent misses of one key fetch once",
    source="001.6",
    category=Category.CACHING,
    target=exactly(1, "fetches"),
)
def stampede(lab: Lab) -> Plan:  # noqa: ARG001 - a claim's signature
    """Ask for one absent key by a thousand tasks."""

    async def count() -> Counted:
        cache, source = MemoryCache[str](), _Source()
        callers = [_caller(cache, source.answer) for _ in range(CALLERS)]
        await _settle()
        source.ready.set()
        got = await asyncio.gather(*callers)
        return Counted(source.calls, {"callers answered": got.count("answer")})

    return Count(count, "fetches")


@claim(
    id="K3.stampede.failing",
    rows=["K3"],
    title="1,000 concurrent misses of one key whose fetch fails fetch once, and all learn of it",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(1, "fetches"),
)
def failing_stampede(lab: Lab) -> Plan:  # noqa: ARG001 - a claim's signature
    """Let the one fetch fail."""

    async def count() -> Counted:
        cache, source = MemoryCache[str](), _Source()
        callers = [_caller(cache, source.refusal) for _ in range(CALLERS)]
        await _settle()
        source.ready.set()
        got = await asyncio.gather(*callers, return_exceptions=True)
        told = sum(isinstance(each, ConnectionError) for each in got)
        if told != CALLERS:
            raise RuntimeError(f"only {told} of {CALLERS} callers saw the failure")
        return Counted(source.calls, {"callers told": told})

    return Count(count, "fetches")


@claim(
    id="K3.stampede.cancelled-{who}",
    rows=["K3"],
    title="Of 1,000 callers of one fetch, cancelling the {who} harms none of the others",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(0, "callers"),
    cases=[{"who": "first"}, {"who": "last"}],
)
def cancelled_caller(lab: Lab, who: str) -> Plan:  # noqa: ARG001 - a claim's signature
    """Cancel the caller that started the fetch, or one that joined it."""

    async def count() -> Counted:
        cache, source = MemoryCache[str](), _Source()
        callers = [_caller(cache, source.answer) for _ in range(CALLERS)]
        await _settle()
        callers[0 if who == "first" else -1].cancel()
        await _settle()
        source.ready.set()
        got = await asyncio.gather(*callers, return_exceptions=True)
        harmed = CALLERS - 1 - got.count("answer")
        return Counted(harmed, {"fetches": source.calls, "callers": CALLERS})

    return Count(count, "callers")


@claim(
    id="K3.stampede.abandoned",
    rows=["K3"],
    title="A fetch that all its callers have left is cancelled",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(1, "fetches cancelled"),
)
def abandoned_fetch(lab: Lab) -> Plan:  # noqa: ARG001 - a claim's signature
    """Cancel every caller while the fetch waits."""

    async def count() -> Counted:
        cache, source = MemoryCache[str](), _Source()
        callers = [_caller(cache, source.answer) for _ in range(10)]
        await _settle()
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await _settle()
        return Counted(source.cancelled, {"fetches": source.calls})

    return Count(count, "fetches cancelled")


class _Source:
    """Something slow to fetch from, which counts its calls."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.calls = self.cancelled = 0

    async def answer(self) -> str:
        self.calls += 1
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "answer"

    async def refusal(self) -> str:
        await self.answer()
        raise ConnectionError("refused")


def _caller(cache: MemoryCache[str], fetch: Callable[[], Awaitable[str]]) -> asyncio.Task[str]:
    return asyncio.ensure_future(cache.get_or_fetch("key", fetch))
