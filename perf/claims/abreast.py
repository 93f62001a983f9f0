"""Counted work in pieces, done on all cores at once.

For what is counted and never timed: a hit ratio is the same in whatever process it is worked out,
and however busy the machine is, so its pieces may share the cores. What is timed must not come
here.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def abreast(work: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
    """Return what `work`, a function of a module, makes of each piece, in their order.

    Give the longest pieces first: they are begun in order.
    """
    processes = min(len(os.sched_getaffinity(0)), len(pieces))
    if processes < 2:
        return [work(piece) for piece in pieces]
    # Not by fork: whoever measures has threads. The server imports the work once for all of them.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__])
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return list(pool.map(work, pieces))
