"""Tests that live by real time, run again where the machine stood still under them.

A lease of two seconds, a lock of one: what such a promise comes to is only seen in real time, and
on a machine that pauses the process for as long it comes to something else. A test marked
`real_time` that fails in a run with such a pause says nothing, and is run again. One that fails
without a pause has failed, and so has one that was never let run through.
"""

from __future__ import annotations

import threading
import time
from typing import Self

import pytest
from _pytest.runner import runtestprotocol

_BEAT_S = 0.02
_PAUSE_S = 0.25  # less than any promise that is tested; a busy machine makes pauses of a tenth
_ATTEMPTS = 5


class Pulse:
    """Beats in a thread, and so knows how long the whole process stood still at most."""

    def __init__(self) -> None:
        self._longest_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._last = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def longest_s(self) -> float:
        """The longest time between two beats."""
        return max(self._longest_s, time.monotonic() - self._last)

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT_S):
            now = time.monotonic()
            self._longest_s = max(self._longest_s, now - self._last)
            self._last = now


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "real_time: run again if it fails while the machine pauses")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a marked test until it passes, or fails in a run without a pause."""
    if item.get_closest_marker("real_time") is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for _ in range(_ATTEMPTS):
        with Pulse() as pulse:
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if not any(report.failed for report in reports) or pulse.longest_s < _PAUSE_S:
            break
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
