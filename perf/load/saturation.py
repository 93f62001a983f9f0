"""What had no room left in a run: generator, processors, event loop, pool, database.

Each is named from what was read meanwhile; where nothing was at its limit, nothing is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from perf.load.result import Result

FULL = 0.9  # of what there is
_LAG_S = 0.05  # a loop that wakes sleepers this late has no time left
_BUSY_S = 1.0  # the least stretch that a share of processor time is read over


@dataclass(frozen=True, slots=True)
class Strained:
    """A part of the system and the share of its limit that was used, 1 being all."""

    part: str
    share: float

    def __str__(self) -> str:
        return f"{self.part} ({self.share:.0%} of its limit)"


def strained(result: Result) -> list[Strained]:
    """Return the parts by the share of their limit that was used, the fullest first."""
    found = (*_generator(result), *_processes(result), *_told(result), *_postgres(result))
    return sorted(found, key=lambda one: -one.share)


def first_full(result: Result) -> str:
    """Say what saturated first."""
    full = [one for one in strained(result) if one.share >= FULL]
    return str(full[0]) if full else "nothing that is watched was at its limit"


def _generator(result: Result) -> Iterator[Strained]:
    shares = [one.busy for one in result.generator.workers if one.busy is not None]
    if shares:
        yield Strained("the generator's processor", max(shares))


def _processes(result: Result) -> Iterator[Strained]:
    """Hold the busiest stretch of each process against one core: a loop runs on no more."""
    for name in sorted({name for one in result.server for name in one.cpu_s}):
        read = [(one.at_s, one.cpu_s[name]) for one in result.server if name in one.cpu_s]
        shares = [
            (now - then) / (at_s - since_s)
            for (since_s, then), (at_s, now) in pairwise(read)
            if at_s - since_s >= _BUSY_S / 2
        ]
        if shares:
            yield Strained(f"the processor of {name}", max(shares))


def _told(result: Result) -> Iterator[Strained]:
    told = [one.told for one in result.server if one.told is not None]
    lags = [
        spread.mean_s
        for then, now in pairwise(told)
        if then.lag is not None and now.lag is not None
        for spread in [now.lag.since(then.lag)]
        if spread.mean_s is not None
    ]
    if lags:
        yield Strained("the event loop", max(lags) / _LAG_S)
    pools = [one.pool["saturation"] for one in told if "saturation" in one.pool]
    if pools:
        yield Strained("the connection pool", max(pools))


def _postgres(result: Result) -> Iterator[Strained]:
    """Hold the sessions that work against the cores there are for them."""
    active = [one.postgres["active"] for one in result.server if one.postgres is not None]
    if active:
        mean = sum(active) / len(active)  # the reader's own session is among them
        yield Strained("PostgreSQL", max(0.0, mean - 1) / (os.cpu_count() or 1))
