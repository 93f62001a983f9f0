"""Check the knob: what a unit more costs in instructions, counted by callgrind.

A count of instructions repeats where a time does not. Each workload is called a few times under
callgrind, in base and with the knob turned; a run with no call at all is taken off both, so that
starting Python does not count.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from perf.experiments.gate_power.run import SUITE
from perf.experiments.gate_power.trials import BENCHMARKS
from perf.lab import Unavailable

CALLS = 20
_CALLGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
_PROGRAM = """
from suite import workloads
workloads.EXTRA.update({{{name!r}: {extra}}})
made = workloads.{name}()
call = made[0] if isinstance(made, tuple) else made
call()
for _ in range({calls}):
    call()
"""
_COUNT = re.compile(r"Collected : (\d+)")


def effects(extra: int) -> Iterator[tuple[str, float]]:
    """Yield each workload's name and its relative change in instructions."""
    if shutil.which("valgrind") is None:
        raise Unavailable("callgrind is not installed", "apt-get install valgrind")
    with tempfile.TemporaryDirectory(prefix="gate-power-") as folder:
        shutil.copytree(SUITE, Path(folder, SUITE.name))
        for name in BENCHMARKS:
            base, head = (_instructions(Path(folder), name, turned) for turned in (0, extra))
            yield name, head / base - 1


def _instructions(folder: Path, name: str, extra: int) -> int:
    counts = (_counted(folder, name, extra, calls) for calls in (CALLS, 0))
    return next(counts) - next(counts)


def _counted(folder: Path, name: str, extra: int, calls: int) -> int:
    program = _PROGRAM.format(name=name, extra=extra, calls=calls)
    done = subprocess.run(
        [*_CALLGRIND, sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = _COUNT.search(done.stderr)
    if done.returncode or not found:
        raise Unavailable(f"callgrind cannot count {name}: {done.stderr[-400:]}")
    return int(found[1])
