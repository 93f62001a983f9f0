"""Row L1: what a permit costs, and what other limiters make of the same figure.

An uncontended permit is compared with aiolimiter's, a shared one with the least that counting in
Redis can cost: one INCR over the same client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ava.net.limiter import LocalLimiter
from ava.net.shared_limiter import Lease, SharedLimiter
from ava.net.spec import Rate, Window
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings
from perf.claim import Category, Plan, at_least, at_most, claim
from perf.claims.limits.rates import drain, keyspace, most_in_any
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab import Unavailable
from perf.lab.lab import Lab

LOOPS = 1000
PEERS_CURE = "pip install 'ava-perf[peers]'"


@claim(
    id="L1.uncontended.aiolimiter",
    rows=["L1"],
    title="A permit that is free costs at most 40 % of what aiolimiter takes for one",
    source="product target",
    category=Category.LATENCY,
    target=at_least(2.5, "x"),
)
def uncontended(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Acquire a thousand times from a limit that is never reached."""
    try:
        from aiolimiter import AsyncLimiter  # noqa: PLC0415 - a peer, and may be missing
    except ImportError:
        raise Unavailable("aiolimiter is not installed", PEERS_CURE) from None
    theirs = AsyncLimiter(1e9, 1)
    ours = LocalLimiter("bench", [Rate(1e9, 1.0, 1e9)])

    def arm(acquire: Callable[[], Awaitable[None]]) -> Arm:
        async def run() -> int:
            for _ in range(LOOPS):
                await acquire()
            return LOOPS

        return Arm(run)

    return Compare(
        arm(theirs.acquire),
        arm(ours.acquire),
        facts={
            "before": "aiolimiter's leaky bucket, a thousand permits one after the other",
            "after": "GCRA behind one comparison, the same thousand",
        },
    )


def _link(lab: Lab) -> RedisLink:
    return RedisLink.open(RedisSettings(url=Secret(lab.redis_url)))


async def _against_incr(lab: Lab, lease: Lease, after: str) -> Plan:
    """Compare a hundred permits with a hundred INCR over the same client."""
    link, space = _link(lab), lab.keep(keyspace(lab.redis_url))
    limit = Rate(1e6, 1.0, 1e6)
    limiter = SharedLimiter("cost", [limit], link, lease=lease, namespace=space)

    async def incr() -> int:
        for _ in range(100):
            await link.ask(lambda client: client.incr(space))
        return 100

    async def acquire() -> int:
        for _ in range(100):
            await limiter.acquire()
        return 100

    before = "one INCR a permit over the same link, the least that counting in Redis can cost"
    return Compare(Arm(incr), Arm(acquire), facts={"before": before, "after": after}, budget_s=0.8)


@claim(
    id="L1.shared.cost.script",
    rows=["L1"],
    title="A permit shared by processes costs at most twice one INCR",
    source="peers: Limiters",
    category=Category.LATENCY,
    target=at_least(0.5, "x"),
)
async def shared_cost(lab: Lab) -> Plan:
    """Fetch each permit by a script call of its own."""
    return await _against_incr(lab, Lease(1, 0.2), "one call of the limits' script a permit")


@claim(
    id="L1.shared.cost.lease",
    rows=["L1"],
    title="A permit from a lease of ten costs at most a third of one INCR",
    source="peers: Limiters",
    category=Category.LATENCY,
    target=at_least(3, "x"),
)
async def lease_cost(lab: Lab) -> Plan:
    """Fetch permits ten at a time."""
    return await _against_incr(
        lab, Lease(10, 0.2), "one call of the limits' script for ten permits"
    )


@claim(
    id="L1.window.peers",
    rows=["L1"],
    title="Set to 100 a second, the limiter grants no more in any second (peers in the table)",
    source="peers: Limiters",
    category=Category.RESILIENCE,
    target=at_most(100, "grants in a second"),
    profiles=("full",),
)
def window_beside_peers(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Let ten callers drain each limiter in turn, after a second of rest."""

    async def count() -> Counted:
        ours = LocalLimiter("bench", [Window(100)])
        limiters = {"ava Window": ours.acquire, **_peers()}
        seen = {name: await drain(acquire, 2.2) for name, acquire in limiters.items()}
        rows = [[name, most_in_any(moments, 1.0)] for name, moments in seen.items()]
        columns = ["limiter, set to 100 a second", "most grants in any second"]
        most = float(most_in_any(seen["ava Window"], 1.0))
        return Counted(most, {"table": {"columns": columns, "rows": rows}})

    return Count(count, "grants in a second", repeats=1)


def _peers() -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return how to acquire 100 a second from each peer; raise Unavailable without them."""
    try:
        import throttled.asyncio as throttled  # noqa: PLC0415 - peers, and may be missing
        from aiolimiter import AsyncLimiter  # noqa: PLC0415
        from limits import RateLimitItemPerSecond  # noqa: PLC0415
        from limits.aio.storage import MemoryStorage  # noqa: PLC0415
        from limits.aio.strategies import (  # noqa: PLC0415
            FixedWindowRateLimiter,
            MovingWindowRateLimiter,
        )
    except ImportError as error:
        raise Unavailable(f"a peer is not installed: {error.name}", PEERS_CURE) from None
    item = RateLimitItemPerSecond(100)

    def polled(hit: Callable[[Any], Awaitable[bool]]) -> Callable[[], Awaitable[None]]:
        async def acquire() -> None:
            while not await hit(item):  # noqa: ASYNC110 - this library only says yes or no
                await asyncio.sleep(0.001)

        return acquire

    def throttle(using: str) -> Callable[[], Awaitable[Any]]:
        quota = throttled.per_sec(100, burst=100)
        store = throttled.store.MemoryStore()
        made = throttled.Throttled(key="x", using=using, quota=quota, store=store, timeout=5)
        return made.limit

    return {
        "aiolimiter": AsyncLimiter(100, 1).acquire,
        "limits, fixed window": polled(FixedWindowRateLimiter(MemoryStorage()).hit),
        "limits, moving window": polled(MovingWindowRateLimiter(MemoryStorage()).hit),
        "throttled, token bucket": throttle("token_bucket"),
        "throttled, GCRA": throttle("gcra"),
        "throttled, sliding window": throttle("sliding_window"),
    }
