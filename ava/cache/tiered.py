"""The cache that services use: this process's memory, then Redis, then the fetch itself.

One fetch a key: callers of a process share one flight, and processes share a lock in Redis whose
holder is watched by heartbeat. Values outlive their freshness for as long as their `Keep` says and
are served when fetching fails; hits shortly before the end start one fetch in the background.

What is promised about an invalidation (`invalidate*`, and `put` of a newer value):

- In the process that made it, it holds at once. In others it holds as soon as Redis has passed it
  on, and, whatever the network does, at the latest `LEASE_S` after `invalidate` returned True.
- It wins over every fetch begun before it, in all tiers: the fetch still answers those who were
  waiting for it, and is not kept. Who asks afterwards gets a fetch begun afterwards.
- Made while Redis is away (`invalidate` returns False), it is remembered and delivered on return,
  before this process reads Redis again. Other processes wait `GRACE_S` after their own return for
  such late deliveries before they read Redis. Nothing kept from before the loss is served.
- While Redis is away, each process serves what it has itself fetched since; it cannot know what
  others invalidate until Redis is back or the value's time is over.

It fails to hold if the process that could not deliver ends before Redis returns, or if it regains
Redis more than `GRACE_S` after others do; the time to live of the values is then the bound.

A failing Redis never reaches a caller. Values from memory are shared objects: do not change them.
One key stands for one kind of value.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import random
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

from ava.cache.flight import Flights
from ava.cache.invalidation import Invalidation
from ava.cache.keep import Keep
from ava.cache.loading import Job, Loaded, Loader, Surroundings
from ava.cache.local import LocalTier
from ava.cache.lock import Wakes
from ava.cache.membership import Membership, Ties
from ava.cache.memory import MISSING, MemoryCache
from ava.cache.parcel import Absent, pack, unpack
from ava.cache.refreshing import Refresher, left_when_due_s
from ava.cache.shared import Entry, SharedStore
from ava.cache.stats import CacheStats, Counters, snapshot
from ava.cache.watching import Listener, Watchers
from ava.clock import Clock, SystemClock
from ava.errors import SharedStoreDownError
from ava.redis import RedisLink

CHUNK: Final = 500  # keys in one message or script: longer ones would hold up the server

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Flying:
    """A fetch under way and the mark it began at; an invalidation after that ends its sharing."""

    name: str
    since: int
    tags: Sequence[str]


class Cache:
    """Memory in front of Redis in front of a fetch; without `link`, memory alone.

    With a link, Redis is used between `open` and `aclose`; closing the link is its owner's.
    """

    def __init__(
        self,
        memory: MemoryCache[Any] | None = None,
        link: RedisLink | None = None,
        *,
        namespace: str = "ava",
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        clock = clock or SystemClock()
        rng = rng or random.Random()  # noqa: S311 - it spreads expiry, and guards nothing
        self._local = LocalTier(MemoryCache[Any](clock=clock) if memory is None else memory)
        self._clock = clock
        self._counters, self._wakes, self._flights = Counters(), Wakes(), Flights()
        self._watchers = Watchers()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._context = contextvars.copy_context()
        self._flying: dict[str, _Flying] = {}
        self._numbers = itertools.count()
        self._origin = uuid.uuid4().hex
        self._spread = rng.random
        self._refresher = Refresher(clock, self._aside)
        self._circle: Membership | None = None
        if link is not None:
            shared = SharedStore(link, namespace, clock)
            self._circle = Membership(self._ties(link, shared), self._origin, clock)
        self._loader = self._make_loader(clock, rng)

    @property
    def shared(self) -> SharedStore | None:
        """The tier in Redis, for what must be measured or looked at without memory."""
        return None if self._circle is None else self._circle.shared

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def open(self) -> None:
        """Join the processes that share Redis; return without it when it is away."""
        if self._circle is not None:
            await self._circle.start()

    async def aclose(self) -> None:
        """Leave Redis and end what runs in the background; memory can still be used."""
        if self._circle is not None:
            await self._circle.leave()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def get(self, key: str, kind: type[T]) -> T | Any:
        """Return the fresh value of `key`, or MISSING; "there is no such thing" is MISSING too."""
        value = self._peek(key)
        if value is not MISSING and not isinstance(value, Absent):
            self._counters.l1_hits += 1
            return value
        return (await self.get_many((key,), kind)).get(key, MISSING)

    async def get_many(self, keys: Iterable[str], kind: type[T]) -> dict[str, T]:
        """Return the fresh values there are; Redis is asked once for all that memory lacks."""
        wanted = dict.fromkeys(keys)
        found = {key: value for key in wanted if (value := self._peek(key)) is not MISSING}
        self._counters.l1_hits += len(found)
        if len(found) < len(wanted):
            shared = await self._look_up([key for key in wanted if key not in found], kind)
            self._counters.l2_hits += len(shared)
            found |= shared
        self._counters.misses += len(wanted) - len(found)
        values = {key: value for key, value in found.items() if not isinstance(value, Absent)}
        self._counters.negative_hits += len(found) - len(values)
        return values

    async def put(self, key: str, value: Any, keep: Keep) -> None:
        """Store a value that is newer than anything fetched so far."""
        await self.put_many({key: value}, keep)

    async def put_many(self, items: Mapping[str, Any], keep: Keep) -> None:
        """Store values that are newer than anything fetched so far, for all processes."""
        pairs = list(items.items())
        for start in range(0, len(pairs), CHUNK):
            await self._put(dict(pairs[start : start + CHUNK]), keep)

    async def get_or_fetch(
        self, key: str, fetch: Callable[[], Awaitable[T]], *, kind: type[T], keep: Keep
    ) -> T:
        """Return the value of `key`, fetched once for all who ask if no tier has it.

        Raises what `fetch` raises if nothing older may be served; NotFoundError also from memory.
        """
        value = self._peek(key)
        if value is MISSING:
            return cast("T", await self._fetched(Job(key, fetch, kind, keep)))
        self._counters.l1_hits += 1
        if keep.refresh_at < 1:
            self._refresh(key, fetch, kind, keep)
        return cast("T", self._present(value))

    def left_s(self, key: str) -> float | None:
        """Return for how long what this process holds of `key` stays fresh; None if it holds none.

        Not above zero says that it is past that, and was served because fetching failed.
        """
        entry = self._local.entry(key)
        return None if entry is None else entry.fresh_until - self._clock.monotonic()

    def mark(self) -> int:
        """Return the present moment in the order of invalidations, for `hold`."""
        return self._local.mark()

    def hold(self, key: str, value: Any, tags: Sequence[str], left_s: float, *, since: int) -> bool:
        """Keep, in this process alone, what was made of other values; say whether it was in time.

        `since` is the `mark` from before these were asked for, and `tags` are all of theirs: what
        invalidates one of them by tag drops this.
        """
        return self._local.keep(key, value, tags, left_s, 0.0, since=since)

    def held(self, key: str) -> Any:
        """Return what `hold` kept and is still true, else MISSING; no figure counts it."""
        return self._peek(key)

    def release(self, key: str) -> None:
        """Let go of what `hold` kept, to make room."""
        self._local.discard(key)

    def watch(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener of every invalidation, by whatever process; return what ends that.

        It is called in the event loop, after the tiers have let go, and must not wait.
        """
        return self._watchers.add(listener)

    async def invalidate(self, *keys: str) -> bool:
        """Drop `keys` everywhere; say whether Redis has passed it on, else it is remembered."""
        chunks = [keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK)]
        return all([await self._invalidate(Invalidation(keys=chunk)) for chunk in chunks])

    async def invalidate_tags(self, *tags: str) -> bool:
        """Drop all that was kept with any of `tags`; the answer is that of `invalidate`."""
        return await self._invalidate(Invalidation(tags=tags))

    async def invalidate_pattern(self, pattern: str) -> bool:
        """Drop all keys that fit, `*` standing for any text; the answer is that of `invalidate`."""
        return await self._invalidate(Invalidation(patterns=(pattern,)))

    def stats(self) -> CacheStats:
        """Return the figures of this process since the cache was made."""
        return snapshot(
            self._counters,
            connected=self._circle is not None and self._circle.connected(),
            undelivered=0 if self._circle is None else self._circle.undelivered,
            memory=self._local.stats(),
        )

    def _peek(self, key: str) -> Any:
        """Return what memory has, unless it may have missed an invalidation."""
        circle = self._circle
        if circle is None or circle.current() or not circle.connected():
            return self._local.peek(key)
        return MISSING

    def _present(self, value: Any) -> Any:
        if isinstance(value, Absent):
            self._counters.negative_hits += 1
            raise value.error()
        return value

    async def _look_up(self, keys: list[str], kind: Any) -> dict[str, Any]:
        """Return what Redis has of `keys` that is fresh and of that kind, and keep it here."""
        circle, since = self._circle, self._local.mark()
        if circle is None or not circle.connected():
            return {}
        try:
            entries = await circle.shared.get_many(keys)
        except SharedStoreDownError:
            circle.failed()
            return {}
        pairs = [(k, e) for k, e in zip(keys, entries, strict=True) if e is not None]
        values = {key: self._accept(key, entry, kind, since) for key, entry in pairs}
        return {key: value for key, value in values.items() if value is not MISSING}

    def _accept(self, key: str, entry: Entry, kind: Any, since: int) -> Any:
        if entry.left_s <= 0:
            return MISSING
        value = unpack(entry, kind)
        if value is MISSING:
            self._counters.undecodable += 1
        else:
            self._local.keep(key, value, entry.tags, entry.left_s, 0.0, since=since)
        return value

    async def _put(self, items: Mapping[str, Any], keep: Keep) -> None:
        newer = Invalidation(keys=tuple(items))
        self._local.apply(newer)
        since = self._local.mark()
        if self._circle is not None and not await self._share(self._circle, items, keep):
            await self._circle.tell(newer)  # at least nobody reads what was there before
            if self._circle.connected():
                return  # it cannot be shared, and another process may hold something newer by now
            since = self._local.mark()
        for key, value in items.items():
            self._local.keep(key, value, keep.tags, self._ttl_s(keep), keep.stale_s, since=since)

    async def _share(self, circle: Membership, items: Mapping[str, Any], keep: Keep) -> bool:
        """Put into Redis; say whether all of it is there."""
        packed = [pack(key, value, self._ttl_s(keep)) for key, value in items.items()]
        parcels = [parcel for parcel in packed if parcel is not None]
        self._counters.unshared += len(packed) - len(parcels)
        if len(parcels) < len(packed) or not circle.connected():
            return False
        try:
            await circle.shared.put(parcels, keep.stale_s, keep.tags, self._origin)
        except SharedStoreDownError:
            circle.failed()
            return False
        return True

    async def _invalidate(self, what: Invalidation) -> bool:
        self._counters.invalidations += 1
        self._local.apply(what)
        self._wakes.wake_all()
        if self._circle is not None and await self._circle.tell(what):
            return True  # Redis tells all its listeners, and so ours
        self._watchers.tell(what)
        return self._circle is None

    async def _fetched(self, job: Job) -> Any:
        try:
            loaded = await self._join_flight(job)
        except BaseException:
            self._counters.misses += 1
            raise
        self._counters.l2_hits += loaded.hit
        self._counters.stale_served += loaded.stale
        self._counters.misses += not loaded.hit
        return self._present(loaded.value) if loaded.hit else _raised(loaded.value)

    async def _join_flight(self, job: Job) -> Loaded:
        """Share the flight under way for this key, unless an invalidation came after it began."""
        flying = self._flying.get(job.key)
        if flying is None or self._local.overtaken(flying.since, job.key, flying.tags):
            name = f"{job.key}\0{next(self._numbers)}"
            flying = self._flying[job.key] = _Flying(name, self._local.mark(), job.keep.tags)
        return await self._flights.join(flying.name, lambda: self._fly(flying, job))

    async def _fly(self, flying: _Flying, job: Job) -> Loaded:
        try:
            return await self._loader.load(job)
        finally:
            if self._flying.get(job.key) is flying:
                del self._flying[job.key]

    def _refresh(self, key: str, fetch: Any, kind: Any, keep: Keep) -> None:
        entry = self._local.entry(key)
        if entry is None or isinstance(entry.value, Absent):
            return
        if self._refresher.due(key, entry.fresh_until, keep):
            self._counters.refreshes += 1
            job = Job(key, fetch, kind, keep, left_when_due_s(keep))
            self._refresher.start(key, lambda: self._renew(job))

    async def _renew(self, job: Job) -> bool:
        return not (await self._join_flight(job)).stale

    def _make_loader(self, clock: Clock, rng: random.Random) -> Loader:
        circle = self._circle
        around = Surroundings(
            connected=(lambda: False) if circle is None else circle.connected,
            failed=(lambda: None) if circle is None else circle.failed,
            aside=self._aside,
            origin=self._origin,
            clock=clock,
            rng=rng,
        )
        shared = None if circle is None else circle.shared
        return Loader(self._local, shared, self._wakes, self._counters, around)

    def _ties(self, link: RedisLink, shared: SharedStore) -> Ties:
        return Ties(
            link, shared, self._local, self._wakes, self._counters, self._watchers, self._aside
        )

    def _ttl_s(self, keep: Keep) -> float:
        return keep.ttl_s * (1 - keep.jitter * self._spread())

    def _aside(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        # In nobody's context: what goes on after a request does not end by the request's deadline.
        task = asyncio.create_task(work, context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _raised(value: Any) -> Any:
    """Raise the absence just learnt; return anything else."""
    if isinstance(value, Absent):
        raise value.error()
    return value
