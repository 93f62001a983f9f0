"""Demonstrations: the subject of the claims, running for somebody to look at.

The engine knows no subject. A claims package declares what there is to show, as it declares its
claims: a function with `@demonstration`, found by discovery. It gets a lab with its data prepared,
starts what it needs under the run's guard, and says what to print; `ava-perf demo` does the rest.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from perf.lab.guard import Guard
    from perf.lab.lab import Lab

B = TypeVar("B", bound=Callable[..., Any])
_MARK = "__ava_perf_demonstration__"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a demonstration shows: lines for stdout, and the processes that it consists of."""

    lines: Sequence[str]
    processes: Sequence[subprocess.Popen[bytes]] = ()


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
