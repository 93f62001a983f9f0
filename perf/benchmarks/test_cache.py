"""What the memory cache costs: hits by each face, a miss, and a store that must evict."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from ava.cache.memory import MemoryCache

_KEYS = [f"quote:symbol=S{number:04}" for number in range(1024)]


@pytest.fixture
def cache() -> MemoryCache[int]:
    """Return a cache that is full."""
    made = MemoryCache[int](max_items=len(_KEYS))
    for number, key in enumerate(_KEYS):
        made.put(key, number)
    return made


def _run(coroutine: Awaitable[Any]) -> None:
    """Run to its end a coroutine that waits for nothing, without an event loop's cost."""
    for _ in coroutine.__await__():
        raise RuntimeError("it waits")


async def _ask(get: Callable[[str], Awaitable[Any]]) -> None:
    for key in _KEYS:
        await get(key)


async def _unwanted() -> int:
    raise RuntimeError("a hit was to be measured, and this is a miss")


def test_a_thousand_hits(benchmark: Any, cache: MemoryCache[int]) -> None:
    """Keys that are held, one awaited after the other."""
    benchmark(lambda: _run(_ask(cache.get)))


def test_a_thousand_peeks(benchmark: Any, cache: MemoryCache[int]) -> None:
    """The same without coroutines."""

    def peek() -> None:
        for key in _KEYS:
            cache.peek(key)

    benchmark(peek)


def test_a_thousand_fetch_hits(benchmark: Any, cache: MemoryCache[int]) -> None:
    """The same through `get_or_fetch`."""

    async def ask() -> None:
        for key in _KEYS:
            await cache.get_or_fetch(key, _unwanted)

    benchmark(lambda: _run(ask()))


def test_miss(benchmark: Any, cache: MemoryCache[int]) -> None:
    """A key that is not held."""
    benchmark(cache.peek, "absent")


def test_put_and_evict(benchmark: Any, cache: MemoryCache[int]) -> None:
    """A new key in a full cache."""
    numbers = count()
    benchmark(lambda: cache.put(f"new:{next(numbers)}", 1))


def test_put_again(benchmark: Any, cache: MemoryCache[int]) -> None:
    """A key that is held already."""
    benchmark(cache.put, _KEYS[0], 1)
