"""Row K4: how fast an invalidation spreads, and that it wins over every fetch begun before it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable
from typing import Any

from ava.cache.keep import Keep
from ava.cache.memory import MemoryCache
from ava.cache.tiered import Cache
from perf.claim import Category, Plan, at_most, claim, exactly
from perf.claims.cache.shared import Times, fresh, member, opened, until
from perf.instruments import Count, Counted
from perf.lab.lab import Lab
from perf.lab.swarm import Start

HERE = "perf.claims.cache.invalidations"


WAYS = ("key", "tag", "pattern")
INVALIDATED = 600


class Watched(MemoryCache[Any]):
    """A memory that notes when each key is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped: dict[str, float] = {}

    def discard_many(self, keys: Iterable[str]) -> int:
        """Drop, and note the time."""
        named = list(keys)
        count = super().discard_many(named)
        self.dropped |= dict.fromkeys(named, time.monotonic())
        return count


async def invalidate_all(start: Start, url: str, namespace: str, way: str) -> list[float]:
    """Invalidate one entry after another; return when each call began."""
    begun = []
    async with opened(url, namespace) as cache:
        await start.wait()
        for n in range(INVALIDATED):
            begun.append(time.monotonic())
            if way == "key":
                await cache.invalidate(f"q{n}:x")
            elif way == "tag":
                await cache.invalidate_tags(f"t{n}")
            else:
                await cache.invalidate_pattern(f"q{n}:*")
    return begun


@claim(
    id="K4.invalidation.{way}",
    rows=["K4"],
    title="99 % of invalidations by {way} are in force in another process within 50 ms",
    source="product target",
    target=at_most(50, "ms"),
    category=Category.CACHING,
    cases=[{"way": way} for way in WAYS],
)
async def invalidation(lab: Lab, way: str) -> Plan:
    """Time from the call in one process to the entry leaving another's memory."""

    async def run() -> list[float]:
        namespace, memory = fresh(lab), Watched()
        args = {"url": lab.redis_url, "namespace": namespace, "way": way}
        async with opened(lab.redis_url, namespace, memory) as cache:
            for n in range(INVALIDATED):
                await cache.put(f"q{n}:x", n, Keep(300, tags=(f"t{n}",)))
            memory.dropped.clear()
            async with member(f"{HERE}:invalidate_all", args) as swarm:
                swarm.go()
                begun = await asyncio.to_thread(swarm.result, 0)
            await until(lambda: len(memory.dropped) == INVALIDATED)
        if len(memory):
            raise RuntimeError(f"{len(memory)} entries outlived their invalidation")
        return [memory.dropped[f"q{n}:x"] - at for n, at in enumerate(begun)]

    facts = {
        "invalidations": INVALIDATED,
        "after": "one Lua script deletes and publishes; each process listens on one channel",
    }
    return Times(run, "ms", 0.99, facts)


@claim(
    id="K4.race.old-values",
    rows=["K4", "K2"],
    profiles=("full",),
    title="A value fetched before an invalidation is never read after it, in any process",
    source="product target",
    target=exactly(0, "old values"),
    category=Category.CACHING,
)
async def race(lab: Lab) -> Plan:
    """Invalidate at every stage of a fetch, by key, tag and pattern, from both sides."""

    async def count() -> Counted:
        old = tried = 0
        space = fresh(lab)
        async with opened(lab.redis_url, space) as a, opened(lab.redis_url, space) as b:
            for turns in range(0, 60, 4):
                for way in WAYS:
                    for writer in (a, b):
                        tried += 1
                        old += await raced(a, writer, way, turns, f"q:{turns}{way}{writer is a}")
        return Counted(old, {"races": tried})

    facts = {"after": "whoever invalidates takes away the lock that a store needs"}
    return Count(count, "old values", facts=facts)


async def raced(reader: Cache, writer: Cache, way: str, turns: int, key: str) -> int:
    """Return 1 if the reader, asked after the invalidation, still has the old value."""
    truth = "old"

    async def fetch() -> str:
        seen = truth
        for _ in range(12):
            await asyncio.sleep(0)
        return seen

    def ask(cache: Cache) -> Awaitable[str]:
        return cache.get_or_fetch(key, fetch, kind=str, keep=Keep(300, tags=(key,)))

    early = asyncio.ensure_future(ask(reader))
    for _ in range(turns):
        await asyncio.sleep(0)
    truth = "new"
    if way == "key":
        await writer.invalidate(key)
    elif way == "tag":
        await writer.invalidate_tags(key)
    else:
        await writer.invalidate_pattern(f"{key}*")
    mine = await ask(writer)
    await early
    await asyncio.sleep(0.005)  # the other process hears within milliseconds: K4.invalidation
    return int(mine != "new" or await ask(reader) != "new")
