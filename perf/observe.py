"""Observers: what a claim's work costs besides time, seen while it is done once more.

Each looks on from within the worker while `run` does the work, again and again until its seconds
have passed, and returns JSON values for the report. What an observer costs falls on what is
observed (a sampler stops the process, tracing makes each allocation slower), so none of it is ever
a measurement, and memory is observed in two runs: one that is not traced, for the level, and one
that is, for the places.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import dropwhile
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType, MappingProxyType
from typing import Any

from perf.instruments import profile
from perf.instruments.memory import resident_mb
from perf.stacks import Stacks

Observer = Callable[[Callable[[], object], float], Mapping[str, Any]]

_INSTRUMENT, _STATISTICS = "(perf/instruments/", "(perf/stats.py"
_AROUND = (_INSTRUMENT, "(asyncio/base_events.py", "(asyncio/events.py")
_ITSELF = "the harness itself"

_LOOK_S = 0.02
_PATIENCE, _LEAST_S = 3.0, 5.0  # times the seconds asked for, after which work is interrupted
_MOST_POINTS = 200
_FRAMES = 6  # of each allocation's way
_MB = 1_000_000
_GROWN = 1.2  # a new snapshot is taken when this much more is held than at the last
_PAUSE_S = 0.25  # between snapshots, which stop everything


def cpu(run: Callable[[], object], seconds: float) -> Mapping[str, Any]:
    """Sample where the process runs; raise Unavailable where that is not allowed."""
    profile.allow_tracing()
    with TemporaryDirectory(prefix="ava-profile-") as folder:
        sampler = profile.Sampler(os.getpid(), Path(folder, "stacks.txt"))
        sampler.start()
        try:
            times = _again(run, seconds)
        except BaseException:
            sampler.kill()
            raise
        seen = sampler.finish()
        return {**replace(seen, stacks=work_of(seen.stacks)).to_dict(), "times": times}


def work_of(found: Stacks) -> Stacks:
    """Return the stacks without what the harness and the event loop put around the work.

    The same work is called to warm up, to calibrate and to be timed; here these are one. What the
    harness does for itself is one frame of that name.
    """
    work: Counter[tuple[str, ...]] = Counter()
    for frames, count in found.items():
        work[_inside(frames)] += count
    return dict(work)


def _inside(frames: tuple[str, ...]) -> tuple[str, ...]:
    first = next((at for at, frame in enumerate(frames) if _INSTRUMENT in frame), None)
    if first is None:
        return frames
    rest = dropwhile(lambda frame: any(place in frame for place in _AROUND), frames[first:])
    inside = tuple(rest)
    return inside if inside and _STATISTICS not in inside[0] else (_ITSELF,)


def resident(run: Callable[[], object], seconds: float) -> Mapping[str, Any]:
    """Read the physical memory of the process over and over."""
    began, curve = time.monotonic(), []

    def look() -> None:
        curve.append((time.monotonic() - began, resident_mb()))

    look()
    with _looking(look):
        times = _again(run, seconds)
    look()
    points = [[round(at, 3), round(mb, 2)] for at, mb in _thinned(curve)]
    return {"kind": "resident", "times": times, "points": points}


def allocations(run: Callable[[], object], seconds: float) -> Mapping[str, Any]:
    """Trace what is allocated, and keep the places of what was held when most was."""
    keeper = _Keeper()
    tracemalloc.start(_FRAMES)
    try:
        with _looking(keeper.look):
            times = _again(run, seconds)
        keeper.keep()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return {
        "kind": "allocations",
        "times": times,
        "peak_mb": round(peak / _MB, 2),
        "kept_mb": round(keeper.held / _MB, 2),
        "top": keeper.top(profile.TOP),
    }


OBSERVERS: Mapping[str, Observer] = MappingProxyType(
    {"cpu": cpu, "resident": resident, "allocations": allocations}
)


class _Keeper:
    """Keeps the snapshot of the moment at which most was held, of those it looked at."""

    def __init__(self) -> None:
        self.held = 0
        self._snapshot: tracemalloc.Snapshot | None = None
        self._next = 0.0

    def look(self) -> None:
        if time.monotonic() >= self._next and self._now() > self.held * _GROWN:
            self.keep()
            self._next = time.monotonic() + _PAUSE_S

    def keep(self) -> None:
        """Take a snapshot if more is held than at the last."""
        held = self._now()
        if self._snapshot is None or held > self.held:
            self.held, self._snapshot = held, tracemalloc.take_snapshot()

    @staticmethod
    def _now() -> int:
        held, _ = tracemalloc.get_traced_memory()
        return held

    def top(self, most: int) -> list[list[Any]]:
        """Return place, bytes and blocks of what held most; the tracer's own is not shown."""
        if self._snapshot is None:
            return []
        own = tracemalloc.Filter(inclusive=False, filename_pattern=tracemalloc.__file__)
        found = self._snapshot.filter_traces([own]).statistics("lineno")[:most]
        return [
            [
                f"{profile.from_package(s.traceback[0].filename)}:{s.traceback[0].lineno}",
                s.size,
                s.count,
            ]
            for s in found
        ]


class _Enough(BaseException):
    """The time is up; whatever the work is doing is left undone."""


def _again(run: Callable[[], object], seconds: float) -> int:
    """Do the work until the time has passed; return how often it was done to its end.

    Work that can be done only once is no fault: then once is what was observed. Work that takes
    much longer than was asked for is interrupted: what it did until then has been seen.
    """
    until, times = time.monotonic() + seconds, 0
    with suppress(_Enough), _interrupted(max(_LEAST_S, _PATIENCE * seconds)):
        run()
        times = 1
        while time.monotonic() < until:
            try:
                run()
            except Exception:  # noqa: BLE001 - whatever a plan raises that was not made to run twice
                break
            times += 1
    return times


@contextmanager
def _interrupted(after_s: float) -> Iterator[None]:
    """Raise _Enough in the block after some time; a worker's job runs in its main thread."""

    def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's arguments
        raise _Enough

    before = signal.signal(signal.SIGALRM, leave)
    signal.setitimer(signal.ITIMER_REAL, after_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _looking(look: Callable[[], None]) -> Iterator[None]:
    """Call `look` in a thread of its own, every few milliseconds."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_S):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _thinned(curve: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield the highest reading of each of a bounded number of stretches, in order."""
    step = max(1, -(-len(curve) // _MOST_POINTS))
    for start in range(0, len(curve), step):
        yield max(curve[start : start + step], key=lambda point: point[1])
