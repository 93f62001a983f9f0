"""What is no longer true, as data: invalidations, and three small memories of them.

An `Invalidation` names keys, tags and patterns. `Recent` remembers the last ones, so that whoever
read or fetched a value can ask whether it was overtaken in the meantime. `Undelivered` holds what
Redis has not heard yet. `TagIndex` knows which keys of this process carry a tag. In a pattern `*`
stands for any text and nothing else is special, here and in the Lua scripts alike.

All of it is bounded. What is forgotten counts as overtaken, and what cannot be held is replaced by
"everything": memory never runs out at the price of a stale answer.
"""

from __future__ import annotations

import functools
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

_REMEMBERED = 1024
_MOST_UNDELIVERED = 1000


class Invalidation(msgspec.Struct, array_like=True, frozen=True):
    """Keys, tags and patterns whose values are no longer true.

    `origin` is set where the sender holds the newer value itself and so must not drop it.
    """

    keys: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    origin: str = ""

    def hits(self, key: str, tags: Sequence[str]) -> bool:
        """Say whether it concerns an entry with that key and those tags."""
        return (
            key in self.keys
            or not set(self.tags).isdisjoint(tags)
            or any(matcher(pattern)(key) for pattern in self.patterns)
        )

    def encode(self) -> bytes:
        """Return the message that tells other processes."""
        return msgspec.msgpack.encode(self)


EVERYTHING: Final = Invalidation(patterns=("*",))

_decoder = msgspec.msgpack.Decoder(Invalidation)


def read(message: bytes) -> Invalidation:
    """Return what `encode` wrote; what cannot be read might name anything, so it is EVERYTHING."""
    try:
        return _decoder.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return EVERYTHING


@functools.lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], object]:
    """Return what says whether a key fits `pattern`."""
    parts = (re.escape(part) for part in re.split(r"\*+", pattern))
    return re.compile(".*".join(parts), re.DOTALL).fullmatch


class Recent:
    """The last invalidations in order; a mark is a moment between two of them."""

    def __init__(self, limit: int = _REMEMBERED) -> None:
        self._last: deque[Invalidation] = deque(maxlen=limit)
        self._count = 0
        self._floor = 0

    def mark(self) -> int:
        """Return the present moment."""
        return self._count

    def add(self, invalidation: Invalidation) -> None:
        """Remember one."""
        self._last.append(invalidation)
        self._count += 1

    def add_all(self) -> None:
        """Remember that anything may have been invalidated."""
        self._count += 1
        self._floor = self._count
        self._last.clear()

    def overtaken(self, since: int, key: str, tags: Sequence[str]) -> bool:
        """Say whether the entry was, or may have been, invalidated after the mark `since`."""
        if since == self._count:
            return False
        newer = self._count - since
        if since < self._floor or newer > len(self._last):
            return True
        return any(self._last[-i].hits(key, tags) for i in range(1, newer + 1))


class Undelivered:
    """Invalidations that Redis has not heard, in order; beyond `limit`, everything is invalid."""

    def __init__(self, limit: int = _MOST_UNDELIVERED) -> None:
        self._waiting: dict[int, Invalidation] = {}
        self._limit = limit
        self._next = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, invalidation: Invalidation) -> int:
        """Hold one until it is delivered, and return its ticket."""
        if len(self._waiting) >= self._limit:
            self._waiting.clear()
            invalidation = EVERYTHING
        self._next += 1
        self._waiting[self._next] = invalidation
        return self._next

    def delivered(self, ticket: int) -> None:
        """Let it go."""
        self._waiting.pop(ticket, None)

    def first(self) -> tuple[int, Invalidation] | None:
        """Return the oldest, with its ticket."""
        return next(iter(self._waiting.items()), None)


class TagIndex:
    """Which keys of this process carry a tag.

    Keys leave the process's cache without notice, so the index may name some that are gone; it is
    cleaned when it has grown to twice what the last cleaning left.
    """

    def __init__(self) -> None:
        self._keys: dict[str, set[str]] = {}
        self._size = 0
        self._clean_at = 1024

    def __len__(self) -> int:
        return self._size

    def add(self, key: str, tags: Iterable[str], living: Callable[[str], bool]) -> None:
        """List `key` under each tag; `living` says which keys are still worth listing."""
        for tag in tags:
            keys = self._keys.setdefault(tag, set())
            self._size += key not in keys
            keys.add(key)
        if self._size > self._clean_at:
            self._clean(living)

    def take(self, tag: str) -> set[str]:
        """Return the keys under `tag` and forget them."""
        keys = self._keys.pop(tag, set())
        self._size -= len(keys)
        return keys

    def clear(self) -> None:
        """Forget all."""
        self._keys.clear()
        self._size = 0

    def _clean(self, living: Callable[[str], bool]) -> None:
        kept = {tag: set(filter(living, keys)) for tag, keys in self._keys.items()}
        self._keys = {tag: keys for tag, keys in kept.items() if keys}
        self._size = sum(map(len, self._keys.values()))
        self._clean_at = max(1024, 2 * self._size)
