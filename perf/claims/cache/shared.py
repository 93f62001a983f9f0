"""What the claims about a cache that processes share have in common, and the small ones of them.

Rows K2 and K6: what is read from Redis, what the documents' own caches do, and the statistics.
Times between processes are of the system's one monotonic clock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import redis

from ava.cache.codec import decode
from ava.cache.keep import Keep
from ava.cache.memory import MISSING, MemoryCache
from ava.cache.tiered import Cache
from ava.errors import OutageError
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings
from perf.claim import Category, Plan, at_most, claim, counter_example, exactly
from perf.claims.document.shared_cache import QueryCache, RedisCache, get_symbol_metadata
from perf.instruments import Arm, Bench, Compare, Count, Counted, Occurrence, Witness
from perf.lab import Unavailable
from perf.lab.lab import Lab
from perf.lab.swarm import Swarm
from perf.sample import Kind, Measurement

KEEP = Keep(300, tags=("stocks",))


@contextlib.asynccontextmanager
async def opened(
    url: str, namespace: str, memory: MemoryCache[Any] | None = None
) -> AsyncIterator[Cache]:
    """Open a cache on a link of its own, as a process does."""
    link = RedisLink.open(RedisSettings(url=Secret(url)))
    try:
        async with Cache(memory, link, namespace=namespace) as cache:
            if not cache.stats().connected:
                raise RuntimeError("the cache did not reach Redis")
            yield cache
    finally:
        await link.aclose()


@dataclass(frozen=True, slots=True)
class Times:
    """A plan that takes its times itself; `run` returns seconds, the figure is a quantile."""

    run: Callable[[], Awaitable[list[float]]]
    unit: str
    quantile: float
    facts: dict[str, Any] = field(default_factory=dict)

    def measure(self, bench: Bench) -> Measurement:
        """Run it once and keep every time."""
        times = bench.call(self.run)
        return Measurement(
            Kind.TIMING, self.unit, {"time": times}, facts=self.facts, quantile=self.quantile
        )


@contextlib.asynccontextmanager
async def member(target: str, args: dict[str, Any]) -> AsyncIterator[Swarm]:
    """Start one other process, of "module:function", without stopping this one's loop."""
    swarm = Swarm(target, 1, args)
    await asyncio.to_thread(swarm.__enter__)
    try:
        yield swarm
    finally:
        await asyncio.to_thread(swarm.__exit__, None, None, None)


async def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    """Look every millisecond; raise TimeoutError when it does not come to hold."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what it looks at sets no event
            await asyncio.sleep(0.001)


_spaces = iter(range(10**9))


def fresh(lab: Lab) -> str:
    """Return a namespace nobody used, so that runs do not see each other's entries."""
    return f"claims-{lab.scratch.name}-{next(_spaces)}"


class Quote(msgspec.Struct, frozen=True):
    """What is cached here."""

    symbol: str
    price: float
    size: int


FIFTY = [f"quote:S{n}" for n in range(50)]
CALLS = 10  # a call of the arm, so that the loop's start and end weigh little


@claim(
    id="K2.get-many.{way}",
    rows=["K2"],
    title="Fifty quotes read at once, {what}, take at most 6 times one raw GET",
    source="product target",
    target=at_most(6, "x"),
    category=Category.LATENCY,
    cases=[
        {"way": "from-redis", "what": "checked and decoded"},
        {"way": "into-memory", "what": "decoded and kept in memory"},
    ],
)
async def get_many(lab: Lab, way: str, what: str) -> Plan:  # noqa: ARG001 - the title's
    """Compare MGET through the cache with GET on a bare connection."""
    memory, space = MemoryCache[Any](), fresh(lab)
    link = RedisLink.open(RedisSettings(url=Secret(lab.redis_url)))
    cache = Cache(memory, link, namespace=space)
    await cache.open()
    quotes = {key: Quote(key, 189.5, 100) for key in FIFTY}
    await cache.put_many(quotes, Keep(600))
    raw = await RawGet.connect(lab.redis_url, f"{{{space}}}:entry:{FIFTY[0]}")
    shared = cache.shared
    if shared is None:
        raise RuntimeError("a cache with a link has a shared tier")

    async def through_cache() -> dict[str, Quote]:
        for _ in range(CALLS):
            memory.clear()
            found = await cache.get_many(FIFTY, Quote)
        return found

    async def through_store() -> dict[str, Any]:
        for _ in range(CALLS):
            entries = await shared.get_many(FIFTY)
            found = {
                key: decode(entry.payload, Quote)
                for key, entry in zip(FIFTY, entries, strict=True)
                if entry is not None and entry.left_s > 0
            }
        return found

    async def bare() -> bytes:
        for _ in range(CALLS):
            answer = await raw.get()
        return answer

    facts = {
        "before": "fifty quotes by one MGET",
        "after": "one GET by asyncio streams, neither checked nor decoded",
        "note": "the figure is how many times the fifty cost the one; where they are kept in"
        " memory, emptying it each time is part of the figure",
    }
    arm = through_cache if way == "into-memory" else through_store
    return Compare(
        Arm(arm),
        Arm(bare),
        same=lambda many, one: many == quotes and FIFTY[0].encode() in one,
        facts=facts,
    )


class RawGet:
    """One GET on a bare connection: the floor."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str
    ) -> None:
        self._reader, self._writer = reader, writer
        name = key.encode()
        self._command = b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(name), name)

    @classmethod
    async def connect(cls, url: str, key: str) -> RawGet:
        """Connect and authenticate; raise Unavailable where that takes more than a password."""
        with redis.Redis.from_url(url) as client:
            place = client.connection_pool.connection_kwargs
        if "host" not in place or place.get("username") or place.get("db"):
            raise Unavailable("the bare connection speaks to database 0 over TCP only")
        reader, writer = await asyncio.open_connection(place["host"], place["port"])
        if password := place.get("password"):
            writer.write(b"AUTH %s\r\n" % password.encode())
            await reader.readline()
        return cls(reader, writer, key)

    async def get(self) -> bytes:
        """Return the bytes under the key."""
        self._writer.write(self._command)
        length = int((await self._reader.readline())[1:])
        return (await self._reader.readexactly(length + 2))[:-2]


class Planted:
    """What somebody with access to Redis can leave there."""

    ran = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return (_plant, ())


def _plant() -> str:
    Planted.ran += 1
    return "a price"


@claim(
    id="K2.pickle",
    rows=["K2"],
    title="A cache of pickles runs the code of whoever can write to Redis",
    source="003.3",
    target=counter_example(),
    category=Category.RESILIENCE,
)
async def pickled(lab: Lab) -> Plan:
    """Leave an object in Redis and let both caches read it."""

    async def run() -> Occurrence:
        space = fresh(lab)
        with redis.Redis.from_url(lab.redis_url) as client:
            document = RedisCache(client)
            document.set(f"{space}:AAPL", Planted(), ttl=60)
            document.set(f"{{{space}}}:entry:AAPL", Planted(), ttl=60)
            Planted.ran = 0
            document.get(f"{space}:AAPL")
            ran = Planted.ran
            async with opened(lab.redis_url, space) as cache:
                ours = await cache.get("AAPL", dict)
        if Planted.ran != ran or ours is not MISSING:
            raise RuntimeError("the platform's cache read the planted object")
        return Occurrence(
            ran == 1,
            "reading a planted entry ran a function of the planter's choice; the platform's cache"
            " reads data only, and took the same bytes for a miss",
        )

    return Witness(run)


@claim(
    id="K2.empty-list",
    rows=["K2"],
    title="`if cached:` fetches an empty list again and again",
    source="000.4",
    target=counter_example(),
    category=Category.CACHING,
)
async def empty_list(_lab: Lab) -> Plan:
    """Ask twice for something whose answer is an empty list."""

    async def run() -> Occurrence:
        calls = {"document": 0, "platform": 0}

        def by_document(_symbol: str) -> list[str]:
            calls["document"] += 1
            return []

        async def by_platform() -> list[str]:
            calls["platform"] += 1
            return []

        query_cache, cache = QueryCache(), Cache()
        for _ in range(2):
            get_symbol_metadata(query_cache, "AAPL", by_document)
            await cache.get_or_fetch("metadata:AAPL", by_platform, kind=list[str], keep=KEEP)
        return Occurrence(
            calls == {"document": 2, "platform": 1},
            "an empty answer was kept and yet fetched a second time; the platform fetched it once",
            {"fetches": dict(calls)},
        )

    return Witness(run)


DOCUMENTED = ("connected", "backend", "hits", "misses", "hit_rate", "errors")


@claim(
    id="K6.stats",
    rows=["K6"],
    title="The cache's statistics hold the six documented figures, each of them right",
    source="001.9",
    target=exactly(6, "figures"),
    category=Category.CACHING,
)
async def statistics(lab: Lab) -> Plan:
    """Make 3 misses and 9 hits, cause 1 error, and compare."""

    async def fetch() -> int:
        return 1

    async def failing() -> int:
        raise OutageError("down", provider="example")

    async def count() -> Counted:
        async with opened(lab.redis_url, fresh(lab)) as cache:
            for key in ("a", "b") * 5:
                await cache.get_or_fetch(key, fetch, kind=int, keep=KEEP)
            with contextlib.suppress(OutageError):
                await cache.get_or_fetch("c", failing, kind=int, keep=KEEP)
            await cache.get("a", int)
            shown = {name: cache.stats().to_dict()[name] for name in DOCUMENTED}
        true = dict(zip(DOCUMENTED, (True, "redis", 9, 3, 75.0, 0), strict=True))
        right = sum(shown[name] == true[name] for name in DOCUMENTED)
        return Counted(right, {"shown": shown})

    return Count(count, "figures")
