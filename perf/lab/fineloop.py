"""An asyncio event loop whose timers are fine: for servers of a known delay, and for witnesses.

asyncio rounds its timeouts up to whole milliseconds where it waits by epoll, and Linux adds 50 us
of slack of its own. Here the selector's own descriptor is waited for by `select`, which takes
microseconds, and the slack is asked away. A millisecond then takes a millisecond.
"""

from __future__ import annotations

import asyncio
import ctypes
import select
import selectors
import sys

_PR_SET_TIMERSLACK = 29
_LONGEST_S = 3600.0


class _FineSelector(selectors.DefaultSelector):
    """The system's selector, waited for by another that does not round."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events at most `timeout` seconds, to the microsecond."""
        if timeout is None:
            return super().select(None)
        if timeout > 0:
            select.select([self.fileno()], [], [], min(timeout, _LONGEST_S))
        return super().select(0)


def fine_loop() -> asyncio.AbstractEventLoop:
    """Return a new loop with fine timers, for this process's main thread."""
    sharpen_timer()
    return asyncio.SelectorEventLoop(_FineSelector())


def sharpen_timer() -> None:
    """Ask Linux not to round this thread's timers: by default it wakes up 0.05 ms late."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
