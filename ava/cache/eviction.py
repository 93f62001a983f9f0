"""Which entry has to go when a cache is full: W-TinyLFU's idea at the price of one increment a hit.

What is new passes through a window. What leaves the window enters the main space only if it was
asked for more often than the entry that would make room for it, so a scan or a loop cannot flush
what is popular. Counts are kept on the entries and halved as they age. Both queues give an entry
that was asked for since it was last looked at a second chance, so a hit moves nothing: it only
counts. Who left lately, and how popular it was, is remembered in a table of one word each: a key
that left the window and soon returns says that it was too small, an entry asked for in the main
space that this is where room is of use, and the border between the two moves accordingly.

This module decides and nothing more: it knows no values, no time and no bounds.
"""

from __future__ import annotations

from array import array
from typing import Any, Generic, TypeVar
from zlib import crc32

V = TypeVar("V")

# The mean hit ratio over real traces hardly depends on these: halving or doubling one moves it by
# less than a point. They are not tuned to a workload.
_FIRST_SHARE = 0.01  # the window's part of the entries, to begin with
_LARGEST_SHARE = 0.98  # for small caches: the rest shows when a main space is of use again
_LEAST_SHARE = -0.5  # below zero: evidence for the main space, which must be outweighed first
_AGEING = 20  # requests for each entry held, after which counts are halved
# A key that returns within so many evictions, for each entry not in the window, was missed there,
# and an entry asked for just once in the main space weighs so much against it. It is one number
# because of loops over more keys than fit: each round, the ones too many return and the entries are
# asked for once. Where the former are counted at all, the latter then outweigh them.
_SOON = 0.7
_REMEMBERED = 4  # keys remembered for each entry held
_MOST = 15  # a larger count says no more, and this fits four bits

_SMALLEST_TABLE = 16
_STAMPS = (1 << 27) - 1


class Entry(Generic[V]):
    """A value with what the cache and its policy know of it; times are monotonic seconds.

    Until `fresh_until` the value is current; until `usable_until` it may be served for want of a
    better one. Only the cache writes here.
    """

    __slots__ = (
        "asked",
        "credit",
        "epoch",
        "fresh_until",
        "key",
        "looked",
        "newer",
        "older",
        "queue",
        "slot",
        "usable_until",
        "value",
        "weight",
    )

    newer: Entry[Any]
    older: Entry[Any]
    queue: Queue

    def __init__(
        self, key: str, value: V, fresh_until: float, usable_until: float, weight: int = 1
    ) -> None:
        self.key = key
        self.value = value
        self.fresh_until = fresh_until
        self.usable_until = usable_until
        self.weight = weight
        self.slot = 0
        self.asked = 0  # hits so far; a hit does nothing but add one here
        self.looked = 0  # `asked` when the policy last looked
        self.credit = 1  # what makes `asked` the count: less than none after ageing
        self.epoch = 0

    @property
    def count(self) -> int:
        """How popular the entry is: its requests, the older ones halved again and again."""
        return self.asked + self.credit


class Queue:
    """Entries in the order they came, linked through themselves so that any can leave."""

    __slots__ = ("_end", "hits", "size")

    def __init__(self) -> None:
        self.hits = 0  # of its entries, as far as they were looked at
        # One entry that is none closes the ring: the oldest is newer than it, the newest older.
        end: Entry[None] = Entry("", None, 0.0, 0.0)
        end.newer = end.older = end
        self._end: Entry[Any] = end
        self.size = 0

    def push(self, entry: Entry[Any]) -> None:
        """Put an entry that stands in no queue behind all others."""
        end = self._end
        newest = end.older
        newest.newer = end.older = entry
        entry.older, entry.newer, entry.queue = newest, end, self
        self.size += 1

    def remove(self, entry: Entry[Any]) -> None:
        """Take an entry of this queue out."""
        self.hits += entry.asked - entry.looked
        entry.looked = entry.asked
        entry.older.newer = entry.newer
        entry.newer.older = entry.older
        self.size -= 1

    def next(self, epoch: int) -> tuple[Entry[Any], int]:
        """Return the first entry not asked for since last looked at.

        The queue is not empty. The entry stays where it is; each one passed over goes to the back,
        and its hits have paid for it. Returns as well how many of these were asked for just once:
        the popular ones would be held anywhere.
        """
        once = 0
        while True:
            entry = self._end.newer
            if entry.epoch != epoch:
                self._age(entry, epoch)
            if entry.asked == entry.looked:
                return entry, once
            once += entry.asked == entry.looked + 1
            self.remove(entry)
            self.push(entry)

    def _age(self, entry: Entry[Any], epoch: int) -> None:
        """Halve the count once for each epoch passed, and keep whether it was asked for."""
        again = entry.asked != entry.looked
        self.hits += entry.asked - entry.looked - again
        entry.looked = entry.asked - again
        entry.credit = (min(entry.count, _MOST) >> (epoch - entry.epoch)) - entry.asked
        entry.epoch = epoch


class Eviction:
    """The order of a cache's entries."""

    def __init__(self) -> None:
        self._window = Queue()
        self._main = Queue()
        self._share = _FIRST_SHARE
        self._past = _Past()
        self._added = 0
        self._epoch = 0
        self._next_epoch = 0

    def __len__(self) -> int:
        return self._window.size + self._main.size

    def add(self, entry: Entry[Any]) -> None:
        """Take in a new entry, as the newest."""
        self._added += 1
        self._turn(self._added + self._window.hits + self._main.hits)
        entry.epoch = self._epoch
        self._learn(entry)
        self._window.push(entry)
        while self._window.size > self._room:
            self._enter(self._window.next(self._epoch)[0])

    def evict(self) -> Entry[Any]:
        """Choose the entry that makes room for a new one, and forget it; there must be one."""
        if not self._main.size:
            return self._leave(self._window.next(self._epoch)[0])
        victim, once = self._main.next(self._epoch)
        self._widen(-_SOON * once)
        if self._window.size < self._room:
            return self._leave(victim)
        candidate, _ = self._window.next(self._epoch)
        # By weight, for a large entry takes the place of several small ones.
        if candidate.count * victim.weight <= victim.count * candidate.weight:
            return self._leave(candidate)
        self._enter(candidate)
        return self._leave(victim)

    @property
    def _room(self) -> int:
        """How many entries the window may hold."""
        return max(1, int(self._share * len(self)))

    def _turn(self, requests: int) -> None:
        """Begin an epoch when it is time; counts do not age before anything had to go.

        `requests` lacks the hits of entries not looked at since; they come in as they are.
        """
        due = requests >= self._next_epoch
        if due and self._past.evictions:
            self._epoch += 1
        if due or not self._past.evictions:
            self._next_epoch = requests + _AGEING * (len(self) + 1)

    def _learn(self, entry: Entry[Any]) -> None:
        """Give a key that was here lately its count back; widen the window if it was missed."""
        if not self._past.evictions or not len(self):
            return
        known = self._past.recall(entry.key)
        if known is None:
            return
        asked, from_window, evictions = known
        entry.credit += asked
        if from_window and evictions <= _SOON * len(self) * (1 - max(0.0, self._share)):
            self._widen(1)

    def _widen(self, entries: float) -> None:
        """Move the border between window and main space by so many entries."""
        share = self._share + entries / len(self)
        self._share = min(_LARGEST_SHARE, max(_LEAST_SHARE, share))

    def _enter(self, entry: Entry[Any]) -> None:
        self._window.remove(entry)
        self._main.push(entry)

    def _leave(self, entry: Entry[Any]) -> Entry[Any]:
        asked = min(entry.count, _MOST)
        self._past.remember(entry.key, asked, entry.queue is self._window, len(self))
        entry.queue.remove(entry)
        return entry


class _Past:
    """Keys evicted lately in a word of 64 bits each: checksum, time in evictions, count, place.

    A key's checksum says where its word lies, and a later key's may replace it; two keys of one
    checksum are taken for each other, which costs a bad guess. It is not Python's hash, which
    differs from process to process: a hit ratio should not.
    """

    def __init__(self) -> None:
        self._words = array("Q", bytes(8 * _SMALLEST_TABLE))
        self.evictions = 0

    def remember(self, key: str, asked: int, from_window: bool, size: int) -> None:  # noqa: FBT001 - one bit of the word
        """Note that `key`, asked for `asked` times, left a cache of `size` entries."""
        while len(self._words) < _REMEMBERED * size:
            self._grow()
        self.evictions += 1
        stamp = self.evictions & _STAMPS
        self._put(_checksum(key) << 32 | stamp << 5 | asked << 1 | from_window)

    def recall(self, key: str) -> tuple[int, bool, int] | None:
        """Return a key's count, whether it left the window, and the evictions since; once."""
        checksum = _checksum(key)
        at = checksum & (len(self._words) - 1)
        word = self._words[at]
        if not word or word >> 32 != checksum:
            return None
        self._words[at] = 0
        return word >> 1 & _MOST, bool(word & 1), (self.evictions - (word >> 5)) & _STAMPS

    def _grow(self) -> None:
        words = self._words
        self._words = array("Q", bytes(16 * len(words)))
        for word in words:
            if word:
                self._put(word)

    def _put(self, word: int) -> None:
        self._words[word >> 32 & (len(self._words) - 1)] = word


def _checksum(key: str) -> int:
    return crc32(key.encode("utf-8", "surrogatepass"))
