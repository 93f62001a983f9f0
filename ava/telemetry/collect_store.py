"""Metrics of the database and the cache, read from what both keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ava.telemetry.families import counter, gauge, histogram

if TYPE_CHECKING:
    from ava.core import Core
    from ava.db.stats import PoolStats


class DatabaseCollector(Collector):
    """Statements by name, and the pool; the histogram is there without a database too."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        database = self._core.database if self._core.has_database else None
        seen = {} if database is None else database.timer.snapshot()
        yield histogram(
            "db_query_duration_seconds",
            "Database query duration.",
            [((name,), one.buckets.items(), one.total_s) for name, one in seen.items()],
            by=("statement",),
        )
        yield counter(
            "ava_db_query_failures",
            "Statements that failed.",
            by=("statement",),
            of=[((name,), one.failures) for name, one in seen.items() if one.failures],
        )
        if database is not None:
            yield from _pool(database.stats())


def _pool(pool: PoolStats) -> Iterator[Metric]:
    yield gauge("ava_db_pool_connections", "Connections of the pool.", pool.size)
    yield gauge("ava_db_pool_connections_limit", "The most there may be.", pool.max_size)
    yield gauge("ava_db_pool_in_use", "Connections handed out or being made.", pool.in_use)
    yield gauge("ava_db_pool_waiting", "Callers that wait for a connection.", pool.waiting)
    yield gauge("ava_db_pool_saturation_ratio", "The share of the most in use.", pool.saturation)
    yield counter("ava_db_pool_requests", "Connections asked for.", pool.requests)
    yield counter("ava_db_pool_waits", "Those that had to wait.", pool.requests_waited)
    waited_s = (pool.wait_mean_s or 0.0) * pool.requests_waited
    yield counter("ava_db_pool_wait_seconds", "The time that they waited.", waited_s)
    yield counter("ava_db_pool_errors", "Those that got none.", pool.errors)
    yield counter("ava_db_connections_made", "Connections made.", pool.connections_made)
    yield counter("ava_db_connections_failed", "Attempts that failed.", pool.connections_failed)
    yield counter("ava_db_connections_lost", "Connections found broken.", pool.connections_lost)


class CacheCollector(Collector):
    """The cache, under the documents' names for hits and misses."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        stats = self._core.platform.cache.stats()
        yield counter(
            "argo_cache_hits",
            "Cache hits, by the tier that answered.",
            by=("tier",),
            of=[(("memory",), stats.l1_hits), (("redis",), stats.l2_hits)],
        )
        yield counter("argo_cache_misses", "Cache misses.", stats.misses)
        connected = None if self._core.platform.link is None else float(stats.connected)
        yield gauge("ava_cache_connected", "Whether Redis is used; absent without one.", connected)
        yield counter("ava_cache_errors", "Failures of Redis.", stats.errors)
        yield counter("ava_cache_outages", "Times that Redis was lost.", stats.outages)
        yield counter("ava_cache_fetches", "Values fetched.", stats.fetches)
        yield counter("ava_cache_fetch_errors", "Fetches that failed.", stats.fetch_errors)
        yield counter("ava_cache_refreshes", "Values fetched ahead.", stats.refreshes)
        yield counter("ava_cache_stale_served", "Older values served.", stats.stale_served)
        yield counter("ava_cache_invalidations", "Asked for here.", stats.invalidations)
        yield counter("ava_cache_evictions", "Values that made room.", stats.evictions)
        yield gauge("ava_cache_items", "Values in memory.", stats.items)
        yield gauge("ava_cache_bytes", "Their size, where it is counted.", stats.bytes)
