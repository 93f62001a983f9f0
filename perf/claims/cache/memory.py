"""Row K1: what a hit in memory costs, beside a floor and beside other caches, and what is held.

A hit is timed over 1,024 keys inside one coroutine, so that the event loop's own work is shared by
all of them. The floor is a coroutine function that looks its key up in a dictionary: no cache with
a coroutine for a face can be faster.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from types import FunctionType
from typing import Any

from ava.cache.memory import Entry, MemoryCache
from ava.clock import ManualClock, SystemClock
from perf.claim import Category, Plan, at_least, at_most, claim, exactly
from perf.instruments import Arm, Bench, Compare, Count, Counted, Latency
from perf.lab import Unavailable
from perf.lab.lab import Lab
from perf.sample import Measurement

KEYS = [f"quote:symbol=S{number:04}" for number in range(1024)]
VALUES = {key: number for number, key in enumerate(KEYS)}

Get = Callable[[str], Awaitable[Any]]


async def _ask(get: Get, keys: list[str]) -> None:
    for key in keys:
        await get(key)


async def _ask_or_fetch(get: Callable[..., Awaitable[Any]], keys: list[str]) -> None:
    for key in keys:
        await get(key, _unwanted)


async def _unwanted() -> int:
    raise RuntimeError("a hit was to be measured, and this is a miss")


def hits(get: Get) -> Arm:
    """Return the arm that asks for every key; what it got is compared, outside the timing."""
    # The interpreter adapts code to what it calls: each arm needs a copy that no other arm spoils.
    ask = FunctionType(_ask.__code__.replace(), globals())

    async def values() -> list[Any]:
        return [await get(key) for key in KEYS]

    return Arm(lambda: ask(get, KEYS), outcome=values)


def fetching_hits() -> Arm:
    """Return the same arm for our other face."""
    get = filled().get_or_fetch

    async def values() -> list[Any]:
        return [await get(key, _unwanted) for key in KEYS]

    return Arm(lambda: _ask_or_fetch(get, KEYS), outcome=values)


def floor() -> Arm:
    """Return the fastest conceivable coroutine face."""
    values = dict(VALUES)

    async def get(key: str) -> int:
        return values[key]

    return hits(get)


def floor_and_clock() -> Arm:
    """Return the floor with a reading of the clock, without which nothing can expire."""
    values, now = dict(VALUES), SystemClock.monotonic

    async def get(key: str) -> int:
        now()
        return values[key]

    return hits(get)


def bare() -> Arm:
    """Return the least that expires and counts: a cache without misses, bounds or a class."""
    now = SystemClock.monotonic
    entries = {key: Entry(key, value, now() + 300, now() + 300) for key, value in VALUES.items()}

    async def get(key: str) -> int | None:
        entry = entries[key]
        if now() < entry.fresh_until:
            entry.asked += 1
            return entry.value
        return None

    return hits(get)


def filled() -> MemoryCache[int]:
    """Return ours, with both bounds on as in production."""
    cache = MemoryCache[int](max_items=10_000, max_bytes=10**9, weigh=lambda _: 8)
    for key, value in VALUES.items():
        cache.put(key, value)
    return cache


@claim(
    id="K1.l1-hit.floor",
    rows=["K1"],
    title="A hit, counted and within bounds, costs at most 2.5 times the floor",
    source="peers: about twice the floor is reachable",
    category=Category.CACHING,
    target=at_most(2.5, "x"),
)
def hit_over_floor(lab: Lab) -> Plan:  # noqa: ARG001 - a claim's signature
    """Compare `get` with a coroutine around a dictionary."""
    facts = {
        "before": "MemoryCache.get: statistics, expiry, bounds on items and bytes",
        "after": "the floor: async def get(key): return values[key]",
        "keys": len(KEYS),
    }
    return Compare(hits(filled().get), floor(), facts=facts)


@claim(
    id="K1.l1-hit.fetch-floor",
    rows=["K1", "K3"],
    title="A hit through get_or_fetch costs at most 3 times the floor",
    source="product target",
    category=Category.CACHING,
    target=at_most(3, "x"),
)
def fetch_hit_over_floor(lab: Lab) -> Plan:  # noqa: ARG001 - a claim's signature
    """Compare `get_or_fetch` with a coroutine around a dictionary; both are awaited once a key."""
    facts = {
        "before": "MemoryCache.get_or_fetch(key, fetch), the key present",
        "after": "the floor: async def get(key): return values[key]",
        "keys": len(KEYS),
    }
    return Compare(fetching_hits(), floor(), facts=facts)


@claim(
    id="K1.l1-hit.microsecond",
    rows=["K1"],
    title="1,024 hits in memory take 1.024 ms or less: about a microsecond each",
    source="000.15, 001.6",
    category=Category.LATENCY,
    target=at_most(1.024, "ms"),
)
def hit_time(lab: Lab) -> Plan:  # noqa: ARG001 - a claim's signature
    """Time the hits alone."""
    right = list(VALUES.values())
    return Latency(hits(filled().get), check=lambda got: bool(got == right), budget_s=0.7)


@dataclass(frozen=True, slots=True)
class Reach:
    """A comparison, and in its evidence the same for parts of `after`: what it could come to.

    Each part runs against the same `before`, for a share of the time that the figure is given.
    """

    compare: Compare
    parts: Mapping[str, Arm]

    def measure(self, bench: Bench) -> Measurement:
        """Measure the figure first, then its parts."""
        figure = self.compare.measure(bench)
        rows = [_row("this claim's hit", figure)]
        for name, arm in self.parts.items():
            part = Compare(self.compare.before, arm, budget_s=bench.budget_s / 8)
            rows.append(_row(name, part.measure(bench)))
        columns = ["a hit that is", "ns", "the peer over it, x"]
        table = {"columns": columns, "rows": rows}
        return replace(figure, facts={**figure.facts, "reachable": table})


def _row(name: str, measured: Measurement) -> list[Any]:
    """Return the row of one arm; what was not measured stays unknown."""
    if not measured.equal:
        return [name, None, None]
    peer_s, ours_s = (median(measured.samples[arm]) for arm in ("before", "after"))
    return [name, round(ours_s / len(KEYS) * 1e9, 1), round(peer_s / ours_s, 2)]


async def _async_lru() -> Get:
    from async_lru import alru_cache  # noqa: PLC0415 - a peer, which may be missing

    @alru_cache(maxsize=10_000, ttl=300)
    async def get(key: str) -> int:
        return VALUES[key]

    return get


async def _cashews() -> Get:
    from cashews import Cache  # noqa: PLC0415 - a peer, which may be missing

    cache = Cache()
    cache.setup("mem://", size=10_000)
    for key, value in VALUES.items():
        await cache.set(key, value, expire=300)
    return cache.get


async def _aiocache() -> Get:
    # A peer, which may be missing, and which ships no types.
    from aiocache import SimpleMemoryCache  # type: ignore[import-untyped]  # noqa: PLC0415

    cache = SimpleMemoryCache()
    for key, value in VALUES.items():
        await cache.set(key, value)
    get: Get = cache.get
    return get


async def _cachebox() -> Get:
    from cachebox import TTLCache, cached  # noqa: PLC0415 - a peer, which may be missing

    @cached(TTLCache(10_000, 300))
    async def get(key: str) -> int:
        return VALUES[key]

    return get


async def _theine() -> Get:
    from theine import Memoize  # noqa: PLC0415 - a peer, which may be missing

    @Memoize(10_000, None)
    async def get(key: str) -> int:
        return VALUES[key]

    @get.key
    def _key(key: str) -> str:
        return key

    return get


_PEERS = {
    "async-lru": _async_lru,
    "cashews": _cashews,
    "aiocache": _aiocache,
    "cachebox": _cachebox,
    "theine": _theine,
}


@claim(
    id="K1.l1-hit.{peer}",
    rows=["K1"],
    title="A hit is at least {bound} times faster than one of {peer}",
    source="peers",
    category=Category.CACHING,
    target=lambda peer, bound: at_least(bound, "x"),  # noqa: ARG005 - a case's names
    cases=[
        {"peer": "async-lru", "bound": 3},
        {"peer": "cashews", "bound": 20},
        {"peer": "aiocache", "bound": 50},
        {"peer": "cachebox", "bound": 2},
        {"peer": "theine", "bound": 3},
    ],
)
async def hit_over_peer(lab: Lab, peer: str, bound: float) -> Plan:  # noqa: ARG001 - a claim's signature
    """Fill the peer, ask it once for every key so that each is held, and compare."""
    try:
        get = await _PEERS[peer]()
    except ImportError as error:
        raise Unavailable(f"{peer} is not installed", f"pip install {peer}") from error
    for key in KEYS:
        await get(key)
    facts = {
        "before": f"{peer}, by its own way to ask for a key",
        "after": "MemoryCache.get: statistics, expiry, bounds on items and bytes",
        "keys": len(KEYS),
        "limit": "a hit is a coroutine, a look-up, a reading of the clock, without which nothing"
        " would expire, and an increment, without which nothing would be counted",
    }
    parts = {
        "a coroutine and a look-up": floor(),
        "and a reading of the clock": floor_and_clock(),
        "and compared, and counted; no misses, no bounds, no class": bare(),
    }
    return Reach(Compare(hits(get), hits(filled().get), facts=facts), parts)


@claim(
    id="K1.bound.items",
    rows=["K1"],
    title="The premium scanner's cache holds 500 results after ten thousand were put",
    source="000.15",
    category=Category.RESOURCES,
    target=exactly(500, "items"),
)
def bound_on_items(lab: Lab) -> Plan:  # noqa: ARG001 - a claim's signature
    """Put far more than there is room for, watching the bound all the way."""

    def count() -> Counted:
        cache = MemoryCache[int](max_items=500, ttl_s=300)
        most = 0
        for number in range(10_000):
            cache.put(f"scan:{number}", number)
            most = max(most, len(cache))
        stats = cache.stats()
        return Counted(stats.items, {"most held": most, "evictions": stats.evictions})

    return Count(count, "items")


@claim(
    id="K1.bound.seconds",
    rows=["K1"],
    title="Of 500 results put five minutes ago, none is served and none still held",
    source="000.15",
    category=Category.RESOURCES,
    target=exactly(0, "results"),
)
async def bound_on_age(lab: Lab) -> Plan:  # noqa: ARG001 - a claim's signature
    """Let 300 s pass on a clock of its own, then put new results and ask for the old."""

    async def count() -> Counted:
        clock = ManualClock()
        cache = MemoryCache[int](max_items=1000, ttl_s=300, clock=clock)
        old = [f"old:{number}" for number in range(500)]
        for key in old:
            cache.put(key, 1)
        held = sum([await cache.get(key) is not None for key in old])
        await clock.advance(300)
        for number in range(500):
            cache.put(f"new:{number}", 2)
        left = len(cache) - 500
        served = sum([await cache.get(key) is not None for key in old])
        return Counted(left + served, {"served before": held, "expired": cache.stats().expirations})

    return Count(count, "results")
