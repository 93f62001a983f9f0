"""What a cache did, counted: the figures of `/api/cache/stats` and the details behind them.

A hit is a look-up answered by a tier; a look-up that waited for a fetch, its own or another's, is
a miss. Errors are failures of Redis, which callers never see.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from ava.cache.memory import MemoryStats


@dataclass(slots=True)
class Counters:
    """Running totals since the cache was made."""

    l1_hits: int = 0
    l2_hits: int = 0
    misses: int = 0
    errors: int = 0
    fetches: int = 0
    fetch_errors: int = 0
    refreshes: int = 0
    stale_served: int = 0
    negative_hits: int = 0  # hits on "there is no such thing", counted as hits as well
    waits: int = 0  # rounds of waiting for another process's fetch
    refused: int = 0  # fetched values not stored, since something newer or an invalidation came
    undecodable: int = 0  # shared entries of another version or type
    unshared: int = 0  # values too large to share, or without a form in msgpack
    invalidations: int = 0  # asked for by this process
    outages: int = 0


@dataclass(frozen=True, slots=True)
class CacheStats:
    """A snapshot; `hit_rate` is in per cent, None before the first look-up."""

    connected: bool
    backend: str
    hits: int
    misses: int
    hit_rate: float | None
    errors: int
    l1_hits: int
    l2_hits: int
    fetches: int
    fetch_errors: int
    refreshes: int
    stale_served: int
    negative_hits: int
    waits: int
    refused: int
    undecodable: int
    unshared: int
    invalidations: int
    outages: int
    undelivered: int
    items: int
    bytes: int | None
    evictions: int
    expirations: int

    def to_dict(self) -> dict[str, Any]:
        """Return the snapshot as JSON values."""
        return asdict(self)


def snapshot(
    counters: Counters,
    *,
    connected: bool,
    undelivered: int,
    memory: MemoryStats,
) -> CacheStats:
    """Derive the documented figures from the counters; nothing is counted twice."""
    hits = counters.l1_hits + counters.l2_hits
    asked = hits + counters.misses
    return CacheStats(
        connected=connected,
        backend="redis" if connected else "memory",
        hits=hits,
        hit_rate=round(100 * hits / asked, 1) if asked else None,
        undelivered=undelivered,
        items=memory.items,
        bytes=memory.bytes,
        evictions=memory.evictions,
        expirations=memory.expirations,
        **{item.name: getattr(counters, item.name) for item in fields(counters)},
    )
