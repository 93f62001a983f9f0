"""Answers for many symbols: each cached by itself, what is missing asked for together.

A batch in the cache under the names of all its symbols helps only who asks for the very same ones.
So each symbol is an entry of its own, with the one fetch that the cache promises; what several of
them lack is gathered for a moment and asked for by one call. One symbol's failure is that symbol's
problem, and stands beside the answers, never among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from ava.cache.flight import Flights
from ava.cache.keep import Keep
from ava.errors import NotFoundError, ProviderError
from ava.problems import Problem, problem_of
from ava.providers.asking import Partial, each
from ava.services.fresh import Fresh, together

if TYPE_CHECKING:
    from ava.core import Core

T = TypeVar("T")

# Other processes may be fetching some of the symbols: those are not waited for longer than this.
WINDOW_S = 0.01

Ask = Callable[[tuple[str, ...]], Awaitable[Partial[T]]]


class BySymbol(Struct, Generic[T], frozen=True, kw_only=True):
    """Answers by symbol; `failed` says what went wrong with the others."""

    items: dict[str, T]
    failed: dict[str, Problem]


@dataclass(slots=True)
class _Batch:
    names: list[str] = field(default_factory=list)
    full: asyncio.Event = field(default_factory=asyncio.Event)


class Gathering(Generic[T]):
    """Collects what `expected` look-ups miss, and asks for it once all of them have had their say.

    After `WINDOW_S` it asks for what there is; who comes later is in the next batch.
    """

    def __init__(self, expected: int, ask: Ask[T]) -> None:
        self._expected, self._ask = expected, ask
        self._batch = _Batch()
        self._number = 0
        self._flights = Flights()

    async def of(self, name: str) -> T:
        """Return the answer for one name; raise its ProviderError, NotFoundError for none."""
        batch, number = self._batch, self._number
        batch.names.append(name)
        self._expected -= 1
        self._look()
        found: Partial[T] = await self._flights.join(f"{number}", lambda: self._run(batch))
        if name in found.errors:
            raise found.errors[name]
        if name not in found.values:
            raise NotFoundError(f"nobody knows the symbol {name!r}", provider="ava")
        return found.values[name]

    def settled(self) -> None:
        """Take note of a look-up that needed nothing."""
        self._expected -= 1
        self._look()

    def _look(self) -> None:
        if self._expected <= 0:
            self._batch.full.set()

    async def _run(self, batch: _Batch) -> Partial[T]:
        with suppress(TimeoutError):
            async with asyncio.timeout(WINDOW_S):
                await batch.full.wait()
        self._batch, self._number = _Batch(), self._number + 1
        return await self._ask(tuple(batch.names))


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """Values with their freshness, and failures, by name."""

    values: Mapping[str, Fresh[T]]
    errors: Mapping[str, ProviderError]

    def whole(self) -> Fresh[None]:
        """Return how long all of it lasts: not at all, where something failed."""
        lasts = together(self.values.values())
        return Fresh(None, 0.0, lasts.tags, lasts.stale) if self.errors else lasts

    def by_symbol(self) -> Fresh[BySymbol[T]]:
        """Return the answer; raise the failure where there is nothing else."""
        if self.errors and not self.values:
            raise telling(self.errors)
        items = {name: fresh.value for name, fresh in self.values.items()}
        answer = BySymbol(items=items, failed=problems(self.errors))
        lasts = self.whole()
        return Fresh(answer, lasts.fresh_s, lasts.tags, lasts.stale)


async def look_up(
    core: Core,
    keys: Mapping[str, str],
    ask: Ask[T],
    *,
    kind: type[T],
    keep: Keep,
) -> Found[T]:
    """Return the values of `keys` (a cache key for each name); `ask` gets what no tier has."""
    gathering = Gathering(len(keys), ask)

    async def one(name: str) -> Fresh[T]:
        asked = False

        async def fetch() -> T:
            nonlocal asked
            asked = True
            return await gathering.of(name)

        try:
            return await core.kept(keys[name], fetch, kind=kind, keep=keep)
        finally:
            if not asked:
                gathering.settled()

    found = await each(tuple(keys), one)
    ordered = {name: found.values[name] for name in keys if name in found.values}
    return Found(ordered, found.errors)


def problems(errors: Mapping[str, ProviderError]) -> dict[str, Problem]:
    """Return what may be said of each failure."""
    return {name: problem_of(error) for name, error in sorted(errors.items())}


def telling(errors: Mapping[str, Any]) -> Any:
    """Return the failure that stands for all: "not found" is the truth only where all say so."""
    return min(errors.values(), key=lambda error: isinstance(error, NotFoundError))
