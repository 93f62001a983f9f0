"""Row K2: Redis away and back, through a proxy that cuts."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from ava.cache.keep import Keep
from ava.cache.tiered import Cache
from perf.claim import Category, Plan, at_most, claim, exactly
from perf.claims.cache.shared import KEEP, Times, fresh, opened, until
from perf.instruments import Count, Counted
from perf.lab.lab import Lab
from perf.lab.proxy import Proxy


@claim(
    id="K2.outage.caller-errors",
    rows=["K2"],
    title="When Redis goes away in mid-load, no caller sees an error",
    source="003.3",
    target=exactly(0, "caller errors"),
    category=Category.RESILIENCE,
)
async def outage_errors(lab: Lab) -> Plan:
    """Cut every connection while 50 callers ask, put and invalidate, and refuse new ones."""

    async def count() -> Counted:
        proxy = lab.redis_proxy()
        async with opened(lab.redis_url_via(proxy), fresh(lab)) as cache:
            workers = [asyncio.create_task(working(cache, n)) for n in range(50)]
            await asyncio.sleep(0.1)
            await asyncio.to_thread(proxy.cut, refuse=True)
            await asyncio.sleep(0.2)
            for worker in workers:
                worker.cancel()
            ended = await asyncio.gather(*workers, return_exceptions=True)
            errors = [e for e in ended if not isinstance(e, asyncio.CancelledError)]
            seen = cache.stats()
        proxy.close()
        if seen.connected or not seen.errors + seen.outages:
            raise RuntimeError("Redis did not go away")
        return Counted(len(errors), {"callers": len(workers)})

    facts = {"after": "memory and fetches carry on; failures of Redis are counted, not raised"}
    return Count(count, "caller errors", facts=facts)


async def working(cache: Cache, number: int) -> None:
    """Use every verb of the cache until cancelled; end early only by an error."""
    n = number

    async def fetch() -> int:
        return n

    while True:
        n += 1
        await cache.get_or_fetch(f"q:{n % 97}", fetch, kind=int, keep=Keep(0.05))
        await cache.get_many([f"q:{k}" for k in range(n % 7)], int)
        if n % 5 == 0:
            await cache.put(f"q:{n % 97}", n, KEEP)
        if n % 7 == 0:
            await cache.invalidate(f"q:{n % 97}")
        await asyncio.sleep(0)


@claim(
    id="K2.outage.stale-reads",
    rows=["K2", "K4"],
    title="What is invalidated while Redis is away is never read after its return",
    source="product target",
    target=exactly(0, "stale reads"),
    category=Category.RESILIENCE,
    profiles=["full"],
)
async def outage_stale(lab: Lab) -> Plan:
    """Cut two processes off, invalidate in one, and read in both through the return."""

    async def count() -> Counted:
        proxies = lab.redis_proxy(), lab.redis_proxy()
        space = fresh(lab)
        urls = [lab.redis_url_via(proxy) for proxy in proxies]
        async with opened(urls[0], space) as a, opened(urls[1], space) as b:
            keys = [f"q:{n}" for n in range(90)]
            for n, key in enumerate(keys):
                await a.put(key, "old", Keep(300, tags=(f"t{n}",)))
            await b.get_many(keys, str)
            await away(proxies, (a, b))
            for n, key in enumerate(keys):
                verbs = (a.invalidate, a.invalidate_tags, a.invalidate_pattern)
                await verbs[n % 3]((key, f"t{n}", f"{key}*")[n % 3])
            reads, stale = await read_through_return(proxies, (a, b), keys)
        for proxy in proxies:
            proxy.close()
        return Counted(stale, {"reads": reads})

    facts = {"after": "undelivered invalidations are remembered, and delivered before any read"}
    return Count(count, "stale reads", facts=facts)


async def away(proxies: Sequence[Proxy], caches: Sequence[Cache]) -> None:
    """Cut the caches off and wait until they know."""
    for proxy in proxies:
        await asyncio.to_thread(proxy.cut, refuse=True)
    await until(lambda: not any(cache.stats().connected for cache in caches))


async def read_through_return(
    proxies: Sequence[Proxy], caches: Sequence[Cache], keys: Sequence[str]
) -> tuple[int, int]:
    """Let Redis return, reading all the while and a little longer; count reads and old values."""
    reads = stale = 0
    for proxy in reversed(proxies):  # who knows of nothing returns first
        await asyncio.to_thread(proxy.resume)
    back_at = None
    while back_at is None or time.monotonic() < back_at + 0.3:
        for cache in caches:
            found = await cache.get_many(keys, str)
            reads += len(keys)
            stale += sum(value == "old" for value in found.values())
        if back_at is None and all(cache.stats().connected for cache in caches):
            back_at = time.monotonic()
        await asyncio.sleep(0.002)
    return reads, stale


RETURNING = 40


@claim(
    id="K2.outage.used-again",
    rows=["K2"],
    title="Redis is used again within 5 s of its return, by nine of ten processes",
    source="003.3; product target",
    target=at_most(5, "s"),
    category=Category.RESILIENCE,
    profiles=["full"],
)
async def used_again(lab: Lab) -> Plan:
    """Time from the end of an outage to the first reading from Redis."""

    async def run() -> list[float]:
        proxy = lab.redis_proxy()
        async with contextlib.AsyncExitStack() as stack:
            url, space = lab.redis_url_via(proxy), fresh(lab)
            caches = [await stack.enter_async_context(opened(url, space)) for _ in range(RETURNING)]
            await away((proxy,), caches)
            await asyncio.sleep(1)  # an outage that is long enough for all to be in their routine
            await asyncio.to_thread(proxy.resume)
            returned = time.monotonic()
            return await asyncio.gather(*(time_back(cache, returned) for cache in caches))

    facts = {"caches": RETURNING, "after": "tried every 0.5 s, then 1 s for late deliveries"}
    return Times(run, "s", 0.9, facts)


async def time_back(cache: Cache, returned: float) -> float:
    """Return the seconds until this cache has an answer from Redis."""
    await until(lambda: cache.stats().connected)
    errors = cache.stats().errors
    await cache.get("nothing", int)
    if cache.stats().errors != errors:
        raise RuntimeError("connected, and yet Redis failed")
    return time.monotonic() - returned
