"""One run of the gate from what was asked for to what was measured: check out, check, measure.

All that a run makes (worktrees, environments, workers' output) lies in temporary folders and is
gone when it ends, in whatever way.
"""

from __future__ import annotations

import math
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import SystemRandom

from perf.errors import UserError
from perf.gate.coordinator import Job, Plan, Progress, measure
from perf.gate.environment import Place, as_it_lies, check, installed, interpreter
from perf.gate.inspection import dependency_note, inspect
from perf.gate.pairs import Stage
from perf.gate.process import Command
from perf.gate.protocol import Collected
from perf.gate.revisions import Checkouts, folders, worktrees
from perf.gate.rules import GateSettings, rule_for
from perf.gate.sample import Measured, Metric, Side
from perf.gate.scratch import reap, scratch
from perf.lab import Unavailable

_CALLGRIND_PATIENCE = 10  # times as long, since counting makes all slow
_PATIENCE_S = 300.0


class AskedError(UserError):
    """What was asked for does not fit together."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared, and how: the command's arguments, with settings in force."""

    here: Path
    settings: GateSettings
    base: str | None
    head: str | None
    base_dir: Path | None
    head_dir: Path | None
    arguments: tuple[str, ...]
    seed: int | None = None

    @property
    def metric(self) -> Metric:
        """Return what is compared."""
        return Metric(self.settings.metric)


def compare(
    asked: Asked, plan: Plan, say: Callable[[str], None], progress: Callable[[Progress], None]
) -> Measured:
    """Measure two versions against each other."""
    prefix = _prefix(asked.metric)
    python = interpreter(asked.settings.python or None, asked.here, os.environ)
    reap()
    with _checkouts(asked) as checkouts, scratch() as beside:
        notes = (*checkouts.notes, *dependency_note(checkouts.sides, python))
        for note in notes:
            say(f"note: {note}")
        places = _places(asked, checkouts, python, beside, say)

        def examine(found: Mapping[Side, Collected]) -> None:
            say(f"{python}: {' and '.join(dict.fromkeys(one.runtime for one in found.values()))}")
            inspect(places, found)

        try:
            measured = measure(_job(asked, places, beside, prefix, examine), plan, progress)
        except (OSError, Unavailable):
            check(python)  # where that is what hinders it says so better
            raise
    return replace(measured, notes=(*notes, *measured.notes))


@contextmanager
def _checkouts(asked: Asked) -> Iterator[Checkouts]:
    if asked.base_dir and asked.head_dir and not (asked.base or asked.head):
        yield folders(asked.base_dir, asked.head_dir)
    elif asked.base_dir or asked.head_dir:
        raise AskedError("--base-dir and --head-dir go together, and with no revision")
    elif asked.base is None:
        raise AskedError("what to compare with? --base REV, or --base-dir and --head-dir")
    else:
        with worktrees(asked.here, asked.base, asked.head) as checkouts:
            yield checkouts


def _places(
    asked: Asked,
    checkouts: Checkouts,
    python: str,
    beside: Path,
    say: Callable[[str], None],
) -> dict[Side, Place]:
    words = shlex.split(asked.settings.install)
    places = {}
    for side, checkout in checkouts.sides.items():
        if not checkout.folder.is_dir():
            raise AskedError(f"{checkout.label} has no folder {checkout.folder.name}")
        if words:
            say(f"{side}: {asked.settings.install}")
            places[side] = installed(python, checkout, beside / side, words)
        else:
            places[side] = as_it_lies(python, checkout)
    return places


def _job(
    asked: Asked,
    places: Mapping[Side, Place],
    beside: Path,
    prefix: tuple[str, ...],
    examine: Callable[[Mapping[Side, Collected]], None],
) -> Job:
    stem = beside / "counts"
    before = tuple(word.replace("{out}", f"{stem}.%p") for word in prefix)
    environment = {**os.environ, "AVA_GATE_CALLGRIND": str(stem)}
    settings = asked.settings
    commands = {
        side: Command(
            python=place.python,
            folder=place.checkout.folder,
            path=place.path,
            arguments=asked.arguments,
            environment=environment,
            entry=place.entry,
            prefix=before,
        )
        for side, place in places.items()
    }
    stage = Stage(
        commands=commands,
        labels={side: place.checkout.label for side, place in places.items()},
        metric=asked.metric,
        scratch=beside,
        patience_s=_PATIENCE_S * (_CALLGRIND_PATIENCE if prefix else 1),
    )
    return Job(
        stage=stage,
        rule_of=lambda benchmark: rule_for(benchmark, settings),
        inspect=examine,
        seed=SystemRandom().randrange(2**32) if asked.seed is None else asked.seed,
        max_time_s=settings.max_time or math.inf,
    )


def _prefix(metric: Metric) -> tuple[str, ...]:
    """Return the words that make a worker count instructions, where that is wanted."""
    if metric is not Metric.INSTRUCTIONS:
        return ()
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise Unavailable("valgrind is not installed", "apt-get install valgrind")
    return (valgrind, "-q", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file={out}")
