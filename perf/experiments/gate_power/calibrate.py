"""Check the knob: what a unit more costs in instructions, counted by callgrind.

A count of instructions repeats where a time does not. Each workload is called a few times under
callgrind, in base and with the knob turned each way; a run with no further call is taken off all,
so that starting Python does not count.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
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


def effects(extras: Sequence[int]) -> Iterator[tuple[str, dict[int, float]]]:
    """Yield each workload's name and its relative change in instructions by units more."""
    if shutil.which("valgrind") is None:
        raise Unavailable("callgrind is not installed", "apt-get install valgrind")
    with tempfile.TemporaryDirectory(prefix="gate-power-") as folder:
        shutil.copytree(SUITE, Path(folder, SUITE.name))
        for name in BENCHMARKS:
            start = _counted(Path(folder), name, 0, 0)  # with the first call, of base
            base = (_counted(Path(folder), name, 0, CALLS) - start) / CALLS
            heads = {extra: _counted(Path(folder), name, extra, CALLS) for extra in extras}
            yield (
                name,
                {
                    extra: (head - start + base) / (CALLS + 1) / base - 1
                    for extra, head in heads.items()
                },
            )


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
