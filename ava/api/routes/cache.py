"""What the cache did, counted: the six documented figures, and ours behind them."""

from __future__ import annotations

from typing import Final

from ava.api.route import Routes
from ava.cache.stats import CacheStats
from ava.core import Core
from ava.services.fresh import Fresh

SNAPSHOT_S: Final = 5.0  # figures move with every look-up; so often they are worth another look
TAG: Final = "cache"

_EXAMPLE = CacheStats(
    connected=True,
    backend="redis",
    hits=1523,
    misses=142,
    hit_rate=91.5,
    errors=0,
    l1_hits=1211,
    l2_hits=312,
    fetches=142,
    fetch_errors=0,
    refreshes=17,
    stale_served=0,
    negative_hits=2,
    waits=1,
    refused=0,
    undecodable=0,
    unshared=0,
    invalidations=9,
    outages=0,
    undelivered=0,
    items=388,
    bytes=None,
    evictions=0,
    expirations=101,
)


def routes(core: Core) -> Routes:
    """Return the route; it lies where 001.9 has it, outside of the versions."""
    area = Routes("/api/cache", "operation")
    cache = core.platform.cache

    @area.get("/stats", answers=CacheStats, example=_EXAMPLE)
    async def stats() -> Fresh[CacheStats]:
        """Show hits, misses and what else the cache counts since the start of this process."""
        return Fresh(cache.stats(), SNAPSHOT_S, (TAG,))

    return area
