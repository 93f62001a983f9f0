"""Leave a provider alone that keeps failing, and try carefully whether it is back.

CLOSED lets all through and counts failures in a row. OPEN lets nobody through for `recovery_s`.
HALF_OPEN lets exactly one probe through at a time; after `successes` of them the breaker closes,
and one that fails opens it again. A permit names the state's turn it was given in: a result that
comes in a later turn (a call started before the breaker opened) is no news and changes nothing. A
probe that is cancelled has shown nothing and gives its place to the next.

Every `enter` must be followed by one `leave`, whatever happens; `call` sees to that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ParamSpec, TypeVar

from ava.clock import Clock, SystemClock
from ava.errors import (
    BadDataError,
    CircuitOpenError,
    DeadlineError,
    OutageError,
    ProviderError,
    QuotaExhaustedError,
    RateLimitedError,
)
from ava.net.spec import BreakerRule

P = ParamSpec("P")
T = TypeVar("T")


class BreakerState(StrEnum):
    """The three states; the value is what a dashboard shows."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


_CLOSED = BreakerState.CLOSED  # looking a member up in its enum takes as long as a call
_LIMITS = RateLimitedError | QuotaExhaustedError | CircuitOpenError | DeadlineError


@dataclass(frozen=True, slots=True)
class BreakerStats:
    """The state, and counts since the start.

    `opened` counts how often the breaker opened, `rejected` the calls that were not let through,
    `failures` those in a row of the moment; `in_state_s` is how long the state has lasted.
    """

    state: BreakerState
    opened: int
    rejected: int
    failures: int
    in_state_s: float


def judge(error: Exception) -> bool | None:
    """Say what an error shows of a provider: False a failure, True an answer, None neither.

    A failure is to be out of reach or to answer rubbish. A refusal of what was asked (no such
    symbol, no such right) is a sound provider's. "Too fast" and "spent" are for the limiter and the
    quota to heed; they prove no recovery, so a probe that ends so is repeated. What ended on our
    side proves nothing.
    """
    if isinstance(error, OutageError | BadDataError) or not isinstance(error, ProviderError):
        return False
    return None if isinstance(error, _LIMITS) else True


class Breaker:
    """The breaker of one provider."""

    __slots__ = (
        "_changed_at",
        "_failures",
        "_now",
        "_opened",
        "_probing",
        "_rejected",
        "_rule",
        "_state",
        "_successes",
        "_turn",
        "name",
    )

    def __init__(self, name: str, rule: BreakerRule, *, clock: Clock | None = None) -> None:
        if rule.failures < 1 or rule.successes < 1 or rule.recovery_s < 0:
            raise ValueError(f"a breaker counts from one and waits no negative time: {rule}")
        self.name = name
        self._rule = rule
        self._now = (clock or SystemClock()).monotonic
        self._state = _CLOSED
        self._turn = 0  # changes with the state, and with each probe
        self._failures = 0
        self._successes = 0
        self._probing = False
        self._opened = 0
        self._rejected = 0
        self._changed_at = self._now()

    @property
    def state(self) -> BreakerState:
        """The state; OPEN becomes HALF_OPEN with the first call after the recovery time."""
        return self._state

    def enter(self) -> int:
        """Return a permit for one call; raise CircuitOpenError when none is to be made."""
        return self._turn if self._state is _CLOSED else self._probe()

    def leave(self, permit: int, ok: bool | None) -> None:  # noqa: FBT001 - the result itself
        """Report a call: True it was answered, False it failed, None it showed nothing."""
        if permit != self._turn:
            return
        if self._state is _CLOSED:
            if ok:
                self._failures = 0
            elif ok is False:
                self._fail()
        elif self._probing:
            self._end_probe(ok)

    async def call(self, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `fn` returns, judging its errors by `judge`; raise CircuitOpenError."""
        # `enter` and `leave` in line, for the closed breaker: nearly every call there is.
        permit = self._turn if self._state is _CLOSED else self._probe()
        try:
            result = await fn(*args, **kwargs)
        except Exception as error:
            self.leave(permit, judge(error))
            raise
        except BaseException:
            self.leave(permit, ok=None)
            raise
        if permit == self._turn and self._state is _CLOSED:
            self._failures = 0
        else:
            self.leave(permit, ok=True)
        return result

    def stats(self) -> BreakerStats:
        """Return the state and counts of the moment."""
        return BreakerStats(
            state=self._state,
            opened=self._opened,
            rejected=self._rejected,
            failures=self._failures,
            in_state_s=self._now() - self._changed_at,
        )

    def _probe(self) -> int:
        """Give the one place of a probe, or reject the call."""
        left_s = 0.0
        if self._state is BreakerState.OPEN:
            left_s = self._changed_at + self._rule.recovery_s - self._now()
            if left_s <= 0:
                self._become(BreakerState.HALF_OPEN)
                self._successes = 0
        if left_s > 0 or self._probing:
            self._rejected += 1
            raise CircuitOpenError(
                f"{self.name} failed {self._failures} times in a row and was not asked; "
                f"it is tried {f'in {left_s:.1f} s' if left_s > 0 else 'at this moment'}",
                provider=self.name,
                retry_after_s=max(0.0, left_s),
            )
        self._probing = True
        self._turn += 1
        return self._turn

    def _end_probe(self, ok: bool | None) -> None:  # noqa: FBT001 - the result itself
        self._probing = False
        self._turn += 1
        if ok:
            self._successes += 1
            if self._successes >= self._rule.successes:
                self._failures = 0
                self._become(BreakerState.CLOSED)
        elif ok is False:
            self._failures += 1
            self._open()

    def _fail(self) -> None:
        self._failures += 1
        if self._failures >= self._rule.failures:
            self._open()

    def _open(self) -> None:
        self._opened += 1
        self._become(BreakerState.OPEN)

    def _become(self, state: BreakerState) -> None:
        self._state = state
        self._changed_at = self._now()
        self._turn += 1
