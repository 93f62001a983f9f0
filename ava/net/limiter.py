"""The speed limits of a provider, within one process.

`acquire` returns when a call may be made. A permit is counted at the moment it is taken, by the
caller that goes on to use it; callers who wait hold nothing, so one that is cancelled gives its
place back by being gone. Without contention no task and no future is made: `acquire` is a clock
reading and one comparison. With contention one task offers turns in order (see `ava.net.line`).

A deadline is refused at once when the wait is known to pass it, and later as soon as it becomes
known. Who only acquires has its permit counted when it is granted. A provider counts when a call
arrives, so who calls one tells the limiter when it begins and ends, and strict windows then hold
where calls arrive, however long they travel (see `ava.net.limits`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ava.clock import Clock, SystemClock
from ava.net.limits import gate
from ava.net.line import Line, Waiter
from ava.net.spec import Limit, Priority

# Told the moment by which a call has arrived, as far as is known, or never will.
Ended = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class LimiterStats:
    """Counts since the start: `delayed` of those `granted` had to wait, `waited_s` in all.

    `refused` were failed for their deadline; `waiting` is the number of the moment, as is
    `paused_s`, the seconds of a pause still to come. `shared` says whether other processes are
    counted in as well.
    """

    granted: int
    delayed: int
    waited_s: float
    refused: int
    waiting: int
    paused_s: float
    shared: bool


class Limiter(Protocol):
    """Something that knows when the next call may be made."""

    async def acquire(
        self, *, priority: Priority = Priority.INTERACTIVE, deadline: float | None = None
    ) -> None:
        """Return when a call may be made; raise DeadlineError when that is after `deadline`.

        `deadline` is in seconds of the clock's `monotonic`. The error comes as soon as it is known,
        and whoever gets it, or is cancelled, has used nothing up.
        """
        ...

    def begin(self) -> Ended:
        """Count the call just granted as on its way, and return whom to tell when it has ended.

        Nothing may be awaited between the grant and this.
        """
        ...

    def pause(self, seconds: float) -> None:
        """Grant nobody for `seconds`: the provider said "too fast"."""
        ...

    def stats(self) -> LimiterStats:
        """Return the counts of the moment."""
        ...


class QueueingLimiter(ABC):
    """What limiters share: the line, and the task that gives turns while somebody waits."""

    def __init__(self, name: str, *, clock: Clock | None = None) -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._now = self._clock.monotonic
        self._line = Line(name)
        self._turns: asyncio.Task[None] | None = None  # runs while somebody waits
        self._idle = False  # whether that task only sleeps, so that it may be ended
        self._offered: Waiter | None = None
        self._turn_over = asyncio.Event()
        self._granted = 0
        self._delayed = 0
        self._waited_s = 0.0
        self._refused = 0
        self._paused_until = 0.0

    def stats(self) -> LimiterStats:
        """Return the counts of the moment."""
        return LimiterStats(
            granted=self._granted,
            delayed=self._delayed,
            waited_s=self._waited_s,
            refused=self._refused,
            waiting=len(self._line),
            paused_s=max(0.0, self._paused_until - self._now()),
            shared=self._shared,
        )

    @property
    def _shared(self) -> bool:
        return False

    @abstractmethod
    def _take(self, now: float) -> bool:
        """Take a permit that is there, or return False."""

    @abstractmethod
    def _due(self, now: float, ahead: int) -> float:
        """Return the earliest known time for a caller with `ahead` others before it."""

    @abstractmethod
    async def _until_ready(self) -> None:
        """Return when a permit can be taken, or nobody waits any more."""

    async def _queue(self, priority: Priority, deadline: float | None) -> None:
        """Wait for a turn and take the permit; leave no trace otherwise."""
        joined = self._now()
        if deadline is not None and deadline < self._due(joined, self._line.ahead(priority)):
            self._refused += 1
            raise self._line.too_late()
        waiter = Waiter(priority, deadline)
        self._line.join(waiter)
        self._start()
        try:
            await self._turn(waiter)
        finally:
            self._leave(waiter)
        self._granted += 1
        self._delayed += 1
        self._waited_s += self._now() - joined

    async def _turn(self, waiter: Waiter) -> None:
        await waiter.turn
        while not self._take(self._now()):
            # A pause, or a lease that ran out, came between the offer and this line.
            self._line.rejoin(waiter)
            self._end_turn(waiter)
            await waiter.turn

    def _leave(self, waiter: Waiter) -> None:
        self._line.leave(waiter)
        self._end_turn(waiter)
        if self._idle and not self._line and self._turns is not None:
            self._turns.cancel()
            self._turns = None
            self._idle = False

    def _end_turn(self, waiter: Waiter) -> None:
        if waiter is self._offered:
            self._offered = None
            self._turn_over.set()
            if not self._line:
                self._turns = None  # it ends by itself, and the next caller need not wait for that

    def _start(self) -> None:
        if self._turns is None:
            self._turns = asyncio.create_task(self._give_turns(), name=f"limiter of {self.name}")

    async def _give_turns(self) -> None:
        """Offer turns one at a time until the line is empty."""
        try:
            while self._line and self._turns is asyncio.current_task():
                await self._until_ready()
                self._turn_over.clear()
                self._offered = self._line.call()
                if self._offered is not None:
                    await self._turn_over.wait()
        except asyncio.CancelledError:
            if self._turns is asyncio.current_task():  # not ended by us: the loop is closing
                self._line.disperse(None)
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait, whatever it is
            self._line.disperse(error)
        finally:
            if self._turns is asyncio.current_task():
                self._turns = None

    async def _sleep_until(self, moment: float) -> None:
        """Sleep, after failing those who cannot wait that long."""
        self._refused += self._line.dismiss(moment)
        if self._line:
            self._idle = True
            try:
                await self._clock.sleep(moment - self._now())
            finally:
                if self._turns is asyncio.current_task():
                    self._idle = False


class LocalLimiter(QueueingLimiter):
    """Hold `limits`, all of them at once, for the callers of this process.

    Raises ValueError for a limit that admits nobody.
    """

    def __init__(self, name: str, limits: Sequence[Limit], *, clock: Clock | None = None) -> None:
        super().__init__(name, clock=clock)
        self._gate = gate(limits)

    # Not keyword-only, as the protocol has them: the defaults of such cost a tenth of this call.
    async def acquire(
        self, priority: Priority = Priority.INTERACTIVE, deadline: float | None = None
    ) -> None:
        """Return when a call may be made; raise DeadlineError when that is after `deadline`."""
        now = self._clock.monotonic()  # a method's plain call: a bound one kept aside is slower
        in_time = deadline is None or now <= deadline
        if self._turns is None and in_time and self._gate.take(now):
            self._granted += 1
            return
        await self._queue(priority, deadline)

    def begin(self) -> Ended:
        """Count the call just granted as on its way, and return whom to tell when it has ended."""
        self._gate.begin()
        return self._gate.end

    def pause(self, seconds: float) -> None:
        """Grant nobody for `seconds`; a rate then starts again without its burst."""
        self._paused_until = max(self._paused_until, self._now() + seconds)
        self._gate.hold(self._paused_until)

    def _take(self, now: float) -> bool:
        return self._gate.take(now)

    def _due(self, now: float, ahead: int) -> float:
        return self._gate.due(now, ahead)

    async def _until_ready(self) -> None:
        while self._line and (now := self._now()) < self._gate.free_at:
            # Who waits for calls on their way looks again before one that ends now is a window old.
            await self._sleep_until(self._gate.due(now))
