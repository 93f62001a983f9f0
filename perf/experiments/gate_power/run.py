"""Run one trial: `ava-perf gate` through its own entry point, and pytest-benchmark beside it.

Both see the same two folders, minutes apart at most, in an order drawn for each trial. What
pytest-benchmark says is taken from its own `--benchmark-compare-fail`, and its two runs of the
suite are what the gate's cost is counted in. Neither loads the other plugins that are installed
beside pytest-benchmark here, which the suite has no use for and which take seconds to import.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.exits import Exit
from perf.experiments.gate_power.burden import burden
from perf.experiments.gate_power.trials import Kind, Trial

SUITE = Path(__file__).parent / "suite"
PEER_RULE = "min:5%"
MAX_TIME_S = 0.25  # of pytest-benchmark, for each benchmark
_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "pytest_benchmark.plugin"}
_PATIENCE_S = 600.0


class TrialError(Exception):
    """A trial could not be run; its output says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a trial gave: a line of figures, and every slice beside it."""

    figures: dict[str, Any]
    samples: list[Any]


def run(trial: Trial) -> Record:
    """Run a trial in folders of its own."""
    rng = random.Random(trial.key)  # noqa: S311 - decides an order
    steps = ["gate", "peer"] if trial.beside else ["gate"]
    rng.shuffle(steps)
    with tempfile.TemporaryDirectory(prefix="gate-power-") as scratch:
        base, head = (_copy(Path(scratch, side)) for side in ("base", "head"))
        _turn(head / SUITE.name / "knob.py", trial.extra)
        results: dict[str, Any] = {}
        with burden() if trial.kind is Kind.LOADED else nullcontext():
            for step in steps:
                results[step] = (_gate if step == "gate" else _peer)(base, head, Path(scratch))
    return _record(trial, steps, results)


def _record(trial: Trial, steps: Sequence[str], results: Mapping[str, Any]) -> Record:
    samples = results["gate"].pop("measured")
    figures = {
        "trial": trial.key,
        "kind": trial.kind.value,
        "effect": trial.effect,
        "benchmark": trial.benchmark,
        "order": list(steps),
        "began": round(time.time()),
        "gate": results["gate"],
        "peer": results.get("peer"),
    }
    return Record(figures, samples)


def _copy(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SUITE, folder / SUITE.name, ignore=ignored)
    return folder


def _turn(knob: Path, extra: Mapping[str, int]) -> None:
    """Write the knob's line anew."""
    lines = knob.read_text(encoding="utf-8").splitlines()
    turned = [f"EXTRA = {dict(extra)!r}" if line.startswith("EXTRA") else line for line in lines]
    knob.write_text("\n".join(turned) + "\n", encoding="utf-8")


def _gate(base: Path, head: Path, scratch: Path) -> dict[str, Any]:
    file = scratch / "gate.json"
    arguments = ["--base-dir", str(base), "--head-dir", str(head), "--json", str(file)]
    command = [sys.executable, "-m", "perf.cli", "gate", *arguments, "--", SUITE.name]
    code, seconds, said = _timed(command, scratch)
    if not file.exists() or code not in {Exit.OK, Exit.MISSED, Exit.NOT_MEASURED}:
        raise TrialError(f"the gate itself failed (exit {code}): {said[-800:]}")
    found = json.loads(file.read_text(encoding="utf-8"))
    kept = ("id", "verdict", "change", "interval", "rounds", "seconds")
    return {
        "exit": code,
        "seconds": round(seconds, 2),
        "noise": found["noise"],
        "broken": found["broken"],
        "benchmarks": [{key: entry[key] for key in kept} for entry in found["benchmarks"]],
        "measured": found["measured"],
    }


def _peer(base: Path, head: Path, scratch: Path) -> dict[str, Any]:
    """Run the suite once on each side, and have the second compared with the first."""
    storage = f"--benchmark-storage=file://{scratch / 'peer'}"
    runs = []
    for name, folder, extra in (
        ("base", base, ["--benchmark-save=base"]),
        ("head", head, ["--benchmark-compare", f"--benchmark-compare-fail={PEER_RULE}"]),
    ):
        file = scratch / f"peer-{name}.json"
        options = [storage, f"--benchmark-json={file}", f"--benchmark-max-time={MAX_TIME_S}"]
        command = [sys.executable, "-m", "pytest", SUITE.name, "-q"]
        code, seconds, said = _timed([*command, *options, *extra], folder)
        if not file.exists():
            raise TrialError(f"pytest-benchmark wrote nothing (exit {code}): {said[-800:]}")
        runs.append((code, seconds, _lowest(file)))
    (_, base_s, before), (code, head_s, after) = runs
    return {
        "rule": PEER_RULE,
        "exit": code,
        "seconds": [round(base_s, 2), round(head_s, 2)],
        "min": {name: [before[name], after[name]] for name in before if name in after},
    }


def _lowest(file: Path) -> dict[str, float]:
    found = json.loads(file.read_text(encoding="utf-8"))
    return {entry["fullname"]: entry["stats"]["min"] for entry in found["benchmarks"]}


def _environment() -> dict[str, str]:
    """Return the variables of somebody who has set none of the tools' own."""
    mine = ("PYTEST_", "AVA_", "GITHUB_")
    return {k: v for k, v in os.environ.items() if not k.startswith(mine)} | _PLUGINS


def _timed(command: Sequence[str], folder: Path) -> tuple[int, float, str]:
    """Run a command as somebody would at a prompt; return its code, seconds and output."""
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    return done.returncode, time.monotonic() - began, done.stdout + done.stderr
