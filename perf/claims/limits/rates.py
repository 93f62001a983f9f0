"""Rows L1 and C3: what the speed limits keep.

Bounds are counted on the machine's own clock, in one process and in four that share a Redis; what
single providers see of them is in `perf.claims.providers.feeds`, on a virtual one.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis

from ava.clock import ManualClock
from ava.errors import DeadlineError
from ava.net.limiter import LocalLimiter
from ava.net.shared_limiter import Lease, SharedLimiter
from ava.net.spec import Window
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings
from perf.claim import Category, Plan, at_most, claim, counter_example, exactly
from perf.claims.document.limits import FinnhubLimit
from perf.instruments import Count, Counted, Occurrence, Witness
from perf.lab.lab import Lab
from perf.lab.swarm import Start, Swarm


def most_in_any(moments: Sequence[float], per_s: float) -> int:
    """Return the most of `moments` that lie in one window [t, t + per_s)."""
    moments, best, first = sorted(moments), 0, 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - per_s:
            first += 1
        best = max(best, last - first + 1)
    return best


async def drain(acquire: Callable[[], Awaitable[Any]], seconds: float) -> list[float]:
    """Let ten callers acquire as fast as they are let for `seconds`; return the moments."""
    end, moments = time.monotonic() + seconds, list[float]()

    async def caller() -> None:
        while time.monotonic() < end:
            await acquire()
            moments.append(time.monotonic())

    callers = [asyncio.create_task(caller()) for _ in range(10)]
    await asyncio.wait(callers, timeout=seconds)
    for task in callers:
        task.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    return moments


@claim(
    id="L1.window.one-process",
    rows=["L1"],
    title="Of 100 permits a quarter second no window of that length ever holds more, on a real"
    " clock",
    source="003.4",
    category=Category.RESILIENCE,
    target=at_most(100, "grants in a window"),
)
def window_one_process(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Let ten callers take what they can get."""

    async def count() -> Counted:
        limiter = LocalLimiter("bench", [Window(100, 0.25)])
        moments = await drain(limiter.acquire, 0.6)
        return Counted(most_in_any(moments, 0.25), {"grants": len(moments)})

    return Count(count, "grants in a window")


@contextmanager
def keyspace(url: str) -> Iterator[str]:
    """Give a namespace in Redis that nobody else uses, and leave nothing of it behind."""
    space = f"bench-{os.urandom(4).hex()}"
    with redis.Redis.from_url(url) as client:
        try:
            yield space
        finally:
            client.delete(space, *client.scan_iter(f"{space}:*", count=1000))


async def shared_member(start: Start, url: str, space: str, seconds: float) -> list[float]:
    """Take permits in a process of its own; return when, by the clock all processes share."""
    link = RedisLink.open(RedisSettings(url=Secret(url)))
    limits, lease = [Window(100, 1.0)], Lease(10, 0.1)
    limiter = SharedLimiter("shared", limits, link, lease=lease, namespace=space)
    await start.wait()
    moments = await drain(limiter.acquire, seconds)
    await link.aclose()
    return moments


@claim(
    id="L1.window.four-processes",
    rows=["L1"],
    title="Of 100 permits a second no second ever holds more, over four processes on one Redis",
    source="003.4",
    category=Category.RESILIENCE,
    target=at_most(100, "grants in a second"),
    profiles=("full",),
)
def window_four_processes(lab: Lab) -> Plan:
    """Let four real processes with leases of ten take what they can get."""

    def count() -> Counted:
        url = lab.redis_url
        args = {"url": url, "space": lab.keep(keyspace(url)), "seconds": 3.5}
        with Swarm(f"{__name__}:shared_member", 4, args) as swarm:
            swarm.go()
            taken = swarm.results(30)
        moments = [moment for each in taken for moment in each]
        return Counted(most_in_any(moments, 1.0), {"grants": [len(each) for each in taken]})

    facts = {"lease": "up to ten permits, used within 0.1 s", "limit": "100 in any second, exactly"}
    return Count(count, "grants in a second", repeats=1, facts=facts)


@claim(
    id="C3.refuted.semaphore-of-sixty",
    rows=["C3", "L1"],
    title="A Semaphore(60) lets 1,200 calls of 50 ms through in one second, not 60 in a minute",
    source="000.3",
    category=Category.RESILIENCE,
    target=counter_example(),
)
def semaphore_is_no_rate(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Run the document's limiter for a virtual second with calls that take 50 ms."""

    async def example() -> Occurrence:
        clock, calls, limit = ManualClock(), list[float](), FinnhubLimit()

        async def request() -> None:
            calls.append(clock.monotonic())
            await clock.sleep(0.05)

        tasks = [asyncio.create_task(limit.call(request)) for _ in range(3000)]
        await clock.advance(0.99)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return Occurrence(
            len(calls) > 60,
            "a semaphore bounds how many calls are under way, not how many start in a minute",
            {"calls_in_the_first_second": len(calls), "allowed_a_minute": 60, "call_ms": 50},
        )

    return Witness(example)


@claim(
    id="L1.deadline.at-once",
    rows=["L1"],
    title="A caller whose wait would pass its deadline learns it at once, not after the wait",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(0, "virtual seconds waited"),
)
def deadline_at_once(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Ask for the second permit of a minute with ten seconds to spare, in virtual time."""

    async def count() -> float:
        clock = ManualClock(jump=True)
        limiter = LocalLimiter("bench", [Window(1, 60)], clock=clock)
        await limiter.acquire()
        try:
            await limiter.acquire(deadline=10.0)
        except DeadlineError:
            return clock.monotonic()
        raise RuntimeError("the deadline was not refused")

    return Count(count, "virtual seconds waited")
