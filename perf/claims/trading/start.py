"""Row T8: `ava trade` from nothing to its first iteration, and what it holds in memory by then.

It is a process as its user starts it: the command, a simulated Yahoo in place of the real one, and
an SQLite file that does not exist yet. The configuration's sections cost nothing until they are
asked for, as document 004 (PERF-010) wants, because what they stand for is opened then.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import psutil  # type: ignore[import-untyped] # it ships no types

from perf.claim import Category, Plan, at_most, claim
from perf.claims.system.processes import simulated
from perf.claims.trading.stage import names
from perf.instruments import Arm, Count, Counted, Latency
from perf.lab import Unavailable
from perf.lab.guard import PACKAGE_ROOT
from perf.lab.lab import Lab
from perf.lab.providers import Simulation

_COMMAND = (sys.executable, "-m", "ava.cli", "trade", "--json")
_LOOK_S = 0.02
_numbers = itertools.count()


def _trade(lab: Lab, simulation: Simulation, iterations: int) -> tuple[dict[str, Any], float]:
    """Run the command for so many iterations; return its summary and its largest size in MB.

    The size is looked at every 20 ms: what the system counts itself begins with this process's own.
    """
    state = lab.scratch / f"state{next(_numbers)}"
    state.mkdir()
    config = state / "trade.toml"
    config.write_text(f"symbols = {json.dumps(names(10))}\n", encoding="ascii")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AVA_")}
    with subprocess.Popen(
        [*_COMMAND, "--iterations", str(iterations), "--config", str(config)],
        env={**inherited, **simulated(simulation), "AVA_STATE_DIRECTORY": str(state)},
        cwd=PACKAGE_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        largest = 0
        while child.poll() is None:
            with suppress(psutil.Error):
                largest = max(largest, psutil.Process(child.pid).memory_info().rss)
            time.sleep(_LOOK_S)
        said = b"" if child.stdout is None else child.stdout.read()
    if child.returncode:
        raise Unavailable(f"ava trade ended with {child.returncode}")
    return json.loads(said), largest / 1e6


@claim(
    id="T8.start",
    rows=["T8"],
    profiles=("full",),
    title="`ava trade` has done its first iteration, and ended, within 5 s of its start",
    source="004 targets",
    category=Category.LATENCY,
    target=at_most(5, "s"),
    deadline_s=120,
)
def start(lab: Lab) -> Plan:
    """Start it on ten symbols and a file that is not there, for one iteration."""
    simulation = lab.providers("yahoo")
    facts = {
        "measured": "the process from its beginning to its end: imports, a new SQLite file, prices"
        " of ten symbols from a simulated Yahoo without latency, one iteration, closing"
    }
    return Latency(
        Arm(lambda: _trade(lab, simulation, 1)[0]),
        unit="s",
        check=lambda found: found["iterations"] == 1 and found["prices"] == 10,
        facts=facts,
        budget_s=1.0,
        min_rounds=6,
    )


@claim(
    id="T8.memory",
    rows=["T8"],
    profiles=("full",),
    title="`ava trade` holds less than 300 MB, where 4 GB were allowed",
    source="004 targets; 300 MB is the product's own aim",
    category=Category.RESOURCES,
    target=at_most(300, "MB"),
)
def memory(lab: Lab) -> Plan:
    """Take the largest of the sizes it was seen to have over three iterations."""
    simulation = lab.providers("yahoo")

    def count() -> Counted:
        found, size = _trade(lab, simulation, 3)
        return Counted(round(size), {"iterations": found["iterations"], "document": "2-3 GB"})

    return Count(count, "MB", repeats=1)
