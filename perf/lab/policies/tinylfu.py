"""W-TinyLFU: a small window for what is new, and a main space that only the more frequent enter.

After Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy" (ACM ToS
2017): the window is an LRU, the main space a segmented LRU whose protected part is four fifths,
and frequencies, counted to 15 over ten times the capacity, are halved at the end of each such
period. Frequencies are exact where the paper estimates them in a sketch. With `adaptive` the
window's share climbs towards the better hit ratio, as in "Adaptive Software Cache Management"
(Middleware 2018) and Caffeine.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

_WINDOW = 0.01
_PROTECTED = 0.8
_MOST = 15  # a counter has four bits
_PERIOD = 10  # requests, in capacities, between halvings; also a step of the climber
_STEP = 0.0625  # of the capacity, the climber's first step
_DECAY = 0.98
_RESTART = 0.05  # a change of the hit ratio that makes the climber take large steps again

_Queue = OrderedDict[Hashable, None]


class _Frequencies:
    """How often each key was asked for, recently."""

    def __init__(self, period: int) -> None:
        self._period = period
        self._requests = 0
        self._counts: dict[Hashable, int] = {}

    def add(self, key: Hashable) -> None:
        """Count a request."""
        count = self._counts.get(key, 0)
        if count < _MOST:
            self._counts[key] = count + 1
            self._requests += 1
        if self._requests >= self._period:
            self._counts = {key: count // 2 for key, count in self._counts.items() if count > 1}
            self._requests //= 2

    def of(self, key: Hashable) -> int:
        """Return a key's count."""
        return self._counts.get(key, 0)


class _Climber:
    """Move the window's size on while the hit ratio rises, and back when it falls."""

    def __init__(self, capacity: int) -> None:
        self._first = self._step = _STEP * capacity
        self._period = _PERIOD * capacity
        self._requests = self._hits = 0
        self._last: float | None = None

    def moved(self, *, hit: bool) -> float:
        """Count a request; return by how much the window is to grow."""
        self._requests += 1
        self._hits += hit
        if self._requests < self._period:
            return 0.0
        ratio = self._hits / self._requests
        change = 0.0 if self._last is None else ratio - self._last
        self._last, self._requests, self._hits = ratio, 0, 0
        towards = 1 if (change >= 0) == (self._step >= 0) else -1
        amount = towards * abs(self._step)
        again = abs(change) >= _RESTART
        self._step = towards * self._first if again else amount * _DECAY
        return amount


class WTinyLfu:
    """Let the key leaving the window replace the main space's oldest if it is asked for more."""

    def __init__(self, capacity: int, *, adaptive: bool = False) -> None:
        self._capacity = capacity
        self._window_room = float(max(1, int(capacity * _WINDOW)))
        self._window: _Queue = OrderedDict()
        self._probation: _Queue = OrderedDict()
        self._protected: _Queue = OrderedDict()
        self._frequencies = _Frequencies(_PERIOD * capacity)
        self._climber = _Climber(capacity) if adaptive else None

    def __len__(self) -> int:
        return len(self._window) + len(self._probation) + len(self._protected)

    def request(self, key: Hashable) -> bool:
        """Ask for `key`; count it whether it is held or not."""
        self._frequencies.add(key)
        hit = self._touch(key)
        if not hit:
            self._window[key] = None
            self._overflow()
        if self._climber is not None:
            self._resize(self._climber.moved(hit=hit))
        return hit

    def _touch(self, key: Hashable) -> bool:
        if key in self._window:
            self._window.move_to_end(key)
        elif key in self._protected:
            self._protected.move_to_end(key)
        elif key in self._probation:
            del self._probation[key]
            self._protected[key] = None
            self._demote()
        else:
            return False
        return True

    def _demote(self) -> None:
        room = (self._capacity - int(self._window_room)) * _PROTECTED
        while len(self._protected) > room:
            self._probation[self._protected.popitem(last=False)[0]] = None

    def _overflow(self) -> None:
        """Move what the window has no room for; the main space takes it, or the more frequent."""
        while len(self._window) > int(self._window_room):
            candidate, _ = self._window.popitem(last=False)
            self._probation[candidate] = None
            if len(self) > self._capacity:
                self._duel(candidate)

    def _duel(self, candidate: Hashable) -> None:
        segment = self._probation
        victim = next(iter(segment))
        if victim == candidate and self._protected:
            segment = self._protected
            victim = next(iter(segment))
        of = self._frequencies.of
        if of(candidate) > of(victim):
            del segment[victim]
        else:
            del self._probation[candidate]

    def _resize(self, amount: float) -> None:
        """Move the border between window and main space, and with it the keys at the border."""
        if not amount:
            return
        self._window_room = min(max(1.0, self._window_room + amount), 0.8 * self._capacity)
        while len(self._window) > int(self._window_room):
            self._probation[self._window.popitem(last=False)[0]] = None
        while len(self._window) < int(self._window_room) and self._probation:
            key, _ = self._probation.popitem(last=False)
            self._window[key] = None
            self._window.move_to_end(key, last=False)
        self._demote()
