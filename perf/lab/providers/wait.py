"""How long an answer takes: always the same, or drawn from a lognormal distribution.

Latencies of services are skewed: most answers come soon, a few very late. A median and a 95th
percentile say how much, and a seed makes the draws repeat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

_Z95 = 1.6448536269514722  # the standard normal distribution's 95th percentile


@dataclass(frozen=True, slots=True)
class Latency:
    """Real seconds before an answer begins; without `p95_s` each takes `median_s`."""

    median_s: float = 0.0
    p95_s: float | None = None

    def __post_init__(self) -> None:
        if self.median_s < 0 or not (self.p95_s is None or self.p95_s >= self.median_s > 0):
            raise ValueError(f"not a latency: median {self.median_s} s, 95 % {self.p95_s} s")

    def draw(self, random: Random) -> float:
        """Return the next answer's seconds."""
        if self.p95_s is None:
            return self.median_s
        sigma = math.log(self.p95_s / self.median_s) / _Z95
        return self.median_s * math.exp(sigma * random.gauss(0.0, 1.0))
