"""The way of one value that is not in memory: from Redis, from another's fetch, or from our own.

A `Loader` does for one key what has to be done once in this process; callers share its flight.
With Redis: claim; read what is there, wait for who fetches, or fetch under the lock and store under
it. Without: fetch and keep it here. A failing fetch falls back on an older value where there is
one; "there is no such thing" is an answer, and kept as one. No failure of Redis leaves this module.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ava.cache.keep import Keep
from ava.cache.local import LocalTier
from ava.cache.lock import Wakes, held, wait
from ava.cache.memory import MISSING
from ava.cache.parcel import Absent, pack, unpack
from ava.cache.shared import Found, Leading, SharedStore
from ava.cache.stats import Counters
from ava.clock import Clock
from ava.errors import NotFoundError, SharedStoreDownError


@dataclass(frozen=True, slots=True)
class Job:
    """What is wanted: a value of `kind` under `key` that stays fresh for more than `min_left_s`."""

    key: str
    fetch: Callable[[], Awaitable[Any]]
    kind: Any
    keep: Keep
    min_left_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A value (or Absent) and where it is from: `hit` for Redis, `stale` for a fallback."""

    value: Any
    hit: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a loader needs of the cache it works for.

    `connected` says whether Redis may be used, `failed` is told when it fails, `aside` runs a
    coroutine in the background, `origin` names this process in locks.
    """

    connected: Callable[[], bool]
    failed: Callable[[], None]
    aside: Callable[[Coroutine[Any, Any, Any]], object]
    origin: str
    clock: Clock
    rng: random.Random


class _AloneError(Exception):
    """Redis cannot be used for this value: fetch without it."""


class Loader:
    """Read through Redis where it can be used, and around it where not."""

    def __init__(
        self,
        local: LocalTier,
        shared: SharedStore | None,
        wakes: Wakes,
        counters: Counters,
        around: Surroundings,
    ) -> None:
        self._local, self._shared = local, shared
        self._wakes, self._counters, self._around = wakes, counters, around
        self._claims = 0

    async def load(self, job: Job) -> Loaded:
        """Return the value; raise what the fetch raises where nothing older can be served."""
        if self._shared is not None and self._around.connected():
            try:
                return await self._load_shared(self._shared, job)
            except _AloneError:
                pass
        return await self._load_alone(job)

    async def _load_shared(self, shared: SharedStore, job: Job) -> Loaded:
        least: float | None = job.min_left_s
        try:
            while self._around.connected():
                # Both before asking: what comes between the answer and us must not be missed.
                woken, since = self._wakes.expect(job.key), self._local.mark()
                answer = await self._claim(shared, job, least)
                if isinstance(answer, Leading):
                    return await self._lead(shared, job, answer, since)
                if not isinstance(answer, Found):
                    self._counters.waits += 1
                    await wait(woken, answer.lock_s)
                elif (value := unpack(answer.entry, job.kind)) is not MISSING:
                    left_s, tags = answer.entry.left_s, answer.entry.tags
                    stale_s = _stale_s(job, value)
                    self._local.keep(job.key, value, tags, left_s, stale_s, since=since)
                    return Loaded(value, hit=True)
                else:
                    self._counters.undecodable += 1
                    least = None  # good for others, perhaps; we have to fetch
            raise _AloneError
        finally:
            self._wakes.forget(job.key)

    async def _claim(self, shared: SharedStore, job: Job, least: float | None) -> Any:
        self._claims += 1
        token = f"{self._around.origin}:{self._claims}"
        try:
            return await shared.claim(job.key, token, job.keep.tags, least)
        except SharedStoreDownError:
            self._around.failed()
            raise _AloneError from None
        except BaseException:  # cancelled: the lock may be ours by now
            self._around.aside(self._release(shared, job.key, token))
            raise

    async def _lead(self, shared: SharedStore, job: Job, lead: Leading, since: int) -> Loaded:
        started = self._around.clock.monotonic()
        try:
            async with held(shared, job.key, lead.token, job.keep.tags, self._around.clock):
                value = await self._fetch(job)
        except BaseException as error:
            self._around.aside(self._release(shared, job.key, lead.token))
            older = self._older_shared(job, lead, started, since)
            if older is MISSING or not _replaceable(error):
                raise
            return Loaded(older, stale=True)
        ttl_s = self._ttl_s(job, value)
        if await self._store(shared, job, lead.token, value, ttl_s):
            self._keep(job, value, ttl_s, since)
        return Loaded(value)

    async def _load_alone(self, job: Job) -> Loaded:
        since = self._local.mark()
        try:
            value = await self._fetch(job)
        except Exception as error:
            older = self._older_local(job)
            if older is MISSING or not _replaceable(error):
                raise
            return Loaded(older, stale=True)
        self._keep(job, value, self._ttl_s(job, value), since)
        return Loaded(value)

    async def _fetch(self, job: Job) -> Any:
        self._counters.fetches += 1
        try:
            return await job.fetch()
        except NotFoundError as error:
            if not job.keep.negative_s:
                raise
            return Absent(error.provider, str(error), error.status)
        except Exception:  # of any kind: it is the caller's, and here only counted
            self._counters.fetch_errors += 1
            raise

    async def _store(
        self, shared: SharedStore, job: Job, token: str, value: Any, ttl_s: float
    ) -> bool:
        """Store under the lock; say whether the value may be kept here as well."""
        parcel = pack(job.key, value, ttl_s)
        if parcel is None:
            self._counters.unshared += 1
            await self._release(shared, job.key, token)
            return True
        try:
            stored = await shared.finish(parcel, token, _stale_s(job, value), job.keep.tags)
        except SharedStoreDownError:
            self._around.failed()
            return True
        self._counters.refused += not stored
        return stored

    async def _release(self, shared: SharedStore, key: str, token: str) -> None:
        try:
            await shared.release(key, token)
        except SharedStoreDownError:
            self._around.failed()

    def _keep(self, job: Job, value: Any, ttl_s: float, since: int) -> None:
        self._local.keep(job.key, value, job.keep.tags, ttl_s, _stale_s(job, value), since=since)

    def _ttl_s(self, job: Job, value: Any) -> float:
        whole_s = job.keep.negative_s if isinstance(value, Absent) else job.keep.ttl_s
        return whole_s * (1 - job.keep.jitter * self._around.rng.random())

    def _older_local(self, job: Job) -> Any:
        entry = self._local.entry(job.key)
        if entry is None or isinstance(entry.value, Absent):
            return MISSING
        return entry.value if self._around.clock.monotonic() < entry.usable_until else MISSING

    def _older_shared(self, job: Job, lead: Leading, started: float, since: int) -> Any:
        entry = lead.older
        if entry is None or entry.absent or self._local.overtaken(since, job.key, entry.tags):
            return self._older_local(job)
        usable_until = started + entry.left_s + job.keep.stale_s
        if self._around.clock.monotonic() >= usable_until:
            return MISSING
        return unpack(entry, job.kind)


def _replaceable(error: BaseException) -> bool:
    """Tell a failure from an answer and from a cancellation."""
    return isinstance(error, Exception) and not isinstance(error, NotFoundError)


def _stale_s(job: Job, value: Any) -> float:
    return 0.0 if isinstance(value, Absent) else job.keep.stale_s
