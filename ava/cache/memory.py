"""The cache in this process: bounded, expiring, and about as fast as Python allows.

A hit is a look-up, a glance at the clock and one increment, which serves the statistics and the
choice of what goes; all bookkeeping waits until something is stored. Bounds are on items and on
bytes, and what goes is chosen by `ava.cache.eviction`. Expiry needs no timer: an entry past use is
removed when asked for, and each store looks at a few more. One event loop uses a cache; it is not
thread-safe, and nothing in it waits except for a fetch.

It does not copy values: who changes one changes what the next caller gets. It adds no jitter to
times to live and knows no tags: that is the tiered cache's part.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeVar

from ava.cache.eviction import Entry, Eviction
from ava.cache.flight import Flights
from ava.clock import Clock, SystemClock

__all__ = ["MISSING", "Entry", "MemoryCache", "MemoryStats", "Missing"]

V = TypeVar("V")
D = TypeVar("D")

_SWEPT = 2  # entries looked at by a store: more than it adds, so the expired cannot pile up


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "missing"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
"""Nothing, where None could be a value; it is falsy."""


@dataclass(frozen=True, slots=True)
class MemoryStats:
    """Counts since the cache was made, and what it holds now; `bytes` is None without a weigher.

    A look-up that finds only an expired entry is a miss. `evictions` made room, `expirations` were
    past use, `refused` were larger than the whole cache.
    """

    hits: int
    misses: int
    evictions: int
    expirations: int
    refused: int
    items: int
    bytes: int | None


class MemoryCache(Generic[V]):
    """Values by key, at most `max_items` of them and `max_bytes` as `weigh` tells them.

    None lifts a bound. `ttl_s` is for what is put without its own. Raises ValueError for a bound or
    a time that is not positive, and when one of `max_bytes` and `weigh` lacks the other.
    """

    def __init__(
        self,
        *,
        max_items: int | None = 10_000,
        max_bytes: int | None = None,
        ttl_s: float = 300.0,
        weigh: Callable[[V], int] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if (max_items is not None and max_items < 1) or (max_bytes is not None and max_bytes < 1):
            raise ValueError(f"a bound must be positive: {max_items} items, {max_bytes} bytes")
        if (max_bytes is None) is not (weigh is None):
            raise ValueError("max_bytes and weigh are given together or not at all")
        self._max_items = float("inf") if max_items is None else max_items
        self._max_bytes = float("inf") if max_bytes is None else max_bytes
        self._ttl_s = _positive(ttl_s)
        self._weigh = weigh
        self._now = (clock or SystemClock()).monotonic
        self._entries: dict[str, Entry[V]] = {}
        self._ring: list[Entry[V]] = []  # the same entries; the sweep goes round and round
        self._hand = 0
        self._eviction = Eviction()
        self._flights = Flights()
        self._bytes = 0
        self._past_hits = 0  # of entries no longer held
        self._misses = self._evictions = self._expirations = self._refused = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, key: str, default: D | None = None) -> V | D | None:
        """Return the value of `key` while it is fresh, else `default`."""
        # A hit pays nothing for `try`, less for a subscript than for a call of `dict.get`, and less
        # for a call of what was read from the instance than for a read and call in one.
        try:
            entry = self._entries[key]
        except KeyError:
            self._misses += 1
            return default
        now = self._now
        if now() < entry.fresh_until:
            entry.asked += 1
            return entry.value
        self._miss(entry)
        return default

    def peek(self, key: str) -> V | Missing:
        """Return the value of `key` while it is fresh, else MISSING, without a coroutine."""
        try:
            entry = self._entries[key]
        except KeyError:
            self._misses += 1
            return MISSING
        now = self._now
        if now() < entry.fresh_until:
            entry.asked += 1
            return entry.value
        self._miss(entry)
        return MISSING

    def entry(self, key: str) -> Entry[V] | None:
        """Return what is held of `key`, fresh or stale, and count nothing."""
        entry = self._entries.get(key)
        if entry is not None and self._now() >= entry.usable_until:
            self._expire(entry)
            return None
        return entry

    def put(self, key: str, value: V, ttl_s: float | None = None, stale_s: float = 0.0) -> None:
        """Hold `value` as fresh for `ttl_s` and as usable for `stale_s` more.

        A fetch of the key that is under way loses: its callers get their result, which is not
        stored. A value larger than the whole cache is not held, nor what the key had before.
        """
        self._flights.forget(key)
        self._store(key, value, ttl_s, stale_s)

    async def get_or_fetch(
        self, key: str, fetch: Callable[[], Awaitable[V]], ttl_s: float | None = None
    ) -> V:
        """Return the value of `key`, or what one call of `fetch` returns for all who ask now.

        Raises what `fetch` raises, and then holds nothing.
        """
        try:
            entry = self._entries[key]
        except KeyError:
            self._misses += 1
        else:
            now = self._now
            if now() < entry.fresh_until:
                entry.asked += 1
                return entry.value
            self._miss(entry)
        return await self._join(key, fetch, ttl_s)

    def discard(self, key: str) -> bool:
        """Forget `key`, also what is being fetched for it; say whether it was held."""
        self._flights.forget(key)
        entry = self._entries.get(key)
        if entry is None:
            return False
        usable = self._now() < entry.usable_until
        self._remove(entry)
        return usable

    def discard_many(self, keys: Iterable[str]) -> int:
        """Forget `keys` and return how many of them were held."""
        return sum([self.discard(key) for key in keys])

    def clear(self) -> None:
        """Forget everything but the counts."""
        self._flights.forget_all()
        self._past_hits = self._hits()
        self._entries.clear()
        self._ring.clear()
        self._eviction = Eviction()
        self._bytes = 0

    def keys(self) -> list[str]:
        """Return the keys held and of use, in no promised order."""
        now = self._now()
        return [entry.key for entry in self._ring if now < entry.usable_until]

    def stats(self) -> MemoryStats:
        """Return the counts; it goes through all entries, since hits are counted on them alone."""
        return MemoryStats(
            hits=self._hits(),
            misses=self._misses,
            evictions=self._evictions,
            expirations=self._expirations,
            refused=self._refused,
            items=len(self._entries),
            bytes=None if self._weigh is None else self._bytes,
        )

    def _hits(self) -> int:
        return self._past_hits + sum([entry.asked for entry in self._ring])

    async def _join(self, key: str, fetch: Callable[[], Awaitable[V]], ttl_s: float | None) -> V:
        # Apart from get_or_fetch, where the closure would cost every hit its cells.
        return await self._flights.join(key, lambda: self._fetched(key, fetch, ttl_s))

    async def _fetched(self, key: str, fetch: Callable[[], Awaitable[V]], ttl_s: float | None) -> V:
        value = await fetch()
        if self._flights.is_current(key):  # else it was put or discarded meanwhile: this is older
            self._store(key, value, ttl_s, 0.0)
        return value

    def _store(self, key: str, value: V, ttl_s: float | None, stale_s: float) -> None:
        now = self._now()
        fresh_until = now + (self._ttl_s if ttl_s is None else _positive(ttl_s))
        entry = Entry(key, value, fresh_until, fresh_until + _not_negative(stale_s))
        if self._weigh is not None:
            entry.weight = _not_negative(self._weigh(value))
        old = self._entries.get(key)
        if old is not None:
            self._remove(old)
            entry.credit = old.count + 1
        self._sweep(now)
        if entry.weight > self._max_bytes:
            self._refused += 1
            return
        self._make_room(entry.weight)
        self._insert(entry)

    def _make_room(self, weight: int) -> None:
        while len(self._ring) >= self._max_items or self._bytes + weight > self._max_bytes:
            self._unlist(self._eviction.evict())
            self._evictions += 1

    def _insert(self, entry: Entry[V]) -> None:
        entry.slot = len(self._ring)
        self._ring.append(entry)
        self._entries[entry.key] = entry
        self._bytes += entry.weight
        self._eviction.add(entry)

    def _sweep(self, now: float) -> None:
        """Look at the next few entries on the ring and remove those past use."""
        for _ in range(min(_SWEPT, len(self._ring))):
            self._hand = (self._hand - 1) % len(self._ring)
            if now >= self._ring[self._hand].usable_until:
                self._expire(self._ring[self._hand])

    def _miss(self, entry: Entry[V]) -> None:
        self._misses += 1
        if self._now() >= entry.usable_until:
            self._expire(entry)

    def _expire(self, entry: Entry[V]) -> None:
        self._expirations += 1
        self._remove(entry)

    def _remove(self, entry: Entry[V]) -> None:
        entry.queue.remove(entry)
        self._unlist(entry)

    def _unlist(self, entry: Entry[Any]) -> None:
        """Take an entry out of all but its queue; the ring's last one fills its slot."""
        self._past_hits += entry.asked
        del self._entries[entry.key]
        last = self._ring.pop()
        if last is not entry:
            self._ring[entry.slot] = last
            last.slot = entry.slot
        self._bytes -= entry.weight


def _positive(seconds: float) -> float:
    if not seconds > 0:
        raise ValueError(f"a time to live must be positive: {seconds}")
    return seconds


N = TypeVar("N", int, float)


def _not_negative(amount: N) -> N:
    if not amount >= 0:
        raise ValueError(f"neither a weight nor a time may be negative: {amount}")
    return amount
