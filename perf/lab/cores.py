"""Who runs where: the measuring process on one core, those that serve it on the others.

Left alone, the scheduler sometimes puts a session on its client's core and sometimes not, and a
round trip on a socket takes 60 us one way and 105 us the other. It decides once and keeps to it, so
a process sees one of the two all along and its interval says nothing of the other. A server on a
machine of its own is never on the client's core; that is the case which is kept. Of
PostgreSQL only sessions are placed: parallel workers are started by the server and stay free, so no
plan is slowed down. Redis and the simulated providers are one process each.
"""

from __future__ import annotations

import os
from collections.abc import Iterable


def split(cores: Iterable[int]) -> tuple[set[int], set[int]] | None:
    """Return the client's core and the servers' cores; None where there is only one."""
    first, *others = sorted(cores)
    return ({first}, set(others)) if others else None


def separate(servers: Iterable[int]) -> bool:
    """Place this process and the processes `servers` on different cores; say whether it was done.

    A process that has ended or belongs to somebody else is left alone.
    """
    if not hasattr(os, "sched_setaffinity"):  # not on macOS
        return False
    placed = split(os.sched_getaffinity(0))
    if placed is None:
        return False
    client, others = placed
    for pid in servers:
        try:
            os.sched_setaffinity(pid, others)
        except OSError:
            continue
    os.sched_setaffinity(0, client)
    return True


def spread() -> None:
    """Let this process run on every core again: what a placed process starts inherits its core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))  # the system keeps those it allows
