"""Fetch ahead what will be asked for: what is popular, in time, and what comes next, at once.

Rounds over the most popular keys come at three moments: in quiet times; shortly before the market
opens, for what does not depend on prices; and just after, when everything kept over night has ended
and the first user would wait. Between rounds, keys that a model expects next are fetched.

Warming never competes: it keeps a rate of its own, takes one key at a time in each of the two
loops, stops where the calls left are needed by people, and pauses when a provider is in trouble.
The fetch it is given must ask with background priority and through the cache. It fetches nothing
that is held already, and it refuses to guess keys nobody asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import log

from ava.cache.next_key import NextKeys
from ava.cache.popularity import Popularity
from ava.cache.sessions import Sessions, new_york
from ava.clock import Clock, SystemClock
from ava.errors import AvaError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WarmingRule:
    """How much is warmed, and when; times in seconds.

    Each round takes the `top` keys. Rounds off-peak are `every_s` apart, while the rate of requests
    is at most `quiet` of the day's peak; those around the opening lie within `lead_s` of it. At
    most `per_s` fetches start a second. `reserve` calls are left to people. After a failure nothing
    is fetched for `pause_s`. A suggestion older than `stale_s` is dropped.
    """

    top: int = 100
    per_s: float = 2.0
    every_s: float = 900.0
    lead_s: float = 300.0
    quiet: float = 0.25
    reserve: int = 0
    pause_s: float = 60.0
    stale_s: float = 5.0
    tick_s: float = 15.0


class Moment(StrEnum):
    """Why a round is due."""

    BEFORE_OPENING = "before opening"
    AT_OPENING = "at opening"
    OFF_PEAK = "off-peak"


@dataclass(frozen=True, slots=True)
class WarmingStats:
    """What was done so far; `dropped` are suggestions that came too late or were too many."""

    rounds: int = 0
    fetched: int = 0
    failures: int = 0
    dropped: int = 0


class Traffic:
    """The rate of requests, and the highest it was lately."""

    def __init__(
        self, now_s: float, *, half_life_s: float = 300.0, day_s: float = 43_200.0
    ) -> None:
        self._seen_s = now_s
        self._half_life_s, self._day_s = half_life_s, day_s
        self._rate = self._peak = 0.0

    def saw(self, now_s: float) -> None:
        """Count one request."""
        self._fade(now_s)
        self._rate += log(2) / self._half_life_s
        self._peak = max(self._peak, self._rate)

    def is_quiet(self, now_s: float, share: float) -> bool:
        """Say whether the rate is at most `share` of its peak."""
        self._fade(now_s)
        return self._rate <= share * self._peak

    def _fade(self, now_s: float) -> None:
        elapsed_s = now_s - self._seen_s
        self._rate *= 2.0 ** (-elapsed_s / self._half_life_s)
        self._peak *= 2.0 ** (-elapsed_s / self._day_s)
        self._seen_s = now_s


def due(
    rule: WarmingRule, now: datetime, last: datetime | None, sessions: Sessions, *, quiet: bool
) -> Moment | None:
    """Return why a round is due now, the last one having begun at `last`; None when none is."""
    lead = timedelta(seconds=rule.lead_s)
    opened = sessions.next_open(now - lead)
    if opened is not None and opened <= now and (last is None or last < opened):
        return Moment.AT_OPENING
    opens = sessions.next_open(now)
    if opens is not None and now >= opens - lead and (last is None or last < opens - lead):
        return Moment.BEFORE_OPENING
    if quiet and (last is None or now - last >= timedelta(seconds=rule.every_s)):
        return Moment.OFF_PEAK
    return None


async def unlimited() -> None:
    """Know of no limit to the calls."""


class Warmer:
    """Watch what is asked for, and fetch ahead while `run` runs.

    `fetch` gets a key's value into the cache, with background priority. `held` says whether a fresh
    value is there. `left` tells the calls that remain, None where they are not counted.
    """

    def __init__(  # noqa: PLR0913 - each is a seam of its own
        self,
        fetch: Callable[[str], Awaitable[object]],
        held: Callable[[str], bool],
        *,
        popularity: Popularity | None = None,
        next_keys: NextKeys | None = None,
        sessions: Sessions | None = None,
        left: Callable[[], Awaitable[int | None]] = unlimited,
        rule: WarmingRule | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._fetch, self._held, self._left = fetch, held, left
        self._clock = clock or SystemClock()
        self._rule = rule or WarmingRule()
        self._popularity = Popularity(clock=self._clock) if popularity is None else popularity
        self._next_keys = next_keys
        self._sessions = sessions or new_york()
        self._traffic = Traffic(self._clock.monotonic())
        # What cannot be fetched before it is stale need not wait.
        self._expected: deque[tuple[float, str]] = deque(
            maxlen=max(1, int(self._rule.per_s * self._rule.stale_s))
        )
        self._wake = asyncio.Event()
        self._next_at_s = self._clock.monotonic()
        self._paused_until_s = self._next_at_s
        self._last_round: datetime | None = None
        self._rounds = self._fetched = self._failures = self._dropped = 0

    def saw(self, key: str, stream: str = "") -> None:
        """Take note that a person (`stream`) asked for a key; costs microseconds, never waits."""
        now_s = self._clock.monotonic()
        self._traffic.saw(now_s)
        self._popularity.saw(key)
        if self._next_keys is None:
            return
        for expected in self._next_keys.saw(key, self._held, stream):
            self._dropped += len(self._expected) == self._expected.maxlen
            self._expected.append((now_s, expected))
            self._wake.set()

    async def run(self) -> None:
        """Warm until cancelled; failures of providers and stores are counted and waited out."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_rounds())
            tasks.create_task(self._follow())

    def stats(self) -> WarmingStats:
        """Return what was done so far."""
        return WarmingStats(self._rounds, self._fetched, self._failures, self._dropped)

    async def _keep_rounds(self) -> None:
        while True:
            await self.round_if_due()
            await self._clock.sleep(self._rule.tick_s)

    async def round_if_due(self) -> Moment | None:
        """Warm the most popular keys if it is the moment to; return which moment it was."""
        now = self._clock.now()
        quiet = self._traffic.is_quiet(self._clock.monotonic(), self._rule.quiet)
        moment = due(self._rule, now, self._last_round, self._sessions, quiet=quiet)
        if moment is not None:
            self._last_round = now
            self._rounds += 1
            fetched = await self._warm(key for key, _ in self._popularity.top(self._rule.top))
            _log.info("warmed %d popular keys: %s", fetched, moment)
        return moment

    async def _follow(self) -> None:
        """Fetch expected keys as they come, oldest first."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._expected:
                since_s, key = self._expected.popleft()
                if self._clock.monotonic() - since_s > self._rule.stale_s:
                    self._dropped += 1
                else:
                    await self._warm([key])

    async def _warm(self, keys: Iterable[str]) -> int:
        """Fetch what is not held until something speaks against more; return how many."""
        fetched = 0
        for key in keys:
            if self._held(key):
                continue
            await self._turn()
            if self._clock.monotonic() < self._paused_until_s or not await self._try(key):
                break
            fetched += 1
        return fetched

    async def _try(self, key: str) -> bool:
        try:
            left = await self._left()
            if left is not None and left <= self._rule.reserve:
                return False
            await self._fetch(key)
        except AvaError as error:
            self._failures += 1
            self._paused_until_s = self._clock.monotonic() + self._rule.pause_s
            _log.warning("warming pauses: %s", type(error).__name__)
            return False
        self._fetched += 1
        return True

    async def _turn(self) -> None:
        """Wait until the rate allows one more fetch."""
        now_s = self._clock.monotonic()
        mine_s = max(now_s, self._next_at_s)
        self._next_at_s = mine_s + 1 / self._rule.per_s
        if mine_s > now_s:
            await self._clock.sleep(mine_s - now_s)
