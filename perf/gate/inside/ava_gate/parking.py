"""Park inside a benchmark and call when asked: the worker's side of the gate's protocol.

While parked the test's set-up stays alive and the process sleeps in a read. A slice is one warm
call, then so many measured ones, with the collector run before and off during them, on the core
that the coordinator names; what runs in other threads or processes by then stays where it is. Where
the coordinator is gone the process ends at once: nobody would read what it measures.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .bodies import Body
from .meters import meter


class Channel:
    """JSON lines over the socket that the coordinator left open for this process."""

    def __init__(self, descriptor: int) -> None:
        # A server that a test starts must not hold it.
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the standard library's signature
        self._socket = socket.socket(fileno=descriptor)
        self._lines = self._socket.makefile("rb")
        self._owner = os.getpid()

    def send(self, event: str, **values: Any) -> None:
        """Tell the coordinator something; a forked copy of this process has no say."""
        if not self.is_owner():
            return
        try:
            self._socket.sendall(json.dumps({"event": event, **values}).encode() + b"\n")
        except OSError:
            os._exit(1)

    def is_owner(self) -> bool:
        """Say whether this is the process that the coordinator started."""
        return os.getpid() == self._owner

    def receive(self) -> dict[str, Any]:
        """Wait for the coordinator's next wish."""
        try:
            line = self._lines.readline()
        except OSError:
            line = b""
        if not line:
            os._exit(1)
        wish: dict[str, Any] = json.loads(line)
        return wish


class ExhaustedError(Exception):
    """A call failed after as many as its author asked for: it cannot be repeated at will."""


class Parking:
    """One benchmark while it is parked; keeps what was measured for `benchmark.stats`.

    `allowed` is the number of calls that the test's author asked for, None where that was left
    open. A call that fails later than that is no failure of the test.
    """

    def __init__(self, channel: Channel, body: Body, allowed: int | None) -> None:
        self._channel, self._body, self._allowed = channel, body, allowed
        self._calls = 0
        self.per_call: list[float] = []  # seconds
        self.iterations = 1

    def park(self, name: str) -> Any:
        """Call once, do what the coordinator asks until it says to leave, return the result."""
        with _collected():
            busy, began = busy_ns(), time.perf_counter_ns()
            result = self._body.once()
            self._calls += 1
            took = time.perf_counter_ns() - began
            self._channel.send("parked", id=name, call=took, busy=busy_ns() - busy)
            self.per_call.append(took / 1e9)
            try:
                with _at_home():
                    self._serve()
            finally:
                self._body.close()
            return result

    def _serve(self) -> None:
        while (wish := self._channel.receive())["do"] == "slice":
            try:
                values = self._slice(wish)
            except ExhaustedError:
                self._channel.send("exhausted", calls=self._allowed)
            else:
                self._channel.send("slice", **values)

    def _slice(self, wish: dict[str, Any]) -> dict[str, int]:
        calls, warm, reading = wish["calls"], wish["warm"], meter(wish["metric"])
        if wish["core"] is not None:
            os.sched_setaffinity(0, {wish["core"]})
        gc.collect()
        if wish["collector"]:
            gc.enable()
        try:
            for _ in range(warm):
                self._body.once()
            self._body.run(calls, reading)
        except Exception as error:
            if self._allowed is not None and self._calls + warm + calls > self._allowed:
                raise ExhaustedError from error
            raise
        finally:
            gc.disable()
        self._calls += warm + calls
        return self._kept(reading.values(), calls)

    def _kept(self, values: dict[str, int], calls: int) -> dict[str, int]:
        if "wall" in values:
            self.per_call.append(values["wall"] / calls / 1e9)
            self.iterations = calls
        return values


def busy_ns() -> int:
    """Return the processor time that this process has had, with children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + int((children.ru_utime + children.ru_stime) * 1e9)


@contextmanager
def _at_home() -> Iterator[None]:
    """Let this thread run afterwards where it could before."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextmanager
def _collected() -> Iterator[None]:
    """Keep the collector out of calls, and what lives already out of its sight.

    Only what is new since the last benchmark is looked at: to go through all that pytest and the
    project have imported would take longer than some benchmarks do.
    """
    was_enabled = gc.isenabled()
    gc.collect(1)
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
