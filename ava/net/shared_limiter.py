"""The speed limits of a provider, kept by all processes that share a Redis.

One script call takes permits from every limit at once, by the server's clock, or says how long to
sleep. What it grants must be used within `use_within_s` of being asked for, or it is thrown away,
and the script grants by limits tightened for that span: so the stated bounds hold for the moments
of use, through slow answers, stalled loops and leases. A lease of n permits costs one call for n,
and strands at most n - 1.

A call may arrive later than its permit is used, and the provider counts arrivals. With `on_way_s`
a permit keeps its place in the windows for that long after its grant, or until its process tells
Redis that the call has ended: one more command, which nobody waits for. So a process that is killed
takes no place with it for ever, and only a call that travels for longer may come too close to
another. Without it, permits count as used when they are granted.

Order: within a process as in `ava.net.line`. Across processes an interactive caller that must wait
is known to the script, and background callers of other processes then stand back, but for every
tenth grant. Among equals of different processes whoever asks first at the free moment is served: by
chance, even on average. All processes must give the same limits, lease and `on_way_s`.

Redis away: each process keeps to `share` of every limit, so up to 1/share processes stay within the
bounds together. It waits one whole window first, since what Redis granted last still counts, and is
refused with RateLimitedError where its share is less than one call. One process alone says 1. This
takes "away" to mean away for all: a process that is cut off alone adds its share to the rest.
For `HICCUP_S` it refuses nobody who can wait that long: most silences are over by then.

Redis back: used at once, since whoever comes has it asked, however long the share would have to
wait; if a share was used meanwhile, everybody waits until that is a window ago.
Redis back empty: the first process that knew the earlier memory sees that it is gone, and the whole
limit counts as spent at the moment the new one began.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from typing import Any, cast

from ava.clock import Clock
from ava.errors import RateLimitedError, SharedStoreDownError
from ava.net.limiter import Ended, QueueingLimiter
from ava.net.limits import ALWAYS, TRAVEL_S, Gate, gate, longest, shared_out, tightened
from ava.net.spec import Limit, Priority, Rate, Window
from ava.redis import RETRY_S, RedisLink, Script

ON_WAY_S = 5.0  # a call of a provider has arrived by then, if its process cannot tell any more
HICCUP_S = 4 * RETRY_S  # a silence of Redis that is waited out
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
        on_way_s: float = 0.0,
        namespace: str = "ava",
    ) -> None:
        super().__init__(name, clock=clock)
        gate(limits)  # checks them
        self._limits = tuple(limits)
        self._link = link
        self._lease = lease or Lease()
        self._share = share
        self._keys = _keys(f"{namespace}:limit:{{{name}}}", limits)
        # By then nothing that Redis, or another process, granted of late counts any more.
        self._memory_s = longest(limits) + (TRAVEL_S if on_way_s else 0.0)
        self._arguments = _arguments(limits, self._lease.use_within_s, on_way_s)
        self._tells_ends = on_way_s > 0 and any(isinstance(limit, Window) for limit in limits)
        self._epoch = ""
        self._held: list[str] = []  # permits of the lease, good until `_use_by`
        self._taken = ""  # the last of them that was used
        self._use_by = ALWAYS
        self._size = 1  # of the next lease
        self._free_at = ALWAYS
        self._late = 0
        self._alone: Gate | None = None  # this process's share, while Redis is away
        self._away_for_good_at = ALWAYS  # from when on callers are refused for the share's wait
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

    def begin(self) -> Ended:
        """Count the call just granted as on its way, and return whom to tell when it has ended."""
        if self._alone is not None:
            self._alone.begin()
            return self._alone.end
        return partial(self._end, self._taken)

    def pause(self, seconds: float) -> None:
        """Grant nobody for `seconds`, in any process: the others are told without waiting."""
        now = self._now()
        self._drop_lease()
        self._paused_until = max(self._paused_until, now + seconds)
        self._free_at = max(self._free_at, self._paused_until)
        if self._alone is not None:
            self._alone.hold(self._paused_until)
        self._send(self._tell(seconds))

    @property
    def _shared(self) -> bool:
        return self._alone is None

    def _take(self, now: float) -> bool:
        if self._alone is not None:
            taken = self._alone.take(now)
            self._alone_at = now if taken else self._alone_at
            return taken
        if not self._held or now > self._use_by:
            return False
        self._taken = self._held.pop()
        return True

    def _due(self, now: float, ahead: int) -> float:  # noqa: ARG002 - Redis knows who is ahead
        if self._alone is not None:  # Redis may be back, and grant sooner than the share
            return max(now, self._paused_until)
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
        self._drop_lease()
        self._held, self._use_by = granted, asked_at + self._lease.use_within_s
        if not granted:
            self._free_at = max(self._free_at, now + wait_s)
        self._watch_lateness(granted, now)
        return True

    def _wanted(self) -> int:
        """Return the size of the next lease: twice one that was used up, less one that was not."""
        left = len(self._held)
        self._size = max(1, self._size - left) if left else 2 * self._size
        self._size = min(self._lease.permits, max(self._size, len(self._line)))
        return self._size

    async def _ask(self, wanted: int, priority: int, hold_s: float) -> tuple[list[str], float]:
        """Return the permits granted, or none and how long to wait; hold everybody for `hold_s`."""
        arguments: tuple[int | str | bytes, ...] = (
            wanted,
            int(priority),
            self._epoch,
            uuid.uuid4().hex,  # another each time: a new memory must not look like the old one
            _micros(hold_s),
            _micros(self._memory_s + self._lease.use_within_s),
            *self._arguments,
        )
        answer = await self._link.run(_script("limits"), self._keys, *arguments)
        granted, wait, epoch, first = cast("tuple[int, int, bytes, int]", answer)
        self._epoch = epoch.decode()
        permits = [f"{self._epoch}:{first + number}" for number in range(granted)]
        return permits, int(wait) / _MICRO

    def _watch_lateness(self, granted: list[str], now: float) -> None:
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
        self._held = []
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
        self._alone.hold(max(now + self._memory_s, self._paused_until))
        self._away_for_good_at = now + HICCUP_S
        self._free_at = ALWAYS

    async def _may_go_alone(self) -> bool:
        """Say whether the share has a permit; if not, sleep until it has or Redis may be back."""
        if self._alone is None:
            return False
        now = self._now()
        if now >= self._alone.free_at:
            return True
        due = self._alone.due(now)
        if now >= self._away_for_good_at:
            self._refused += self._line.dismiss(due)
        await self._sleep_until(min(due, now + RETRY_S))
        return False

    def _debt_s(self, now: float) -> float:
        """Return how long nobody may pass for what this process used, or heard, alone."""
        return max(0.0, self._alone_at + self._memory_s - now, self._paused_until - now)

    def _drop_lease(self) -> None:
        """Throw away what is left of the lease; nobody will use it."""
        if self._held and self._tells_ends:
            self._send(self._tell_end("unused", self._held, self._now()))
        self._held = []

    def _end(self, permit: str, at: float) -> None:
        if self._tells_ends:
            self._send(self._tell_end("used", [permit], at))

    def _send(self, message: Coroutine[Any, Any, None]) -> None:
        """Let a message be sent without waiting for it."""
        task = asyncio.get_running_loop().create_task(message)
        self._messages.add(task)
        task.add_done_callback(self._messages.discard)

    async def _tell_end(self, what: str, permits: list[str], at: float) -> None:
        with suppress(SharedStoreDownError):  # then they count as on their way for longer
            if (early_s := at - self._now()) > 0:
                await self._clock.sleep(early_s)
            await self._link.run(_script("limits_end"), self._keys, what, *permits)

    async def _tell(self, seconds: float) -> None:
        try:
            await self._ask(0, Priority.INTERACTIVE, seconds)
        except SharedStoreDownError:
            return  # nobody is granted anything by a Redis that is away


@cache
def _script(name: str) -> Script:
    text = resources.files("ava.net").joinpath(f"{name}.lua").read_text(encoding="utf-8")
    return Script(text)


def _keys(base: str, limits: Sequence[Limit]) -> list[str]:
    """Return the key of the state and those of the windows; braces keep them on one server."""
    return [base, *(f"{base}:calls:{i}" for i in range(1, len(limits) + 1))]


def _arguments(limits: Sequence[Limit], use_within_s: float, on_way_s: float) -> tuple[bytes, ...]:
    """Return what the script is told of the limits, in whole microseconds, rounded to be safe.

    A window that keeps places until their calls have ended has room for late use already.
    """
    told: list[Any] = [_micros(on_way_s)]
    for plain in limits:
        roomy = isinstance(plain, Window) and on_way_s > 0
        limit = plain if roomy else tightened(plain, use_within_s)
        if isinstance(limit, Rate):
            interval = limit.per_s / limit.permits
            told += ["r", _micros(interval), math.floor((limit.burst - 1) * interval * _MICRO)]
        else:
            told += ["w", limit.permits, _micros(limit.per_s)]
    return tuple(str(value).encode() for value in told)  # once, not in each call


def _micros(seconds: float) -> int:
    return math.ceil(seconds * _MICRO)
