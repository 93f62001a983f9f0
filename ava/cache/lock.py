"""A lock for as long as its holder lives: short, and extended by a heartbeat.

A killed leader's lock ends within `LOCK_MS`, so others soon try; a slow fetch keeps its lock
however long it takes. The heartbeat never disturbs the fetch: when Redis is away it goes on
beating, and when the lock is lost it stops, and the fetch still answers its own callers.
`Wakes` is the other side: who waits for a lock is woken when it is released, and looks again by
itself after a while in case the wake-up was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from ava.cache.shared import LOCK_MS, SharedStore
from ava.clock import Clock
from ava.errors import SharedStoreDownError

BEAT_S = LOCK_MS / 1000 / 3  # two beats may fail before the lock is lost
LOOK_AGAIN_S = 0.25


@asynccontextmanager
async def held(
    shared: SharedStore, key: str, token: str, tags: Sequence[str], clock: Clock
) -> AsyncIterator[None]:
    """Extend the lock of `key` while the block runs."""
    beat = asyncio.create_task(_beat(shared, key, token, tags, clock))
    try:
        yield
    finally:
        beat.cancel()
        await asyncio.wait([beat])  # and not `await beat`, which would hide a cancellation of ours


async def _beat(
    shared: SharedStore, key: str, token: str, tags: Sequence[str], clock: Clock
) -> None:
    kept = True
    while kept:
        await clock.sleep(BEAT_S)
        with suppress(SharedStoreDownError):
            kept = await shared.extend(key, token, tags)


class Wakes:
    """Tasks of this process that wait for a lock, by key."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Event] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def expect(self, key: str) -> asyncio.Event:
        """Return what `wake` will set; ask before the lock, or the wake-up may come too early."""
        return self._waiting.setdefault(key, asyncio.Event())

    def forget(self, key: str) -> None:
        """Expect nothing any more; who still waits for the key looks again by itself."""
        self._waiting.pop(key, None)

    def wake(self, key: str) -> None:
        """Wake who waits for `key`."""
        if (event := self._waiting.pop(key, None)) is not None:
            event.set()

    def wake_all(self) -> None:
        """Wake everybody: an invalidation may have taken any lock away."""
        for key in list(self._waiting):
            self.wake(key)


async def wait(woken: asyncio.Event, lock_s: float) -> None:
    """Wait to be woken, at most until the lock may have ended or it is time to look again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(min(LOOK_AGAIN_S, lock_s + 0.01)):
            await woken.wait()
