"""When the next call may be made: limits as plain state, without waiting and without a clock.

A gate knows one number that matters, `free_at`: nobody passes before it. So the usual question
costs one comparison, however many limits stand behind it, and "nobody until then" (a provider said
"too fast") is the same number moved. `RateGate` is GCRA: it keeps the time at which the limit would
be fully recovered, not a balance that has to be topped up. `WindowGate` keeps the exact times of
the last calls. Times are seconds of any clock that does not go back; a gate is changed in place.

A provider counts when a call arrives, which is somewhere between its grant and its answer. So a
call that takes time keeps its place in a window from `begin` to `end`, and for one window more: who
passes then arrives a window after it, however long either travelled. The price is that a window
comes round after its length and an answer. A rate is no strict promise, and counts grants.

Refused here: reservations. A permit is stamped when it is taken, so a caller who waits and leaves
takes nothing, and a bound holds for calls really made.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from ava.net.spec import Limit, Rate, Window

ALWAYS, NEVER = -math.inf, math.inf
TRAVEL_S = 0.2  # allowed for a call on its way where no answer tells that it has arrived


class Gate(Protocol):
    """Something one passes at most so often."""

    free_at: float

    def take(self, now: float) -> bool:
        """Pass at `now` and return True, or change nothing and return False."""
        ...

    def begin(self) -> None:
        """Count the call that passed last as on its way until it ends."""
        ...

    def end(self, at: float) -> None:
        """Count one that was on its way as made at `at`, by when it has arrived."""
        ...

    def due(self, now: float, ahead: int = 0) -> float:
        """Return the earliest time for a caller who lets `ahead` others pass first."""
        ...

    def hold(self, until: float) -> None:
        """Let nobody pass before `until`."""
        ...


class _Momentary:
    """What a gate does to which it makes no difference how long a call is on its way: nothing."""

    __slots__ = ()

    def begin(self) -> None:
        """Know already that the call was made."""

    def end(self, at: float) -> None:
        """Know already that the call was made."""


class OpenGate(_Momentary):
    """No limit, except to be held."""

    __slots__ = ("free_at",)

    def __init__(self) -> None:
        self.free_at = ALWAYS

    def take(self, now: float) -> bool:
        """Pass unless held."""
        return now >= self.free_at

    def due(self, now: float, ahead: int = 0) -> float:  # noqa: ARG002 - nobody is in the way
        """Return now, or the end of the hold."""
        return max(now, self.free_at)

    def hold(self, until: float) -> None:
        """Let nobody pass before `until`."""
        self.free_at = max(self.free_at, until)


class RateGate(_Momentary):
    """GCRA: in any window of `per_s` at most `permits + burst` pass."""

    __slots__ = ("_interval", "_recovered_at", "_tolerance", "free_at")

    def __init__(self, limit: Rate) -> None:
        if not (limit.permits > 0 and limit.per_s > 0 and limit.burst >= 1):
            raise ValueError(f"a rate needs permits, seconds and a burst of at least 1: {limit}")
        self.free_at = ALWAYS
        self._interval = limit.per_s / limit.permits
        self._tolerance = (limit.burst - 1) * self._interval
        self._recovered_at = ALWAYS

    def take(self, now: float) -> bool:
        """Pass if the debt leaves room for one more."""
        if now < self.free_at:
            return False
        recovered = self._recovered_at
        since = recovered if recovered > now else now  # noqa: FURB136 - max() is a call
        self._recovered_at = recovered = since + self._interval
        self.free_at = recovered - self._tolerance
        return True

    def due(self, now: float, ahead: int = 0) -> float:
        """Return when the debt of `ahead` more has shrunk enough."""
        start = max(now, self.free_at)
        recovered = max(self._recovered_at, start) + ahead * self._interval
        return max(start, recovered - self._tolerance)

    def hold(self, until: float) -> None:
        """Let nobody pass before `until`, and then start without a burst."""
        self._recovered_at = max(self._recovered_at, until + self._tolerance)
        self.free_at = max(self.free_at, until)


class WindowGate:
    """An exact log: in any window of `per_s` never more than `permits` pass, nor arrive.

    Of the calls that arrive in a window, look at the one that passed last: each of the others was
    on its way by then, or had ended within the window, and was counted either way.
    """

    __slots__ = ("_held", "_on_way", "_per_s", "_permits", "_stamps", "free_at")

    def __init__(self, limit: Window) -> None:
        if limit.permits < 1 or limit.per_s <= 0:
            raise ValueError(f"a window needs at least one permit and some seconds: {limit}")
        self.free_at = self._held = ALWAYS
        self._per_s = limit.per_s
        self._permits = limit.permits
        self._stamps: deque[float] = deque(maxlen=limit.permits)
        self._on_way = 0

    def take(self, now: float) -> bool:
        """Pass if enough of the calls before have left the window."""
        if now < self.free_at:
            return False
        stamps = self._stamps
        # One that was lost may be counted a little later than now; the log stays in order.
        late = stamps and now < stamps[-1]
        stamps.append(stamps[-1] if late else now)  # as long as the limit: the oldest leaves
        self._reckon()
        return True

    def begin(self) -> None:
        """Count the call that passed last as on its way until it ends."""
        self._stamps.pop()
        self._on_way += 1
        self._reckon()

    def end(self, at: float) -> None:
        """Count one that was on its way as made at `at`, by when it has arrived."""
        self._on_way -= 1
        if self._stamps and at < self._stamps[-1]:  # it never left, and others have passed since
            self._stamps = deque(sorted((*self._stamps, at)), maxlen=self._permits)
        else:
            self._stamps.append(at)
        self._reckon()

    def due(self, now: float, ahead: int = 0) -> float:
        """Return when the call in the way of the caller after `ahead` others leaves the window.

        One on its way ends now at the earliest. Of more callers than permits, each waits a window
        after the one a full set before.
        """
        start, (windows, place) = max(now, self._held), divmod(ahead, self._permits)
        leaving = place + self._on_way + len(self._stamps) - self._permits
        if leaving >= 0:
            stamp = self._stamps[leaving] if leaving < len(self._stamps) else now
            start = max(start, stamp + self._per_s)
        return start + windows * self._per_s

    def hold(self, until: float) -> None:
        """Let nobody pass before `until`."""
        self._held = max(self._held, until)
        self.free_at = max(self.free_at, until)

    def _reckon(self) -> None:
        """Find the stamp that must leave before the next call may pass, if any."""
        leaving = self._on_way + len(self._stamps) - self._permits
        if leaving >= 0:
            known = leaving < len(self._stamps)
            free_at = self._stamps[leaving] + self._per_s if known else NEVER
            self.free_at = free_at if free_at > self._held else self._held  # noqa: FURB136 - max() is a call


class JointGate:
    """Several limits on the same calls: all let one pass, or none counts it."""

    __slots__ = ("_gates", "free_at")

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._gates = tuple(gates)
        self.free_at = ALWAYS

    def take(self, now: float) -> bool:
        """Pass every limit at once."""
        if now < self.free_at:
            return False
        for gate in self._gates:
            gate.take(now)
        self._reckon()
        return True

    def begin(self) -> None:
        """Begin at every limit."""
        for gate in self._gates:
            gate.begin()
        self._reckon()

    def end(self, at: float) -> None:
        """End at every limit."""
        for gate in self._gates:
            gate.end(at)
        self._reckon()

    def due(self, now: float, ahead: int = 0) -> float:
        """Return the latest of the limits' times: a lower bound, exact for nobody ahead."""
        return max(gate.due(now, ahead) for gate in self._gates)

    def hold(self, until: float) -> None:
        """Hold every limit."""
        for gate in self._gates:
            gate.hold(until)
        self._reckon()

    def _reckon(self) -> None:
        self.free_at = max(gate.free_at for gate in self._gates)


def gate(limits: Sequence[Limit]) -> Gate:
    """Return the gate of all `limits` together; raise ValueError for one that admits nobody."""
    gates = [_single(limit) for limit in limits]
    if not gates:
        return OpenGate()
    return gates[0] if len(gates) == 1 else JointGate(gates)


def _single(limit: Limit) -> Gate:
    return RateGate(limit) if isinstance(limit, Rate) else WindowGate(limit)


def longest(limits: Sequence[Limit]) -> float:
    """Return the seconds after which no grant of before counts for any limit."""
    return max((limit.per_s for limit in limits), default=0.0)


def tightened(limit: Limit, use_within_s: float) -> Limit:
    """Return the limit to grant by, so that `limit` holds when permits are used a little later.

    A permit granted at t is used somewhere in [t, t + use_within_s]. What is used in a window of
    `per_s` was therefore granted in one of `per_s + use_within_s`, and that is what gets bounded.
    """
    if isinstance(limit, Window):
        return Window(limit.permits, limit.per_s + use_within_s)
    interval = limit.per_s / limit.permits
    most = math.floor(limit.permits + limit.burst)
    burst = min(limit.burst, most + 1 - limit.permits - use_within_s / interval)
    if burst >= 1:
        return Rate(limit.permits, limit.per_s, burst)
    # The burst alone does not make room: grants must also be further apart.
    slower = (limit.per_s + use_within_s) / most
    return Rate(limit.per_s / max(interval, slower), limit.per_s, 1.0)


def shared_out(limit: Limit, share: float) -> Limit | None:
    """Return the part of `limit` for one of 1/share processes, None if it is less than one call.

    The parts together stay within what `limit` promises, whoever of them calls when.
    """
    if share >= 1:
        return limit
    if isinstance(limit, Window):
        permits = math.floor(limit.permits * share + 1e-9)
        return Window(permits, limit.per_s) if permits >= 1 else None
    most = math.floor((limit.permits + limit.burst) * share + 1e-9)
    if most < 1:
        return None
    burst = max(1.0, math.floor(limit.burst * share))
    return Rate(min(limit.permits * share, most + 1 - burst), limit.per_s, burst)
