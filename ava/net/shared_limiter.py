"""The speed limits of a provider, kept by all processes that share a Redis.

One script call takes permits from every limit at once, by the server's clock, or says how long to
sleep. What it grants must be used within `use_within_s` of being asked for, or it is thrown away,
and the script grants by limits tightened for that span: so the stated bounds hold for the moments
of use, through slow answers, stalled loops and leases. A lease of n permits costs one call for n,
and strands at most n - 1.

A call may arrive later than its permit is used, and the provider counts arrivals. `LocalLimiter`
keeps a call's place in a window until it has ended; here every window is `travel_s` longer instead,
which is exact only while calls travel no more unevenly than that. To hold places in Redis would
cost two more commands a call, and an owner who is killed would take its places with it until they
ran out, which is a span to be guessed again.

Order: within a process as in `ava.net.line`. Across processes an interactive caller that must wait
is known to the script, and background callers of other processes then stand back, but for every
tenth grant. Among equals of different processes whoever asks first at the free moment is served: by
chance, even on average. All processes must give the same limits and the same lease.

Redis away: each process keeps to `share` of every limit, so up to 1/share processes stay within the
bounds together. It waits one whole window first, since what Redis granted last still counts, and is
refused with RateLimitedError where its share is less than one call. One process alone says 1. This
takes "away" to mean away for all: a process that is cut off alone adds its share to the rest.

Redis back: used at once; if a share was used meanwhile, everybody waits until that is a window ago.
Redis back empty: the first process that knew the earlier memory sees that it is gone, and the whole
limit counts as spent at the moment the new one began.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, cast

from ava.clock import Clock
from ava.errors import RateLimitedError, SharedStoreDownError
from ava.net.limiter import QueueingLimiter
from ava.net.limits import ALWAYS, Gate, gate, longest, shared_out, tightened
from ava.net.spec import Limit, Priority, Rate
from ava.redis import RETRY_S, RedisLink, Script

LATE_ANSWERS = 5  # in a row, before the way to Redis counts as too slow for the lease

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Lease:
    """How permits are fetched: up to `permits` at a time, good for `use_within_s`.

    More permits save calls, where a limit lets that many through at once; a longer use costs rate,
    since limits are tightened by it. The span must exceed the round trip to Redis.
    """

    permits: int = 1
    use_within_s: float = 0.05


class SharedLimiter(QueueingLimiter):
    """Hold `limits` for every process that shares `link` and uses the same `name`.

    Raises ValueError for a limit that admits nobody.
    """

    def __init__(  # noqa: PLR0913 - what, where, and how to do without it
        self,
        name: str,
        limits: Sequence[Limit],
        link: RedisLink,
        *,
        clock: Clock | None = None,
        lease: Lease | None = None,
        share: float = 1 / 8,
        travel_s: float = 0.0,
        namespace: str = "ava",
    ) -> None:
        super().__init__(name, clock=clock)
        gate(limits)  # checks them
        self._limits = tuple(_spaced(limit, travel_s) for limit in limits)
        self._link = link
        self._lease = lease or Lease()
        self._share = share
        self._keys = _keys(f"{namespace}:limit:{{{name}}}", limits)
        self._arguments = _arguments(self._limits, self._lease.use_within_s)
        self._epoch = ""
        self._held = 0  # permits of the lease, good until `_use_by`
        self._use_by = ALWAYS
        self._size = 1  # of the next lease
        self._free_at = ALWAYS
        self._late = 0
        self._alone: Gate | None = None  # this process's share, while Redis is away
        self._alone_at = ALWAYS  # when it was last used
        self._messages: set[asyncio.Task[None]] = set()

    async def acquire(
        self, *, priority: Priority = Priority.INTERACTIVE, deadline: float | None = None
    ) -> None:
        """Return when a call may be made; raise DeadlineError when that is after `deadline`.

        Raises RateLimitedError when Redis is away and the share is less than one call.
        """
        now = self._now()
        in_time = deadline is None or now <= deadline
        if self._turns is None and in_time and self._alone is None and self._take(now):
            self._granted += 1
            return
        await self._queue(priority, deadline)

    def begin(self) -> None:
        """Do nothing: a permit was counted when it was granted."""

    def end(self, at: float) -> None:
        """Do nothing: `travel_s` stands for the time that the call was on its way."""

    def pause(self, seconds: float) -> None:
        """Grant nobody for `seconds`, in any process: the others are told without waiting."""
        now = self._now()
        self._held = 0
        self._paused_until = max(self._paused_until, now + seconds)
        self._free_at = max(self._free_at, self._paused_until)
        if self._alone is not None:
            self._alone.hold(self._paused_until)
        task = asyncio.get_running_loop().create_task(self._tell(seconds))
        self._messages.add(task)
        task.add_done_callback(self._messages.discard)

    @property
    def _shared(self) -> bool:
        return self._alone is None

    def _take(self, now: float) -> bool:
        if self._alone is not None:
            taken = self._alone.take(now)
            self._alone_at = now if taken else self._alone_at
            return taken
        if self._held < 1 or now > self._use_by:
            return False
        self._held -= 1
        return True

    def _due(self, now: float, ahead: int) -> float:
        if self._alone is not None:
            return self._alone.due(now, ahead)
        return max(now, self._free_at)

    async def _until_ready(self) -> None:
        while self._line:
            if self._now() < self._free_at:
                await self._sleep_until(self._free_at)
                continue
            if self._held and self._now() <= self._use_by:
                return
            if not await self._renew() and await self._may_go_alone():
                return

    async def _renew(self) -> bool:
        """Ask for a lease, and say whether Redis answered."""
        asked_at = self._now()
        priority = self._line.next_priority()
        if priority is None:
            return True
        try:
            granted, wait_s = await self._ask(self._wanted(), priority, self._debt_s(asked_at))
        except SharedStoreDownError:
            self._part(asked_at)
            self._refused += self._line.dismiss(self._now())
            return False
        self._alone = None
        now = self._now()
        self._refused += self._line.dismiss(now)
        self._held, self._use_by = granted, asked_at + self._lease.use_within_s
        if not granted:
            self._free_at = max(self._free_at, now + wait_s)
        self._watch_lateness(granted, now)
        return True

    def _wanted(self) -> int:
        """Return the size of the next lease: twice one that was used up, less one that was not."""
        self._size = max(1, self._size - self._held) if self._held else 2 * self._size
        self._size = min(self._lease.permits, max(self._size, len(self._line)))
        return self._size

    async def _ask(self, wanted: int, priority: int, hold_s: float) -> tuple[int, float]:
        arguments: tuple[int | str | bytes, ...] = (
            wanted,
            int(priority),
            self._epoch,
            uuid.uuid4().hex,  # another each time: a new memory must not look like the old one
            _micros(hold_s),
            _micros(longest(self._limits) + self._lease.use_within_s),
            *self._arguments,
        )
        answer = await self._link.run(_script(), self._keys, *arguments)
        granted, wait, epoch = cast("tuple[int, int, bytes]", answer)
        self._epoch = epoch.decode()
        return int(granted), int(wait) / _MICRO

    def _watch_lateness(self, granted: int, now: float) -> None:
        self._late = self._late + 1 if granted and now > self._use_by else 0
        if self._late >= LATE_ANSWERS:
            self._late = 0
            raise RateLimitedError(
                f"Redis takes longer to answer than the {self._lease.use_within_s:g} s in which a "
                f"permit of {self.name} must be used; give its lease more",
                provider=self.name,
                retry_after_s=RETRY_S,
            )

    def _part(self, now: float) -> None:
        """Begin to keep to this process's share."""
        self._held = 0
        if self._alone is not None:
            return
        parts = [shared_out(limit, self._share) for limit in self._limits]
        if None in parts:
            raise RateLimitedError(
                f"Redis is away, and a share of {self._share:g} of the limits of {self.name} "
                "is less than one call; if this process is alone, give it a share of 1",
                provider=self.name,
                retry_after_s=RETRY_S,
            )
        self._alone = gate([part for part in parts if part is not None])
        self._alone.hold(max(now + longest(self._limits), self._paused_until))
        self._free_at = ALWAYS

    async def _may_go_alone(self) -> bool:
        """Say whether the share has a permit; if not, sleep until it has or Redis may be back."""
        if self._alone is None:
            return False
        now, free_at = self._now(), self._alone.free_at
        if now >= free_at:
            return True
        self._refused += self._line.dismiss(free_at)
        await self._sleep_until(min(free_at, now + RETRY_S))
        return False

    def _debt_s(self, now: float) -> float:
        """Return how long nobody may pass for what this process used, or heard, alone."""
        return max(0.0, self._alone_at + longest(self._limits) - now, self._paused_until - now)

    async def _tell(self, seconds: float) -> None:
        try:
            await self._ask(0, Priority.INTERACTIVE, seconds)
        except SharedStoreDownError:
            return  # nobody is granted anything by a Redis that is away


@cache
def _script() -> Script:
    return Script(resources.files("ava.net").joinpath("limits.lua").read_text(encoding="utf-8"))


def _spaced(limit: Limit, travel_s: float) -> Limit:
    """Return the limit with room for calls that travel unevenly; a rate has its burst for that."""
    return limit if isinstance(limit, Rate) else tightened(limit, travel_s)


def _keys(base: str, limits: Sequence[Limit]) -> list[str]:
    """Return the key of the state and those of the windows; braces keep them on one server."""
    return [base, *(f"{base}:{i}" for i in range(1, len(limits) + 1))]


def _arguments(limits: Sequence[Limit], use_within_s: float) -> tuple[bytes, ...]:
    """Return what the script is told of each limit, in whole microseconds, rounded to be safe."""
    told: list[Any] = []
    for limit in (tightened(limit, use_within_s) for limit in limits):
        if isinstance(limit, Rate):
            interval = limit.per_s / limit.permits
            told += ["r", _micros(interval), math.floor((limit.burst - 1) * interval * _MICRO)]
        else:
            told += ["w", limit.permits, _micros(limit.per_s)]
    return tuple(str(value).encode() for value in told)  # once, not in each call


def _micros(seconds: float) -> int:
    return math.ceil(seconds * _MICRO)
