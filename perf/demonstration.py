"""Demonstrations: the subject of the claims, running for somebody to look at.

The engine knows no subject. A claims package declares what there is to show, as it declares its
claims: a function with `@demonstration`, found by discovery. It gets a lab with its data prepared,
starts what it needs under the run's guard, and says what to print; `ava-perf demo` does the rest.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from perf.lab.guard import Guard
    from perf.lab.lab import Lab

B = TypeVar("B", bound=Callable[..., Any])
_MARK = "__ava_perf_demonstration__"


@dataclass(frozen=True, slots=True)
class Figures:
    """Where a service tells its own figures in Prometheus's form, and by which names.

    `requests` and `loop_lag` are histograms, `hits` and `misses` counters that are added up, `pool`
    gauges under the names they are shown by. `aside` is the label, and its value, of the requests
    that are not to be counted: those for the figures themselves. What a service does not tell stays
    empty, and is then not known.
    """

    path: str
    requests: str = ""
    aside: tuple[str, str] | None = None
    hits: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()
    loop_lag: str = ""
    pool: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """A running service that load can be put on, and from where it can be watched.

    `headers`, `dsn` and `redis_url` hold secrets. `processes` are its own, whose memory is read;
    `servers` are the others that must not share the generator's core.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    processes: Mapping[str, int] = field(default_factory=dict)
    servers: Sequence[int] = ()
    figures: Figures | None = None
    dsn: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a demonstration shows: lines for stdout, and the processes that it consists of.

    `service` is what load can be put on, where there is such a thing.
    """

    lines: Sequence[str]
    processes: Sequence[subprocess.Popen[bytes]] = ()
    service: Service | None = None


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The claims' subject, running for somebody to look at.

    `body` takes the lab, the guard that its processes belong to, and the port it is to be found on
    (0 for any); what it enters is left when the onlooker has seen enough.
    """

    name: str
    body: Callable[[Lab, Guard, int], AbstractContextManager[Shown]]
    needs: tuple[str, ...] = ()
    module: str = ""


def demonstration(name: str, *, needs: Sequence[str] = ()) -> Callable[[B], B]:
    """Declare what `ava-perf demo` shows; it may name preparations in `needs`."""

    def mark(body: B) -> B:
        declared = Demonstration(name, body, tuple(needs), body.__module__)
        setattr(body, _MARK, declared)
        return body

    return mark


def demonstrated(value: object) -> Demonstration | None:
    """Return what `@demonstration` left on a function, None on anything else."""
    found = getattr(value, _MARK, None)
    return found if isinstance(found, Demonstration) else None
