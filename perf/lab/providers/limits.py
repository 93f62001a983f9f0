"""The limits of a provider, as it sees them: windows, token buckets, and credits of a period.

A window slides: it looks at the moments of the calls, not at a counter that starts anew each
minute. Times are seconds of the provider's own clock. A limit counts as well as it refuses:
`busiest` is the most calls that came within one period of it, the refused ones included, so that a
client's excess shows even where the provider would have let it pass.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

# Two clocks never agree to the last digit: a call that is due is not refused for a rounding error.
_ROUNDING_S = 1e-6


class Gauge(Protocol):
    """A limit on speed. `wait` asks, `take` spends, `arrive` only counts."""

    name: str
    busiest: int

    def arrive(self, now: float) -> None:
        """Note a call, whatever becomes of it."""
        ...

    def wait(self, now: float, slack_s: float) -> float:
        """Return the seconds until a call would pass: 0 when it may now."""
        ...

    def take(self, now: float) -> None:
        """Note a call that passed."""
        ...

    def clear(self) -> None:
        """Forget all calls."""
        ...


class _Arrivals:
    """The calls of the last `per_s`, and the most there ever were of them."""

    def __init__(self, name: str, per_s: float) -> None:
        self.name = name
        self.busiest = 0
        self._per_s = per_s
        self._arrived: deque[float] = deque()

    def arrive(self, now: float) -> None:
        """Note a call, whatever becomes of it."""
        while self._arrived and self._arrived[0] <= now - self._per_s:
            self._arrived.popleft()
        self._arrived.append(now)
        self.busiest = max(self.busiest, len(self._arrived))

    def clear(self) -> None:
        """Forget all calls."""
        self._arrived.clear()
        self.busiest = 0


class Window(_Arrivals):
    """At most `permits` calls in any window of `per_s` seconds."""

    def __init__(self, permits: int, per_s: float) -> None:
        super().__init__(f"{permits}/{per_s:g}s", per_s)
        self.permits, self.per_s = permits, per_s
        self._taken: deque[float] = deque()

    def wait(self, now: float, slack_s: float) -> float:
        """Return the seconds until fewer than `permits` calls lie in the window."""
        since = now - self.per_s + slack_s + _ROUNDING_S
        while self._taken and self._taken[0] <= since:
            self._taken.popleft()
        if len(self._taken) < self.permits:
            return 0.0
        return self._taken[-self.permits] - since

    def take(self, now: float) -> None:
        """Note a call that passed."""
        self._taken.append(now)

    def left(self) -> int:
        """Return how many more calls would pass, as of the last question."""
        return self.permits - len(self._taken)

    def clear(self) -> None:
        """Forget all calls."""
        super().clear()
        self._taken.clear()


class Bucket(_Arrivals):
    """A bucket of `size` calls that refills by `rate` a second."""

    def __init__(self, rate: float, size: float) -> None:
        super().__init__(f"{rate:g}/s burst {size:g}", 1.0)
        self._rate, self._size = rate, size
        self._level, self._seen = size, float("-inf")

    def wait(self, now: float, slack_s: float) -> float:
        """Return the seconds until there is one call in the bucket."""
        since = max(0.0, now - self._seen)
        self._level = min(self._size, self._level + since * self._rate)
        self._seen = now
        lacking = 1.0 - self._level - (slack_s + _ROUNDING_S) * self._rate
        return max(0.0, lacking / self._rate)

    def take(self, _now: float) -> None:
        """Note a call that passed."""
        self._level -= 1.0

    def clear(self) -> None:
        """Forget all calls."""
        super().clear()
        self._level, self._seen = self._size, float("-inf")


class Credits:
    """At most `limit` credits a "day" or "month" in `zone`; the last call may overdraw."""

    def __init__(self, limit: int, period: str, zone: str = "UTC") -> None:
        self.limit, self.total = limit, 0
        self._zone = ZoneInfo(zone)
        self._form = {"day": "%Y-%m-%d", "month": "%Y-%m"}[period]
        self._used = 0
        self._period = ""

    def used(self, now: float) -> int:
        """Return the credits used in the period that `now` lies in."""
        period = datetime.fromtimestamp(now, UTC).astimezone(self._zone).strftime(self._form)
        if period != self._period:
            self._period, self._used = period, 0
        return self._used

    def left(self, now: float) -> int:
        """Return the credits left, below zero when overdrawn."""
        return self.limit - self.used(now)

    def spend(self, cost: int, now: float) -> None:
        """Take `cost` credits."""
        self._used = self.used(now) + cost
        self.total += cost

    def clear(self) -> None:
        """Begin a period anew."""
        self._used = self.total = 0
