"""The documents' own caches: pickle in Redis (003.3), and `if cached:` before a fetch (000.4)."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import redis


class RedisCache:
    """`get_redis_cache()` of 003.3: "Pickle serialization for complex objects"."""

    def __init__(self, client: redis.Redis) -> None:
        self.redis = client

    def get(self, key: str) -> Any:
        """Return the object under `key`, None if there is none."""
        data = self.redis.get(key)
        return pickle.loads(data) if data else None  # type: ignore[arg-type]  # noqa: S301 - the document's own; redis-py types the union of its sync and async answers

    def set(self, key: str, value: Any, ttl: int) -> None:
        """Keep `value` for `ttl` seconds."""
        self.redis.setex(key, ttl, pickle.dumps(value))


class QueryCache:
    """`query_cache` of 000.4, as far as the example needs it; time is left out."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """Return the value under `key`, None if there is none."""
        return self._values.get(key)

    def set(self, key: str, value: Any, ttl_seconds: int) -> None:  # noqa: ARG002 - see above
        """Keep `value`."""
        self._values[key] = value


def get_symbol_metadata(
    query_cache: QueryCache, symbol: str, fetch_metadata: Callable[[str], Any]
) -> Any:
    """Return a symbol's metadata as 000.4 proposes."""
    cache_key = f"metadata:{symbol}"
    cached = query_cache.get(cache_key)
    if cached:
        return cached
    metadata = fetch_metadata(symbol)
    query_cache.set(cache_key, metadata, ttl_seconds=3600)
    return metadata
