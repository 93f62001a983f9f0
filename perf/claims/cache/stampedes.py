"""Row K3: one fetch over several processes, and what happens when the one that fetches dies."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Iterable
from typing import Any

import redis

from perf.claim import Category, Plan, at_most, claim, exactly
from perf.claims.cache.shared import KEEP, Times, fresh, member, opened, until
from perf.instruments import Count, Counted
from perf.lab.lab import Lab, Profile
from perf.lab.swarm import Start, Swarm

HERE = "perf.claims.cache.stampedes"
PROCESSES, MISSES = 4, 1000


async def misses_of_ours(start: Start, url: str, namespace: str, n: int) -> dict[str, Any]:
    """Ask for one absent key `n` times at once, with the other processes."""
    calls = 0

    async def fetch() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.1)
        return 7

    async with opened(url, namespace) as cache:
        await start.wait()
        asked = (cache.get_or_fetch("q:1", fetch, kind=int, keep=KEEP) for _ in range(n))
        answers = await asyncio.gather(*asked)
        return {"fetches": calls, "answers": sorted(set(answers)), "hits": cache.stats().hits}


async def misses_of_aiocache(start: Start, url: str, namespace: str, n: int) -> dict[str, Any]:
    """Do the same with aiocache's decorator for stampedes."""
    aiocache: Any = importlib.import_module("aiocache")  # a peer that may be missing, and untyped
    calls = 0
    with redis.Redis.from_url(url) as client:
        place = client.connection_pool.connection_kwargs
    where = {"endpoint": place["host"], "port": place["port"], "password": place.get("password")}

    async def fetch() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.1)
        return 7

    keep = {"lease": 2, "key": "q:1", "namespace": namespace, "ttl": 300}
    asked = aiocache.cached_stampede(cache=aiocache.RedisCache, **keep, **where)(fetch)
    await start.wait()
    answers = await asyncio.gather(*(asked() for _ in range(n)))
    return {"fetches": calls, "answers": sorted(set(answers))}


async def misses_of_cashews(start: Start, url: str, namespace: str, n: int) -> dict[str, Any]:
    """Do the same with cashews' lock."""
    from cashews import Cache as Cashews  # noqa: PLC0415 - a peer that may be missing

    calls, cache = 0, Cashews()
    cache.setup(url)

    @cache(ttl=300, key=namespace, lock=True)
    async def asked() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.1)
        return 7

    await start.wait()
    answers = await asyncio.gather(*(asked() for _ in range(n)))
    await cache.close()
    return {"fetches": calls, "answers": sorted(set(answers))}


def stampede(lab: Lab, of: str, misses: int, namespace: str) -> list[dict[str, Any]]:
    """Let four processes miss the same key at once; return what each saw."""
    args = {"url": lab.redis_url, "namespace": namespace, "n": misses // PROCESSES}
    with Swarm(f"{HERE}:misses_of_{of}", PROCESSES, args) as swarm:
        swarm.go()
        results = swarm.results()
    if any(result["answers"] != [7] for result in results):
        raise RuntimeError(f"wrong answers: {results}")
    return results


def fetches(results: Iterable[dict[str, Any]]) -> int:
    """Return how many fetches the processes made together."""
    return sum(result["fetches"] for result in results)


@claim(
    id="K3.processes.fetches",
    rows=["K3"],
    title="1,000 concurrent misses of one key in four processes make exactly one fetch",
    source="001.6",
    target=exactly(1, "fetches"),
    category=Category.CACHING,
)
def one_fetch(lab: Lab) -> Plan:
    """Count the fetches of 4 x 250 callers; the full profile counts those of the peers as well."""

    def count() -> Counted:
        results = stampede(lab, "ours", MISSES, fresh(lab))
        each = [result["fetches"] for result in results]
        return Counted(sum(each), {"fetches of each process": each})

    facts: dict[str, Any] = {
        "callers": f"{PROCESSES} processes of {MISSES // PROCESSES}",
        "after": "a lock in Redis with a heartbeat, and waiters that are woken",
    }
    repeats = 1
    if lab.profile is Profile.FULL:
        repeats = 3
        rows = [[name, peer_fetches(lab, name)] for name in ("aiocache", "cashews")]
        facts["table"] = {"columns": ["peer, 160 misses", "fetches"], "rows": rows}
    return Count(count, "fetches", repeats=repeats, facts=facts)


def peer_fetches(lab: Lab, name: str) -> Any:
    """Return a peer's number of fetches for 160 misses, or why there is none."""
    try:
        importlib.import_module(name)
    except ImportError:
        return "not installed"
    return fetches(stampede(lab, name, 160, fresh(lab)))


DYING_KEYS = 400


async def lead_and_die(start: Start, url: str, namespace: str) -> None:
    """Begin to fetch many keys and never end."""
    led = 0

    async def stuck() -> int:
        nonlocal led
        led += 1
        await asyncio.Event().wait()
        return 0

    async with opened(url, namespace) as cache:
        asked = [
            asyncio.create_task(cache.get_or_fetch(f"q:{n}", stuck, kind=int, keep=KEEP))
            for n in range(DYING_KEYS)
        ]
        await until(lambda: led == DYING_KEYS)
        await start.wait()
        await asyncio.gather(*asked)


@claim(
    id="K3.leader-killed.next-fetch",
    rows=["K3"],
    title="When the process that fetches is killed, 99 % of the next fetches start within 2 s",
    source="product target",
    target=at_most(2, "s"),
    category=Category.RESILIENCE,
)
async def leader_killed(lab: Lab) -> Plan:
    """Kill a process that holds many locks, and time the fetches that replace its own."""

    async def run() -> list[float]:
        namespace, started = fresh(lab), []

        async def fetch() -> int:
            started.append(time.monotonic())
            return 1

        args = {"url": lab.redis_url, "namespace": namespace}
        async with (
            opened(lab.redis_url, namespace) as cache,
            member(f"{HERE}:lead_and_die", args) as leader,
        ):
            asked = [
                asyncio.create_task(cache.get_or_fetch(f"q:{n}", fetch, kind=int, keep=KEEP))
                for n in range(DYING_KEYS)
            ]
            await until(lambda: cache.stats().waits >= DYING_KEYS)
            killed = time.monotonic()
            leader.kill(0)
            await asyncio.gather(*asked)
        if len(started) != DYING_KEYS or min(started) < killed:
            raise RuntimeError("a fetch started before the leader was dead")
        return [at - killed for at in started]

    facts = {
        "keys": DYING_KEYS,
        "after": "a lock of 1 s that its holder extends three times a second",
        "note": "one process is killed once; its locks end each at its own time",
    }
    return Times(run, "s", 0.99, facts)
