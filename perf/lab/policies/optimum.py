"""The most hits any policy could have: evict what is asked for again the latest.

Belady's rule, which knows the future. A key may also not be taken in at all, so that no policy
with an admission rule can be better.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from heapq import heappop, heappush


def optimum(keys: Sequence[Hashable], capacity: int) -> int:
    """Return the number of hits with room for `capacity` keys, at least one."""
    upcoming = _next_requests(keys)
    held: dict[Hashable, int] = {}  # key -> its next request
    latest: list[tuple[int, int, Hashable]] = []
    hits = 0
    for at, key in enumerate(keys):
        hits += key in held
        held[key] = upcoming[at]
        heappush(latest, (-upcoming[at], at, key))
        if len(held) > capacity:
            _evict(held, latest)
    return hits


def _next_requests(keys: Sequence[Hashable]) -> list[int]:
    """Return for each request when its key is next asked for; past the end when never."""
    upcoming = [0] * len(keys)
    seen: dict[Hashable, int] = {}
    for at in range(len(keys) - 1, -1, -1):
        upcoming[at] = seen.get(keys[at], len(keys))
        seen[keys[at]] = at
    return upcoming


def _evict(held: dict[Hashable, int], latest: list[tuple[int, int, Hashable]]) -> None:
    """Drop the key with the latest next request, passing over what is no longer true."""
    while True:
        when, _, key = heappop(latest)
        if held.get(key) == -when:
            del held[key]
            return
