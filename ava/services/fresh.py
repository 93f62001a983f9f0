"""An answer and how long it stays one; a part of an answer, which may have failed.

A service returns `Fresh`: the value, for how long it cannot have changed, and what invalidates it
sooner. From that the API derives its cache headers, the fast path its entries and the console its
next refresh, so none of them guesses. An answer put together from several sources has a `Part` for
each: a part that failed says so in its place, and the rest is as good as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from msgspec import Struct

from ava.clock import Clock
from ava.problems import Problem, problem_of

T = TypeVar("T")


class Fresh(Struct, Generic[T], frozen=True):
    """A value that stays as it is for `fresh_s`, unless something with one of `tags` changes.

    `stale` says that it is an older one, served because fetching failed.
    """

    value: T
    fresh_s: float = 0.0
    tags: tuple[str, ...] = ()
    stale: bool = False


class Part(Struct, Generic[T], frozen=True, kw_only=True):
    """One part of an answer: `data`, or the `problem` that there is instead of it.

    `fresh_until` is when it is worth asking again, to the second, so that the same data give the
    same bytes; None for a problem.
    """

    data: T | None = None
    problem: Problem | None = None
    fresh_until: datetime | None = None
    stale: bool = False


async def part(asked: Awaitable[Fresh[T]], clock: Clock) -> tuple[Part[T], Fresh[None]]:
    """Await a part; return it, and how long it lasts. Whatever it raises becomes its problem."""
    try:
        fresh = await asked
    except Exception as error:  # noqa: BLE001 - one part's fault is not the others'
        return Part(problem=problem_of(error)), Fresh(None)
    until = _second(clock.now() + timedelta(seconds=fresh.fresh_s))
    found = Part(data=fresh.value, fresh_until=until, stale=fresh.stale)
    return found, Fresh(None, fresh.fresh_s, fresh.tags, fresh.stale)


async def parts(
    asked: Mapping[str, Awaitable[Fresh[Any]]], clock: Clock
) -> tuple[dict[str, Part[Any]], Fresh[None]]:
    """Await all parts at once; return them by name, and how long the whole of them lasts.

    The whole is as fresh as its first part to change; one with a failed part is not kept at all.
    """
    names = list(asked)
    found = await asyncio.gather(*(part(asked[name], clock) for name in names))
    whole = together(fresh for _, fresh in found)
    return {name: one for name, (one, _) in zip(names, found, strict=True)}, whole


def together(answers: Iterable[Fresh[Any]]) -> Fresh[None]:
    """Return how long something made of several answers lasts."""
    every = list(answers)
    tags = tuple(dict.fromkeys(tag for one in every for tag in one.tags))
    fresh_s = min((one.fresh_s for one in every), default=0.0)
    return Fresh(None, fresh_s, tags, any(one.stale for one in every))


def _second(at: datetime) -> datetime:
    """Return the whole second at or after a moment."""
    whole = at.replace(microsecond=0)
    return whole if whole == at else whole + timedelta(seconds=1)
