"""This process's own tier: its memory, with tags, and a fence against what comes too late.

A value read or fetched elsewhere is kept only if nothing invalidated it on the way here: take a
`mark` before asking, and give it back with the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ava.cache.invalidation import Invalidation, Recent, TagIndex, matcher
from ava.cache.memory import MemoryCache


class LocalTier:
    """A MemoryCache that invalidations can address."""

    def __init__(self, memory: MemoryCache[Any]) -> None:
        self._memory = memory
        self._recent = Recent()
        self._tags = TagIndex()
        # Bound once: every hit comes this way.
        self.peek, self.entry, self.stats = memory.peek, memory.entry, memory.stats

    def mark(self) -> int:
        """Return the present moment in the order of invalidations."""
        return self._recent.mark()

    def overtaken(self, since: int, key: str, tags: Sequence[str]) -> bool:
        """Say whether an entry was, or may have been, invalidated after the mark `since`."""
        return self._recent.overtaken(since, key, tags)

    def keep(  # noqa: PLR0913 - an entry's parts, and the mark
        self,
        key: str,
        value: Any,
        tags: Sequence[str],
        ttl_s: float,
        stale_s: float,
        *,
        since: int,
    ) -> bool:
        """Keep a value asked for at the mark `since`; say whether it was still in time."""
        if ttl_s <= 0 or self._recent.overtaken(since, key, tags):
            return False
        self._memory.put(key, value, ttl_s, stale_s)
        if tags:
            self._tags.add(key, tags, lambda key: self._memory.entry(key) is not None)
        return True

    def discard(self, key: str) -> None:
        """Drop one entry to make room; it is as true as before."""
        self._memory.discard(key)

    def apply(self, what: Invalidation) -> None:
        """Drop what an invalidation names, and fence what is on its way."""
        self._recent.add(what)
        self._memory.discard_many(what.keys)
        for tag in what.tags:
            self._memory.discard_many(self._tags.take(tag))
        for pattern in what.patterns:
            self._memory.discard_many(list(filter(matcher(pattern), self._memory.keys())))

    def reset(self) -> None:
        """Drop everything, what is on its way as well."""
        self._recent.add_all()
        self._tags.clear()
        self._memory.clear()
