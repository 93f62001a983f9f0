"""Waking up on time under gevent.

The event loop's own timers are rounded up to a millisecond, which is longer than many of the
answers measured here. A timerfd is exact, and waiting for it leaves the loop to the answers. The
last stretch is spent yielding, since waking up takes about as long. Where there is no timerfd the
loop's timer is used up to its rounding, and the rest is yielded away.
"""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass

import gevent  # type: ignore[import-untyped] # it ships no types

_EARLY_S = 0.0001
_ROUNDING_S = 0.0015
_IDLE_S = 0.00003  # a turn of the loop that took less had no work in it
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
_READABLE = 1


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Timer(ctypes.Structure):
    _fields_ = (("every", _Time), ("after", _Time))


@dataclass(slots=True)
class Alarm:
    """Sleeps of one greenlet; `close` when done.

    `idle_s` is the time on a core in which nothing was done but to yield.
    """

    fd: int | None
    libc: ctypes.CDLL
    idle_s: float = 0.0

    def until(self, due: float) -> None:
        """Return when `time.monotonic()` has reached `due`."""
        ahead_s = due - time.monotonic() - (_EARLY_S if self.fd is not None else _ROUNDING_S)
        if ahead_s > 0:
            self._doze(ahead_s)
        now = time.monotonic()
        while now < due:
            gevent.sleep(0)
            before, now = now, time.monotonic()
            if now - before < _IDLE_S:
                self.idle_s += now - before

    def close(self) -> None:
        """Give the descriptor back."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def _doze(self, seconds: float) -> None:
        if self.fd is None:
            gevent.sleep(seconds)
            return
        whole, part = divmod(seconds, 1.0)
        timer = _Timer(_Time(0, 0), _Time(int(whole), max(1, int(part * 1e9))))
        self.libc.timerfd_settime(self.fd, 0, ctypes.byref(timer), None)
        hub = gevent.get_hub()
        watcher = hub.loop.io(self.fd, _READABLE)
        try:
            hub.wait(watcher)
        finally:
            watcher.stop()
            watcher.close()
        os.read(self.fd, 8)


def alarm() -> Alarm:
    """Return an alarm, exact where the system has timerfd."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        fd = libc.timerfd_create(time.CLOCK_MONOTONIC, _FLAGS)
    except AttributeError:  # not Linux
        fd = -1
    return Alarm(fd if fd >= 0 else None, libc)
