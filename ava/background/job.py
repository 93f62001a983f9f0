"""What a job is, as data: its work, its timetable, and what becomes of a failure.

A job is a module-level value of type `Job` in a module of `ava.background.jobs`; that is all it
takes for it to be run, shown and switched. Its name is its kind in the table of tasks and the name
of its switch: it is on unless somebody turned that off, since the documents promise these jobs to
whoever runs the platform. What it does must bear being done twice, because a job whose worker died
is done again.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ava.background import jobs
from ava.errors import (
    AuthenticationError,
    NoDatabaseError,
    PlanError,
    QuotaExhaustedError,
    SettingsError,
)

if TYPE_CHECKING:
    from ava.background.timetable import Timetable
    from ava.core import Core

# Work at a tick; returns what it did, in a sentence that people read.
Work = Callable[["Core", datetime], Awaitable[str]]

TASKS: Final = "tasks"  # the tag of what is shown of runs
START_S: Final = 3600.0  # workers that start within one hour, as in a deployment, start once

# What is still so in a minute is not tried again: the next tick finds out.
_LASTING: Final = (
    AuthenticationError,
    NoDatabaseError,
    PlanError,
    QuotaExhaustedError,
    SettingsError,
)


class NotDoneError(Exception):
    """There was nothing that could be done; the message says why. It is no failure."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """At most `attempts`; the waits between them double from `base_s` up to `cap_s`."""

    attempts: int = 4
    base_s: float = 30.0
    cap_s: float = 900.0

    def wait_s(self, error: BaseException, made: int) -> float | None:
        """Return how long to wait after `made` attempts, of which the last failed; None to end."""
        if made >= self.attempts or isinstance(error, _LASTING):
            return None
        return float(min(self.cap_s, self.base_s * 2 ** (made - 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something that is done at each tick of a timetable, by one worker.

    A tick is run for up to `grace_s` after its time; later it is left to the next one. `at_start`
    has it run when a worker starts, too, as the tick of that hour. An attempt longer than `limit_s`
    is a failed one.
    """

    name: str
    title: str
    timetable: Timetable
    work: Work
    at_start: bool = False
    grace_s: float = 600.0
    limit_s: float = 600.0
    priority: int = 3
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        if self.at_start and self.grace_s < START_S:
            raise ValueError(
                f"{self.name} is run at a start, whose tick may be {START_S:.0f} s old; its grace "
                f"is {self.grace_s:g} s, and must not be less"
            )


def discover() -> dict[str, Job]:
    """Return every job by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(jobs.__path__))
    modules = [importlib.import_module(f"{jobs.__name__}.{name}") for name in names]
    found = [value for module in modules for value in vars(module).values()]
    return {job.name: job for job in found if isinstance(job, Job)}
