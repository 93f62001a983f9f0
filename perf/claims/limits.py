"""Rows L1, C2, C3 and C8: what the speed limits keep.

Bounds are counted twice: on a clock that stands still until it is moved, where every run is the
same, and on the machine's own, in one process and in four that share a Redis. What a provider would
see is judged by a bucket of its own, not by the limiter under test.
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
from ava.net.spec import Rate, Window
from ava.redis import RedisLink
from ava.settings import RedisSettings, Secret
from perf.claim import Category, Plan, at_most, claim, counter_example, exactly
from perf.claims.document.limits import AlphaVantageSpacing, FinnhubLimit
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


# The limits of the signal system as document 003.4 configures them: requests a second, and burst.
SIGNAL_LIMITS = {
    "massive": Rate(5.0, 1.0, 10.0),
    "alpha_vantage": Rate(0.2, 1.0, 5.0),
    "xai": Rate(1.0, 1.0, 5.0),
    "sonar": Rate(1.0, 1.0, 5.0),
}


class Bucket:
    """A provider's own token bucket, which refuses what comes too fast."""

    def __init__(self, limit: Rate) -> None:
        self._limit = limit
        self._tokens, self._seen = limit.burst, 0.0
        self.refused = 0

    def ask(self, now: float) -> None:
        """Count a request, and its refusal if there is no token."""
        gained = (now - self._seen) * self._limit.permits / self._limit.per_s
        self._tokens, self._seen = min(self._limit.burst, self._tokens + gained), now
        if self._tokens < 1 - 1e-6:
            self.refused += 1
        else:
            self._tokens -= 1


@claim(
    id="C8.rate-limit-errors.{name}",
    rows=["C8", "L1"],
    title="A flood of 200 calls to {name} meets no rate-limit error, in virtual time",
    source="003.4",
    category=Category.RESILIENCE,
    target=exactly(0, "rate-limit errors"),
    cases=[{"name": name} for name in SIGNAL_LIMITS],
)
def no_rate_limit_errors(lab: Lab, name: str) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Send a flood through the limiter to a provider that enforces the same figures."""
    limit = SIGNAL_LIMITS[name]

    async def count() -> Counted:
        clock, provider = ManualClock(), Bucket(limit)
        limiter = LocalLimiter(name, [limit], clock=clock)

        async def call() -> None:
            await limiter.acquire()
            provider.ask(clock.monotonic())

        calls = [asyncio.create_task(call()) for _ in range(200)]
        await clock.advance(200 / limit.permits)
        await asyncio.gather(*calls)
        spent_s = (200 - limit.burst) / limit.permits
        return Counted(provider.refused, {"calls": 200, "virtual_s": spent_s})

    return Count(count, "rate-limit errors")


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
    id="C2.refuted.three-second-spacing",
    rows=["C2", "L1"],
    title="The 3 s spacing lets ten waiting calls start at the same moment",
    source="000.1",
    category=Category.RESILIENCE,
    target=counter_example(),
)
def spacing_is_no_limit(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Let ten callers come after one call, in virtual time."""

    async def example() -> Occurrence:
        clock, starts = ManualClock(), list[float]()
        client = AlphaVantageSpacing(clock)

        async def request() -> None:
            starts.append(clock.monotonic())

        await client.call(request)
        calls = [asyncio.create_task(client.call(request)) for _ in range(10)]
        await clock.advance(10)
        await asyncio.gather(*calls)
        return Occurrence(
            most_in_any(starts[1:], 1.0) == 10,
            "all ten read the same last_call_time, wait the same 3 s, and then go together",
            {"starts_s": starts, "allowed_a_second": 1},
        )

    return Witness(example)


@claim(
    id="L1.deadline.at-once",
    rows=["L1"],
    title="A caller whose wait would pass its deadline learns it at once, not after the wait",
    source="issue 3: product target",
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
