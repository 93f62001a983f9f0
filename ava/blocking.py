"""The platform for programs without an event loop, such as a script.

A daemon thread runs a loop for it. The providers are the platform's own; what they return is handed
to `run`, which waits for it: `platform.run(platform.finnhub.quote("AAPL"))`. Waiting on the loop's
own thread would wait for ever, and is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from ava.errors import WrongThreadError
from ava.loop_thread import loop_thread
from ava.platform import Platform, Providers

if TYPE_CHECKING:
    from ava.settings import Settings

T = TypeVar("T")


class BlockingPlatform(Providers):
    """A platform whose coroutines run on a loop of another thread."""

    def __init__(self, platform: Platform, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(platform.gateway)
        self.platform = platform
        self._loop = loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine and return its result; an interrupt cancels it.

        Raises WrongThreadError on the loop's own thread, RuntimeError after the end of the block.
        """
        return _waited(self._loop, work)


@contextmanager
def open_blocking(settings: Settings, **how: Any) -> Iterator[BlockingPlatform]:
    """Open a platform for the length of a block; `how` is passed to `Platform.open`."""
    with loop_thread("ava-net") as loop:
        opening = Platform.open(settings, **how)
        platform = _waited(loop, _called(opening.__aenter__))
        try:
            yield BlockingPlatform(platform, loop)
        finally:
            _waited(loop, _called(opening.__aexit__, None, None, None))


async def _called(method: Any, *args: Any) -> Any:
    return await method(*args)


def _waited(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    try:
        running = asyncio.get_running_loop() is loop
    except RuntimeError:
        running = False
    if running or not loop.is_running():
        work.close()
        if running:
            raise WrongThreadError("the loop's own thread cannot wait for itself: await the call")
        raise RuntimeError("the platform has been closed; open it again")
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
