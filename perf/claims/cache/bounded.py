"""Row K1: a cache that is bounded stays so, however many keys pass through it.

The premium scanner's cache of document 000.15, a dict that nothing leaves, beside the memory cache
with the bounds proposed there: 500 items, 300 seconds. Every key is new and every value its own, as
a scanner's are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ava.cache.memory import MemoryCache
from perf.claim import Body, Category, Plan, at_most, claim, exactly
from perf.claims.document.caching import SCANNER_TTL_S, SymbolCache
from perf.instruments import Count, Counted, Memory
from perf.lab.lab import Lab

ITEMS = 500
_STEPS = 10


def _scanned(number: int) -> list[dict[str, Any]]:
    """Return a scan's result for one symbol, as small as one can be."""
    return [{"symbol": f"S{number}", "premium": number / 100}]


def _bounded() -> MemoryCache[list[dict[str, Any]]]:
    return MemoryCache(max_items=ITEMS, ttl_s=SCANNER_TTL_S)


def _growth(keys: int, profiles: tuple[str, ...]) -> Callable[[Body], Body]:
    """Return the claim that memory stays, for that many keys."""
    return claim(
        id="K1.scanner.memory.n{keys}",
        rows=["K1"],
        title="After {keys:,} different keys the scanner's cache has grown by less than 5 MB",
        source="000.15; the bound in MB is a product target",
        category=Category.RESOURCES,
        target=at_most(5, "MB"),
        profiles=profiles,
        cases=[{"keys": keys}],
        deadline_s=120,
    )


@_growth(100_000, ("quick",))
@_growth(1_000_000, ("full",))
def scanner_memory(_lab: Lab, keys: int) -> Plan:
    """Put the keys into the bounded cache, then into the dict."""
    cache, unbounded = _bounded(), SymbolCache(time.monotonic)
    a_step = keys // _STEPS

    def ours(step: int) -> None:
        for number in range(step * a_step, (step + 1) * a_step):
            cache.put(f"S{number}_30", _scanned(number))

    def document(step: int) -> None:
        for number in range(step * a_step, (step + 1) * a_step):
            unbounded.set_cached_symbol(f"S{number}", 30, _scanned(number))

    return Memory(
        ours,
        steps=_STEPS,
        operations=a_step,
        before=document,
        check=lambda: cache.stats().evictions == keys - ITEMS,
        facts={
            "before": "a dict that nothing leaves (000.15)",
            "after": "the memory cache with 500 items and 300 s",
            "reading": "resident memory of the process, garbage collected first",
        },
    )


@claim(
    id="K1.scanner.items",
    rows=["K1"],
    title="The scanner's cache never holds more than 500 items",
    source="000.15",
    category=Category.RESOURCES,
    target=exactly(0, "items too many"),
)
def scanner_items(_lab: Lab) -> Plan:
    """Look at the size after each of twenty thousand new keys."""

    def count() -> Counted:
        cache = _bounded()
        most = 0
        for number in range(20_000):
            cache.put(f"S{number}_30", _scanned(number))
            most = max(most, len(cache))
        return Counted(max(0, most - ITEMS), {"most_items": most, "keys": 20_000})

    return Count(count, "items too many")
