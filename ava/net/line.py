"""Who waits for a permit, and whose turn it is.

Within a priority callers are served in the order they came. Interactive callers go first, but
while both wait every tenth turn is a background caller's, so a background job is slowed and never
stopped. A turn is an offer, not a permit: whoever gets it takes the permit itself when it runs. A
caller cancelled in between has therefore taken nothing, and the turn goes to the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from ava.errors import DeadlineError
from ava.net.spec import Priority

STREAK = 9  # interactive turns in a row while a background caller waits


@dataclass(slots=True, eq=False)
class Waiter:
    """One caller in the line; `turn` is set when it may try."""

    priority: Priority
    deadline: float | None
    turn: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Line:
    """The callers waiting for one provider."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queues: dict[Priority, deque[Waiter]] = {p: deque() for p in Priority}
        self._streak = 0

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def join(self, waiter: Waiter) -> None:
        """Stand at the end of the waiter's queue."""
        self._queues[waiter.priority].append(waiter)

    def rejoin(self, waiter: Waiter) -> None:
        """Stand at the head again, after a turn that came to nothing."""
        waiter.turn = asyncio.get_running_loop().create_future()
        self._queues[waiter.priority].appendleft(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Go, wherever in the queue; one who had its turn is no longer there."""
        queue = self._queues[waiter.priority]
        had_its_turn = waiter.turn.done() and not waiter.turn.cancelled()
        if not had_its_turn and waiter in queue:
            queue.remove(waiter)

    def ahead(self, priority: Priority) -> int:
        """Return how many turns come before that of a caller who joins now, if nobody else does."""
        mine = len(self._queues[priority])
        if priority is Priority.BACKGROUND:
            others = len(self._queues[Priority.INTERACTIVE])
            return mine + min(others, STREAK * (mine + 1) - self._streak)
        others = len(self._queues[Priority.BACKGROUND])
        return mine + min(others, (mine + self._streak) // STREAK)

    def next_priority(self) -> Priority | None:
        """Return the priority of the next turn, None when nobody waits."""
        interactive, background = (self._present(p) for p in Priority)
        if background and (not interactive or self._streak >= STREAK):
            return Priority.BACKGROUND
        return Priority.INTERACTIVE if interactive else None

    def call(self) -> Waiter | None:
        """Give the next turn and return whose it is, None when nobody waits."""
        priority = self.next_priority()
        if priority is None:
            return None
        waiter = self._queues[priority].popleft()
        contested = priority is Priority.INTERACTIVE and self._queues[Priority.BACKGROUND]
        self._streak = self._streak + 1 if contested else 0
        waiter.turn.set_result(None)
        return waiter

    def dismiss(self, before: float) -> int:
        """Fail those whose deadline comes before `before`, and return how many they were."""
        late = [w for w in self._waiters() if w.deadline is not None and w.deadline < before]
        for waiter in late:
            self._fail(waiter, self.too_late())
        return len(late)

    def disperse(self, error: Exception | None) -> None:
        """Fail everybody with `error`, or cancel them without one: nothing can be granted."""
        for waiter in self._waiters():
            if error is None:
                waiter.turn.cancel()
            else:
                self._fail(waiter, error)

    def too_late(self) -> DeadlineError:
        """Return the error of a caller whose deadline comes before its turn."""
        return DeadlineError(
            f"{self._name} may not be called before the caller's deadline; "
            "allow more time, or ask for less",
            provider=self._name,
        )

    def _present(self, priority: Priority) -> bool:
        """Say whether somebody waits; who was cancelled may not yet have come to leave."""
        queue = self._queues[priority]
        while queue and queue[0].turn.done():
            queue.popleft()
        return bool(queue)

    def _waiters(self) -> list[Waiter]:
        return [waiter for queue in self._queues.values() for waiter in queue]

    def _fail(self, waiter: Waiter, error: Exception) -> None:
        self.leave(waiter)
        if not waiter.turn.done():
            waiter.turn.set_exception(error)
