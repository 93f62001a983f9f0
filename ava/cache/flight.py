"""Single flight: callers who want the same thing at the same time share one fetch.

The fetch runs in a task that belongs to no caller: one that is cancelled leaves, and the others
are not touched. When the last one leaves, nobody wants the result and the fetch is cancelled too.
A failure is raised once for each who waits, as one and the same exception, whose traceback does
not grow with their number. Nothing outlives the fetch: keeping results is a cache's work. A fetch
must not wait for its own key, which would wait for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


class _Flight:
    """A running fetch, and a future for each caller who waits for its end."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.waiting: set[asyncio.Future[None]] = set()


class Flights:
    """The fetches under way, by key; for use on one event loop."""

    def __init__(self) -> None:
        self._current: dict[str, _Flight] = {}
        self._running: set[asyncio.Task[Any]] = set()  # an event loop holds its tasks only weakly

    def __len__(self) -> int:
        return len(self._current)

    def __contains__(self, key: object) -> bool:
        return key in self._current

    async def join(self, key: str, fetch: Callable[[], Awaitable[T]]) -> T:
        """Return what the fetch under way for `key` returns, or start `fetch` as one.

        Raises what the fetch raises.
        """
        flight = self._current.get(key) or self._start(key, fetch)
        landed = asyncio.get_running_loop().create_future()
        flight.waiting.add(landed)
        try:
            await landed
        finally:
            flight.waiting.discard(landed)
            if not flight.waiting and not flight.task.done():
                self._end(key, flight)
                flight.task.cancel()
        result: T = flight.task.result()
        return result

    def forget(self, key: str) -> None:
        """Let those who wait have their result, and the next caller a fetch of its own."""
        self._current.pop(key, None)

    def forget_all(self) -> None:
        """Forget every key."""
        self._current.clear()

    def is_current(self, key: str) -> bool:
        """Say whether the running task fetches `key` and the key was not forgotten since."""
        flight = self._current.get(key)
        return flight is not None and flight.task is asyncio.current_task()

    def _start(self, key: str, fetch: Callable[[], Awaitable[Any]]) -> _Flight:
        task = asyncio.get_running_loop().create_task(_run(fetch))
        flight = self._current[key] = _Flight(task)
        self._running.add(task)
        task.add_done_callback(lambda task: self._land(key, flight, task))
        return flight

    def _land(self, key: str, flight: _Flight, task: asyncio.Task[Any]) -> None:
        """Wake who waits; a failure that nobody waits for any more is not worth a warning."""
        self._running.discard(task)
        self._end(key, flight)
        if not task.cancelled():
            task.exception()
        for landed in flight.waiting:
            if not landed.done():
                landed.set_result(None)

    def _end(self, key: str, flight: _Flight) -> None:
        if self._current.get(key) is flight:
            del self._current[key]


async def _run(fetch: Callable[[], Awaitable[T]]) -> T:
    return await fetch()
