"""One deadline around many calls.

A service that promises an answer in a second makes several calls, through caches and adapters that
need not know of the promise. `within` sets the moment for everything awaited inside it, tasks
started there included; a client gives no call more time than is left. An inner deadline can only be
earlier than the outer one; only work that is not done for one caller is `unbounded` by any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ava.clock import Clock

_DEADLINE: ContextVar[float] = ContextVar("ava_net_deadline", default=math.inf)


@contextmanager
def within(seconds: float, clock: Clock) -> Iterator[None]:
    """Bound the calls made inside the block; they raise DeadlineError, the block does not."""
    token = _DEADLINE.set(min(_DEADLINE.get(), clock.monotonic() + seconds))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


@contextmanager
def unbounded() -> Iterator[None]:
    """Leave the calls inside the block the time they state themselves: others wait for them too."""
    token = _DEADLINE.set(math.inf)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def left_s(clock: Clock) -> float:
    """Return the seconds left, infinity where nothing bounds them."""
    return _DEADLINE.get() - clock.monotonic()
