"""Which keys are asked for most, lately: what to warm first.

Counts fade with a half-life, so yesterday's favourite makes room for today's. Instead of shrinking
every count as time passes, each new request weighs more than the one before (forward decay; Cormode
et al., 2009), and only the ratio matters. Memory is bounded: at twice its capacity the less popular
half is forgotten, so a key asked for once in a crowd of others is lost, which is what it is for.
"""

from __future__ import annotations

from heapq import nlargest

from ava.clock import Clock, SystemClock

_RESCALE = 2.0**60  # weights beyond this are scaled down long before floats lose whole requests


class Popularity:
    """Fading counts of requests by key."""

    def __init__(
        self, *, capacity: int = 1000, half_life_s: float = 3600.0, clock: Clock | None = None
    ) -> None:
        if capacity < 1 or half_life_s <= 0:
            raise ValueError(f"capacity {capacity} and half-life {half_life_s} s must be above 0")
        self._capacity = capacity
        self._half_life_s = half_life_s
        self._now = (clock or SystemClock()).monotonic
        self._origin_s = self._now()
        self._weights: dict[str, float] = {}

    def saw(self, key: str) -> None:
        """Count one request."""
        weight = self._unit()
        self._weights[key] = self._weights.get(key, 0.0) + weight
        if len(self._weights) >= 2 * self._capacity:
            self._weights = dict(self._heaviest(self._capacity))
        if weight > _RESCALE:
            self._rescale(weight)

    def top(self, n: int) -> list[tuple[str, float]]:
        """Return up to `n` keys and their faded counts, the most popular first."""
        unit = self._unit()
        return [(key, weight / unit) for key, weight in self._heaviest(n)]

    def __len__(self) -> int:
        return len(self._weights)

    def _unit(self) -> float:
        """Return what a request of this moment weighs."""
        # A silence of a thousand half-lives would overflow; after it nothing old matters anyway.
        return float(2.0 ** min(1000.0, (self._now() - self._origin_s) / self._half_life_s))

    def _heaviest(self, n: int) -> list[tuple[str, float]]:
        return nlargest(n, self._weights.items(), key=lambda item: item[1])

    def _rescale(self, unit: float) -> None:
        self._weights = {key: weight / unit for key, weight in self._weights.items()}
        self._origin_s = self._now()
