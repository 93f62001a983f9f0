"""What a benchmark awaits: coroutines on one event loop, also with a set-up for each call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import repeat
from typing import Any

from .bodies import Arguments, Prepared
from .meters import Meter


class Coroutines:
    """Awaited calls, all of a benchmark on one event loop, a slice in one run of it."""

    def __init__(self, function: Callable[..., Any], arguments: Arguments) -> None:
        _refuse_running_loop()
        self._function = function
        self._args, self._kwargs = arguments
        self._loop = asyncio.new_event_loop()

    def once(self) -> Any:
        """Await one call."""
        return self._loop.run_until_complete(self._function(*self._args, **self._kwargs))

    def run(self, calls: int, meter: Meter) -> None:
        """Await so many calls, one after the other."""
        self._loop.run_until_complete(self._many(calls, meter))

    async def _many(self, calls: int, meter: Meter) -> None:
        function, args, kwargs, rounds = self._function, self._args, self._kwargs, repeat(0, calls)
        meter.start()
        for _ in rounds:
            await function(*args, **kwargs)
        meter.stop()

    def close(self) -> None:
        """End the loop."""
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


class _Blocking:
    """A coroutine function as a plain one, for calls that are prepared one by one."""

    def __init__(self, function: Callable[..., Any]) -> None:
        _refuse_running_loop()
        self._function = function
        self.loop = asyncio.new_event_loop()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.loop.run_until_complete(self._function(*args, **kwargs))


class PreparedCoroutines(Prepared):
    """Awaited calls with a set-up each; entering the loop is part of what is measured."""

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Arguments,
        setup: Callable[[], Any] | None,
        teardown: Callable[..., Any] | None,
    ) -> None:
        self._blocking = _Blocking(function)
        super().__init__(self._blocking, arguments, setup, teardown)

    def close(self) -> None:
        """End the loop."""
        self._blocking.loop.close()


def _refuse_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "a coroutine function cannot be benchmarked inside a running event loop; "
        "call benchmark() in a plain test function"
    )
