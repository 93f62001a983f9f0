"""What a benchmark calls: plainly, or with a set-up for each call; `.coroutines` has those.

A body runs a number of calls under a meter. Only the calls lie between the meter's start and stop:
set-up, tear-down and the start of the loop do not.
"""

from __future__ import annotations

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


def plain(function: Callable[..., Any], arguments: Arguments) -> Body:
    """Return the body of `benchmark(function, ...)`."""
    if not inspect.iscoroutinefunction(function):
        return Plain(function, arguments)
    from .coroutines import Coroutines  # noqa: PLC0415 - asyncio takes a while to import

    return Coroutines(function, arguments)


def prepared(
    function: Callable[..., Any],
    arguments: Arguments,
    setup: Callable[[], Any] | None,
    teardown: Callable[..., Any] | None,
) -> Body:
    """Return the body of `benchmark.pedantic(function, ...)`."""
    if setup is None and teardown is None:
        return plain(function, arguments)
    if not inspect.iscoroutinefunction(function):
        return Prepared(function, arguments, setup, teardown)
    from .coroutines import PreparedCoroutines  # noqa: PLC0415 - as above

    return PreparedCoroutines(function, arguments, setup, teardown)
