"""Which key is asked for next: a model that learns from the stream of keys, and knows its worth.

Each key remembers which few keys followed it and how often (a first-order Markov chain with a
bounded memory). A follower that came at least `confidence` of the times is a suggestion, unless it
is held already.

A suggestion costs a fetch and a place in the cache, so the model is judged by what came of them:
every suggestion, acted upon or not, is a success if its key is asked for among the next `horizon`
requests, and a failure if not. Only while the share of successes, lately, is above `precision` are
suggestions given out; otherwise they are made and judged silently. So where streams have no order
the model costs its bookkeeping and no fetch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

FOLLOWERS = 4  # remembered a key
_FADE_AT = 32  # followers seen, at which a key's counts are halved: habits change
_LEAST_SEEN = 2  # a follower seen once may be chance
_HYSTERESIS = 0.1  # the gate closes this far below where it opens, so that it does not flutter


@dataclass(slots=True)
class _Habit:
    """What followed one key."""

    total: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def learn(self, follower: str) -> None:
        self.total += 1
        counts = self.counts
        if follower in counts:
            counts[follower] += 1
        elif len(counts) < FOLLOWERS:
            counts[follower] = 1
        else:
            rarest = min(counts, key=counts.__getitem__)
            counts[rarest] -= 1
            if not counts[rarest]:
                del counts[rarest]
                counts[follower] = 1
        if self.total >= _FADE_AT:
            self.total //= 2
            self.counts = {key: count // 2 for key, count in counts.items() if count > 1}


@dataclass(frozen=True, slots=True)
class NextKeyStats:
    """Suggestions so far: judged, right, given out; and whether they are given out now."""

    judged: int
    right: int
    given: int
    precision: float
    on: bool


class NextKeys:
    """Suggest what to fetch ahead.

    The followers of at most `keys` keys are remembered, and the last key of at most `streams`
    streams: those asked for last. `memory` is over how many suggestions the share of successes is
    taken.
    """

    def __init__(  # noqa: PLR0913 - each bounds or tunes one thing
        self,
        *,
        keys: int = 20_000,
        confidence: float = 0.5,
        precision: float = 0.6,
        horizon: int = 32,
        memory: int = 128,
        streams: int = 1000,
    ) -> None:
        if min(keys, horizon, memory, streams) < 1:
            raise ValueError(f"nothing is learnt with {keys=}, {horizon=}, {memory=}, {streams=}")
        if not (0 < confidence <= 1 and _HYSTERESIS <= precision <= 1):
            raise ValueError(f"confidence and precision are shares: {confidence}, {precision}")
        self._keys, self._confidence, self._horizon = keys, confidence, horizon
        self._open_at, self._close_at = precision, precision - _HYSTERESIS
        self._fade = 1 / memory
        self._habits: dict[str, _Habit] = {}
        self._streams = streams
        self._last: dict[str, str] = {}
        self._asked = 0
        self._pending: dict[str, int] = {}
        self._deadlines: deque[tuple[int, str]] = deque()
        self._score = 0.0  # nothing is trusted before it was right
        self._on = False
        self._judged = self._right = self._given = 0

    def saw(self, key: str, held: Callable[[str], bool], stream: str = "") -> tuple[str, ...]:
        """Learn that `key` was asked for; return the keys to fetch now, likeliest first.

        `held` says whether a key is cached: what is there needs no fetch and earns no credit.
        `stream` is who asks: of two people at once, neither one's key follows from the other's.
        """
        self._asked += 1
        self._judge(key)
        before = self._last.pop(stream, None)
        if before is not None and before in self._habits:
            self._habits[before].learn(key)
        self._last[stream] = key
        if len(self._last) > self._streams:
            del self._last[next(iter(self._last))]
        suggested = self._suggest(key, held)
        if not self._on:
            return ()
        self._given += len(suggested)
        return suggested

    def stats(self) -> NextKeyStats:
        """Return how suggestions fared."""
        return NextKeyStats(self._judged, self._right, self._given, self._score, self._on)

    def _judge(self, key: str) -> None:
        if self._pending.pop(key, None) is not None:
            self._score_one(right=True)
        deadlines = self._deadlines
        while deadlines and deadlines[0][0] < self._asked:
            due, late = deadlines.popleft()
            if self._pending.get(late) == due:
                del self._pending[late]
                self._score_one(right=False)

    def _score_one(self, *, right: bool) -> None:
        self._judged += 1
        self._right += right
        self._score += (right - self._score) * self._fade
        self._on = self._score >= (self._close_at if self._on else self._open_at)

    def _suggest(self, key: str, held: Callable[[str], bool]) -> tuple[str, ...]:
        habit = self._habit(key)
        least = max(_LEAST_SEEN, self._confidence * habit.total)
        found = [
            follower
            for follower, count in habit.counts.items()
            if count >= least and follower not in self._pending and not held(follower)
        ]
        found.sort(key=habit.counts.__getitem__, reverse=True)
        due = self._asked + self._horizon
        for follower in found:
            self._pending[follower] = due
            self._deadlines.append((due, follower))
        return tuple(found)

    def _habit(self, key: str) -> _Habit:
        """Return what is known of a key, which now is the one asked for last."""
        habit = self._habits.pop(key, None) or _Habit()
        self._habits[key] = habit
        if len(self._habits) > self._keys:
            del self._habits[next(iter(self._habits))]
        return habit
