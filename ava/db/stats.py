"""The pool's condition as plain data, from the statistics psycopg_pool publishes.

The document read the pool's private fields, which say nothing of who waits and break with the next
release. What the public counters do not know is None here, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a round trip to the server works now; `reason` says why not."""

    ok: bool
    latency_s: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class PoolStats:
    """The pool at this moment, and its counts since it was opened.

    `in_use` are connections handed out or being made, `saturation` their share of the most there
    may be. `waiting` includes callers that have given up until a connection is next returned.
    `wait_mean_s` is over the requests that had to wait; None when none had to.
    """

    size: int
    max_size: int
    idle: int
    in_use: int
    waiting: int
    saturation: float
    requests: int
    requests_waited: int
    wait_mean_s: float | None
    errors: int
    connections_made: int
    connections_failed: int
    connections_lost: int


def summarise(raw: Mapping[str, int]) -> PoolStats:
    """Read what `get_stats()` of the pool returned; counters it never touched are absent there."""
    in_use = raw["pool_size"] - raw["pool_available"]
    waited = raw.get("requests_queued", 0)
    return PoolStats(
        size=raw["pool_size"],
        max_size=raw["pool_max"],
        idle=raw["pool_available"],
        in_use=in_use,
        waiting=raw["requests_waiting"],
        saturation=in_use / raw["pool_max"],
        requests=raw.get("requests_num", 0),
        requests_waited=waited,
        wait_mean_s=raw.get("requests_wait_ms", 0) / 1000 / waited if waited else None,
        errors=raw.get("requests_errors", 0),
        connections_made=raw.get("connections_num", 0),
        connections_failed=raw.get("connections_errors", 0),
        connections_lost=raw.get("connections_lost", 0) + raw.get("returns_bad", 0),
    )
