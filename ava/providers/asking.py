"""How an endpoint is asked: through the cache by a rule, with a priority, until a deadline.

Each endpoint has a rule of its own for how long its answer is kept. A caller may give another one,
or None to have the provider asked in any case. Several calls for one answer are made together;
how many run at once is bounded by the provider's client, so none of them is a burst.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypedDict, TypeVar

from ava.cache.keep import Keep
from ava.errors import ProviderError
from ava.net.client import Client, Request
from ava.net.spec import Answer, Priority

T = TypeVar("T")

HOUR_S, DAY_S = 3_600.0, 86_400.0

# 003.1: 20 s for a calm stock in an open market. `ava.cache.freshness` gives one for the moment.
QUOTES = Keep(ttl_s=20, stale_s=300, negative_s=60)
HISTORY = Keep(ttl_s=300, stale_s=DAY_S, negative_s=300)
OPTIONS = Keep(ttl_s=60, stale_s=900, negative_s=300)
NEWS = Keep(ttl_s=900, stale_s=DAY_S)
EARNINGS = Keep(ttl_s=DAY_S / 2, stale_s=7 * DAY_S)
FUNDAMENTALS = Keep(ttl_s=DAY_S, stale_s=7 * DAY_S, negative_s=HOUR_S)


# What a question's priority is where its asker does not say.
_USUAL: ContextVar[Priority] = ContextVar("priority", default=Priority.INTERACTIVE)


@contextmanager
def unhurried() -> Iterator[None]:
    """Let what is asked within the block wait for people, unless it says otherwise itself."""
    before = _USUAL.set(Priority.BACKGROUND)
    try:
        yield
    finally:
        _USUAL.reset(before)


def usual() -> Priority:
    """Return the priority of a question asked here, where its asker does not say."""
    return _USUAL.get()


class How(TypedDict, total=False):
    """What a caller may say about one question; what is left out is the endpoint's own."""

    keep: Keep | None
    priority: Priority
    deadline_s: float | None


@dataclass(frozen=True, slots=True)
class Partial(Generic[T]):
    """Answers to many questions, of which some failed; an error never stands among the data."""

    values: Mapping[str, T]
    errors: Mapping[str, ProviderError]


async def ask(
    client: Client, request: Request, read: Callable[[Answer], T], kind: type[T], how: How
) -> T:
    """Ask by the rules of `how`; `keep` must be among them, and None is no cache."""
    priority = how.get("priority", usual())
    deadline_s = how.get("deadline_s")
    keep = how["keep"]
    if keep is None:
        return await client.fetch(request, read, priority=priority, deadline_s=deadline_s)
    return await client.cached(
        request, read, kind=kind, keep=keep, priority=priority, deadline_s=deadline_s
    )


async def together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run the calls at once and return their results in order; the first error ends them all."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def each(names: Sequence[str], call: Callable[[str], Coroutine[Any, Any, T]]) -> Partial[T]:
    """Make one call a name and keep answers and failures apart."""
    errors: dict[str, ProviderError] = {}
    values: dict[str, T] = {}

    async def one(name: str) -> None:
        try:
            values[name] = await call(name)
        except ProviderError as error:
            errors[name] = error

    await together(one(name) for name in dict.fromkeys(names))
    return Partial(values, errors)


def chunks(names: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    """Return the distinct names in sorted order, `size` at a time.

    The order makes two callers who ask for the same names ask the same question.
    """
    rest = iter(sorted(set(names)))
    while chunk := tuple(islice(rest, size)):
        yield chunk
