"""Eviction policies by the book, to hold a cache's hit ratio against.

Each simulates one published policy on keys alone: no values, no expiry, every key of weight one. A
policy is asked for keys one after another and says which it held. They are written to be checked
against their papers, not to be fast, and none of them is part of a cache.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Protocol


class Policy(Protocol):
    """A cache of keys with room for a fixed number of them."""

    def request(self, key: Hashable) -> bool:
        """Ask for `key`; say whether it was held. A key that was not may be taken in."""
        ...

    def __len__(self) -> int:
        """Return how many keys are held."""
        ...


def replay(policy: Policy, keys: Iterable[Hashable]) -> int:
    """Ask `policy` for every key and return the number of hits."""
    return sum(map(policy.request, keys))
