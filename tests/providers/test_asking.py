"""How endpoints are asked: batches of one order, calls together, failures apart."""

import asyncio

import pytest

from ava.errors import NotFoundError, OutageError
from ava.providers.asking import chunks, each, together

pytestmark = pytest.mark.anyio


def test_chunks_are_distinct_and_ordered():
    """Two callers who name the same symbols ask the same question."""
    assert list(chunks(["C", "A", "B", "A"], 2)) == [("A", "B"), ("C",)]
    assert list(chunks([], 2)) == []


async def _give(value):
    await asyncio.sleep(0)
    return value


async def _fail(error):
    await asyncio.sleep(0)
    raise error


async def test_results_keep_the_order_of_calls():
    """Whoever ends first."""
    assert await together(_give(number) for number in range(5)) == [0, 1, 2, 3, 4]
    assert await together([]) == []


async def test_the_first_error_is_raised_bare():
    """Not in a group, and the other calls are ended."""
    endless = asyncio.Event()
    ended = []

    async def wait():
        try:
            await endless.wait()
        finally:
            ended.append(True)

    with pytest.raises(OutageError):
        await together([wait(), _fail(OutageError("away", provider="p"))])
    assert ended == [True]


async def test_cancelling_ends_every_call():
    """Nothing goes on for a caller who has left."""
    endless = asyncio.Event()
    waiting = []

    async def wait():
        waiting.append(True)
        try:
            await endless.wait()
        finally:
            waiting.pop()

    task = asyncio.create_task(together([wait(), wait()]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(waiting) == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waiting == []


async def test_answers_and_failures_are_kept_apart():
    """Each name is asked once; an error that is no provider's is not kept."""
    asked = []

    async def call(name):
        asked.append(name)
        if name == "B":
            return await _fail(NotFoundError("none", provider="p"))
        return await _give(name.lower())

    found = await each(["A", "B", "A"], call)
    assert dict(found.values) == {"A": "a"}
    assert list(found.errors) == ["B"]
    assert asked == ["A", "B"]
    with pytest.raises(ZeroDivisionError):
        await each(["A"], lambda _name: _fail(ZeroDivisionError()))
