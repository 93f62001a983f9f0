"""What a benchmark calls: plainly, with a set-up for each call, or as coroutines on one loop.

A body runs a number of calls under a meter. Only the calls lie between the meter's start and stop:
set-up, tear-down and the start of the loop do not.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from itertools import repeat
from typing import Any, Protocol

from .meters import Meter

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Body(Protocol):
    """The calls of one benchmark."""

    def once(self) -> Any:
        """Call once and return what it returns."""

    def run(self, calls: int, meter: Meter) -> None:
        """Call so many times under the meter."""

    def close(self) -> None:
        """Give back what the body holds."""


class Plain:
    """The same call again and again."""

    def __init__(self, function: Callable[..., Any], arguments: Arguments) -> None:
        self._function = function
        self._args, self._kwargs = arguments

    def once(self) -> Any:
        """Call once."""
        return self._function(*self._args, **self._kwargs)

    def run(self, calls: int, meter: Meter) -> None:
        """Call so many times, with as little as can be around it."""
        function, args, kwargs, rounds = self._function, self._args, self._kwargs, repeat(0, calls)
        meter.start()
        for _ in rounds:
            function(*args, **kwargs)
        meter.stop()

    def close(self) -> None:
        """Hold nothing."""


class Prepared:
    """A call with a set-up before it and a tear-down after it, each outside the measured part."""

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Arguments,
        setup: Callable[[], Any] | None,
        teardown: Callable[..., Any] | None,
    ) -> None:
        self._function, self._arguments = function, arguments
        self._setup, self._teardown = setup, teardown

    def _ready(self) -> Arguments:
        made = self._setup() if self._setup else None
        if not made:
            return self._arguments
        if any(self._arguments):
            raise TypeError(
                "pedantic: give args and kwargs, or a setup that returns them, not both"
            )
        args, kwargs = made
        return tuple(args), dict(kwargs)

    def _clear(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._teardown:
            self._teardown(*args, **kwargs)

    def once(self) -> Any:
        """Prepare, call once, clear up."""
        args, kwargs = self._ready()
        result = self._function(*args, **kwargs)
        self._clear(args, kwargs)
        return result

    def run(self, calls: int, meter: Meter) -> None:
        """Prepare each call anew."""
        function = self._function
        for _ in repeat(0, calls):
            args, kwargs = self._ready()
            meter.start()
            function(*args, **kwargs)
            meter.stop()
            self._clear(args, kwargs)

    def close(self) -> None:
        """Hold nothing."""


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


def plain(function: Callable[..., Any], arguments: Arguments) -> Body:
    """Return the body of `benchmark(function, ...)`."""
    kind = Coroutines if inspect.iscoroutinefunction(function) else Plain
    return kind(function, arguments)


def prepared(
    function: Callable[..., Any],
    arguments: Arguments,
    setup: Callable[[], Any] | None,
    teardown: Callable[..., Any] | None,
) -> Body:
    """Return the body of `benchmark.pedantic(function, ...)`."""
    if setup is None and teardown is None:
        return plain(function, arguments)
    kind = PreparedCoroutines if inspect.iscoroutinefunction(function) else Prepared
    return kind(function, arguments, setup, teardown)


def _refuse_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "a coroutine function cannot be benchmarked inside a running event loop; "
        "call benchmark() in a plain test function"
    )
