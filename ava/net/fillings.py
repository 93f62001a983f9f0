"""Which calls of a cache were hits, seen from the one who fetches.

A cache does not say how it came by a value. A call was a hit if no fetch for its key ran while it
waited, whoever started it: a caller that joined another's fetch has waited for the provider too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class _Fetches:
    """The fetches for one key, while somebody waits for it."""

    __slots__ = ("ended", "started", "waiting")

    def __init__(self) -> None:
        self.started = self.ended = self.waiting = 0


class Filling:
    """One call's view of its key."""

    __slots__ = ("_fetches", "_idle", "_started")

    def __init__(self, fetches: _Fetches) -> None:
        self._fetches = fetches
        self._started = fetches.started
        self._idle = fetches.started == fetches.ended

    @property
    def untouched(self) -> bool:
        """Say whether no fetch ran since the call began."""
        return self._idle and self._fetches.started == self._started

    @contextmanager
    def fetch(self) -> Iterator[None]:
        """Note that a fetch runs for the length of the block."""
        self._fetches.started += 1
        try:
            yield
        finally:
            self._fetches.ended += 1


class Fillings:
    """The keys that are waited for now."""

    def __init__(self) -> None:
        self._keys: dict[str, _Fetches] = {}

    @contextmanager
    def of(self, key: str) -> Iterator[Filling]:
        """Watch `key` for the length of a call."""
        fetches = self._keys.setdefault(key, _Fetches())
        fetches.waiting += 1
        try:
            yield Filling(fetches)
        finally:
            fetches.waiting -= 1
            if not fetches.waiting:
                del self._keys[key]
