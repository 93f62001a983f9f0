"""This process's part among those that share a Redis: hearing, telling, and knowing when it cannot.

It joins the parts that talk to Redis: the store, the subscription, and what could not be delivered.
The guarantee they give together is stated in `ava.cache.tiered`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ava.cache.invalidation import EVERYTHING, Invalidation, Undelivered, read
from ava.cache.local import LocalTier
from ava.cache.lock import Wakes
from ava.cache.shared import SharedStore
from ava.cache.stats import Counters
from ava.cache.subscription import Subscription
from ava.cache.watching import Watchers
from ava.clock import Clock
from ava.errors import SharedStoreDownError
from ava.redis import RedisLink

_LOG = logging.getLogger("ava.cache")


@dataclass(frozen=True, slots=True)
class Ties:
    """What a membership ties together; `aside` runs a coroutine in the background."""

    link: RedisLink
    shared: SharedStore
    local: LocalTier
    wakes: Wakes
    counters: Counters
    watchers: Watchers
    aside: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]


class Membership:
    """One cache's session with Redis; `origin` is how it knows its own messages."""

    def __init__(self, ties: Ties, origin: str, clock: Clock) -> None:
        self.shared = ties.shared
        self._link, self._local, self._wakes = ties.link, ties.local, ties.wakes
        self._counters, self._aside, self._origin = ties.counters, ties.aside, origin
        self._watchers = ties.watchers
        self._undelivered = Undelivered()
        self._subscription = Subscription(ties.link, ties.shared.channel, self, clock)
        self._leaving = False
        self._warned = False
        self.start = self._subscription.start
        self.current = self._subscription.current

    @property
    def undelivered(self) -> int:
        """The number of invalidations that Redis has not heard."""
        return len(self._undelivered)

    def connected(self) -> bool:
        """Say whether Redis may be read and written."""
        return self._subscription.open

    def failed(self) -> None:
        """Count a failure of Redis; where it did not answer at all, stop using it."""
        self._counters.errors += 1
        if not self._link.up:
            self._subscription.doubt()

    async def leave(self) -> None:
        """End the session."""
        self._leaving = True
        await self._subscription.aclose()

    async def tell(self, what: Invalidation) -> bool:
        """Invalidate in Redis and everywhere; say whether Redis has it, else it is remembered.

        A cancelled caller changes nothing about that.
        """
        ticket = self._undelivered.add(what)
        return await asyncio.shield(self._aside(self._deliver(ticket, what)))

    async def _deliver(self, ticket: int, what: Invalidation) -> bool:
        if not self._link.up:
            return False  # the subscription finds out when it is, so that nobody waits here
        try:
            await self.shared.invalidate(what)
        except SharedStoreDownError:
            self._counters.errors += 1
            self._subscription.doubt()  # entries that this would have removed must not be read
            return False
        self._undelivered.delivered(ticket)
        self._local.apply(what)  # again: Redis was still read while this was on its way
        return True

    async def prepare(self) -> None:
        """Learn Redis's time and deliver what it has not heard."""
        await self.shared.synchronise()
        while (first := self._undelivered.first()) is not None:
            await self.shared.invalidate(first[1])
            self._undelivered.delivered(first[0])
        if not self._warned:
            self._warned = True
            self._aside(self._warn_of_eviction())

    def opened(self) -> None:
        """Start from an empty memory: what was kept alone may have been invalidated elsewhere."""
        self._local.reset()
        self._watchers.tell(EVERYTHING)

    def heard(self, message: bytes) -> None:
        """Apply an invalidation, or wake who waits for a lock."""
        if message.startswith(b"w"):
            self._wakes.wake(message[1:].decode(errors="replace"))
            return
        what = read(message[1:])
        if what.origin != self._origin:
            self._local.apply(what)
        self._wakes.wake_all()
        self._watchers.tell(what)

    def closed(self) -> None:
        """Drop what others may invalidate without our hearing of it."""
        self._local.reset()
        self._wakes.wake_all()
        self._counters.outages += not self._leaving

    async def _warn_of_eviction(self) -> None:
        with suppress(SharedStoreDownError):
            if await self.shared.evicts():
                _LOG.warning(
                    "Redis may evict keys, and with them the indexes that invalidation by tag and"
                    " pattern goes by; set maxmemory-policy noeviction"
                )
