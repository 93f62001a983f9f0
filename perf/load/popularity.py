"""Which key is asked for: a few of them most of the time, and nearly all of them now and then.

Keys of real traffic are popular by Zipf's law: the k-th is asked for as often as 1 / k^s. An
exponent near 1 is what traces of web and storage requests show. Uniform keys would make any cache
look worse than it is, and a handful of keys make it look better.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Popular(Generic[T]):
    """Keys in the order of their popularity, the most popular first."""

    def __init__(self, keys: Sequence[T], exponent: float = 1.0) -> None:
        if not keys:
            raise ValueError("there must be a key to be picked")
        self.keys = tuple(keys)
        weights = (1 / rank**exponent for rank in range(1, len(self.keys) + 1))
        self._upto = list(accumulate(weights))

    def pick(self, random: Random) -> T:
        """Return a key; all chance is the caller's."""
        return self.keys[bisect(self._upto, random.random() * self._upto[-1])]


class Mixed(Generic[T]):
    """Kinds of requests, each with its share of the traffic."""

    def __init__(self, shares: Sequence[tuple[T, float]]) -> None:
        if not shares or any(share <= 0 for _, share in shares):
            raise ValueError("every kind needs a share above zero")
        self._kinds = [kind for kind, _ in shares]
        self._upto = list(accumulate(share for _, share in shares))

    def pick(self, random: Random) -> T:
        """Return a kind; all chance is the caller's."""
        return self._kinds[bisect(self._upto, random.random() * self._upto[-1])]
