"""One call for many askers: who comes while a call is under way goes into the next.

Many single look-ups at once would cost a provider a call each, though it answers a hundred names in
one. Here the first asker's call goes at once, and what comes meanwhile waits for its end, and then
goes together; a whole call's worth waits for nobody. So no timer delays a lone look-up, and calls
grow with the load instead of their number. `Pile` decides that, without waiting; `Joined` calls.

A call belongs to no asker: it has a deadline of its own, whoever leaves disturbs nobody, and what
everybody has left is ended. What a call raises is told to those who are in it, and to nobody else.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

from ava.clock import Clock
from ava.errors import DeadlineError, ProviderError
from ava.net.client import GRACE_S
from ava.net.deadline import left_s, unbounded
from ava.providers.asking import Partial

T = TypeVar("T")

Call = Callable[[tuple[str, ...]], Awaitable[Mapping[str, T]]]


@dataclass(slots=True, eq=False)
class Place:
    """One asker's place for one name; `told` becomes the value, the error, or None for neither."""

    told: asyncio.Future[Any] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    context: contextvars.Context = field(default_factory=contextvars.copy_context)


Places = Mapping[str, list[Place]]


class Pile:
    """The names that wait for a call, in the order they came, each with the places of its askers.

    Raises ValueError for calls of no name.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a call asks for one name at least, not {size}")
        self._size = size
        self._waiting: dict[str, list[Place]] = {}

    def add(self, name: str, place: Place) -> None:
        """Let an asker wait for a name."""
        self._waiting.setdefault(name, []).append(place)

    def remove(self, name: str, place: Place) -> None:
        """Forget an asker; a name that nobody waits for any more is asked for by nobody."""
        places = self._waiting.get(name, [])
        if place in places:
            places.remove(place)
            if not places:
                del self._waiting[name]

    def take(self, *, busy: bool) -> list[Places]:
        """Return what is to be asked now, a call each: all, or where `busy` only whole calls."""
        whole, rest = divmod(len(self._waiting), self._size)
        return [self._cut() for _ in range(whole + (rest > 0 and not busy))]

    def _cut(self) -> Places:
        names = tuple(islice(self._waiting, self._size))
        return {name: self._waiting.pop(name) for name in names}


class Joined(Generic[T]):
    """Answers names by `call`, up to `size` at a time; for use on one event loop.

    `provider` is whom the error of an asker names whose own deadline comes first.
    """

    def __init__(self, call: Call[T], *, size: int, provider: str, clock: Clock) -> None:
        self._call, self._provider, self._clock = call, provider, clock
        self._pile = Pile(size)
        self._under_way: dict[asyncio.Task[Mapping[str, T]], Places] = {}

    async def ask(self, names: Iterable[str]) -> Partial[T]:
        """Return values and failures; a name that a call said nothing of is in neither."""
        places = {name: Place() for name in dict.fromkeys(names)}
        if not places:
            return Partial({}, {})
        for name, place in places.items():
            self._pile.add(name, place)
        # In the loop's next turn: who asks in this one comes along.
        asyncio.get_running_loop().call_soon(self._go)
        left = left_s(self._clock) + GRACE_S
        timeout = left if math.isfinite(left) else None
        try:
            await asyncio.wait([place.told for place in places.values()], timeout=timeout)
            return self._parted(places)
        finally:
            self._leave(places)

    def _go(self) -> None:
        self._start(self._pile.take(busy=bool(self._under_way)))

    def _start(self, calls: Iterable[Places]) -> None:
        for places in calls:
            names = tuple(places)
            # In the context of who waited longest: in its trace one finds the call.
            context = places[names[0]][0].context
            task = asyncio.get_running_loop().create_task(self._run(names), context=context)
            self._under_way[task] = places
            task.add_done_callback(self._end)

    async def _run(self, names: tuple[str, ...]) -> Mapping[str, T]:
        with unbounded():
            return await self._call(names)

    def _end(self, task: asyncio.Task[Mapping[str, T]]) -> None:
        """Tell everybody in a call what came of it, and let go what has waited for its end."""
        for name, places in self._under_way.pop(task).items():
            for place in places:
                if not place.told.done():
                    _tell(place, name, task)
        self._start(self._pile.take(busy=False))

    def _leave(self, places: Mapping[str, Place]) -> None:
        """Give up what is not answered yet, and end calls in which nobody is left."""
        for name, place in places.items():
            if place.told.cancel():
                self._pile.remove(name, place)
        for task, shared in self._under_way.items():
            if all(place.told.cancelled() for every in shared.values() for place in every):
                task.cancel()

    def _parted(self, places: Mapping[str, Place]) -> Partial[T]:
        values: dict[str, T] = {}
        errors: dict[str, ProviderError] = {}
        for name, place in places.items():
            told = place.told.result() if place.told.done() else self._too_late()
            if isinstance(told, ProviderError):
                errors[name] = told
            elif isinstance(told, BaseException):
                raise told
            elif told is not None:
                values[name] = told
        return Partial(values, errors)

    def _too_late(self) -> DeadlineError:
        return DeadlineError(f"{self._provider}: no answer in time", provider=self._provider)


def _tell(place: Place, name: str, task: asyncio.Task[Mapping[str, Any]]) -> None:
    """Give a place its answer; an error is told and not raised, so that it may go unheard."""
    if task.cancelled():
        place.told.cancel()
    else:
        place.told.set_result(task.exception() or task.result().get(name))
