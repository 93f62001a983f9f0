"""`python -m perf.experiments.gate_power`: run trials, or say what those of a file show.

Each trial's result is written as it ends, so that a run may be stopped at any time and resumed:
what is in the file is not measured again. Figures go to `trials.jsonl`, all slices beside it to
`samples.jsonl`, from which every verdict can be worked out anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from perf.experiments.gate_power.calibrate import effects
from perf.experiments.gate_power.run import Record, TrialError, run
from perf.experiments.gate_power.summary import markdown
from perf.experiments.gate_power.trials import EFFECTS, Trial, planned
from perf.files import write_atomically
from perf.lab import Unavailable
from perf.saying import say

_TRIALS, _SAMPLES, _RESULT, _KNOB = "trials.jsonl", "samples.jsonl", "result.md", "knob.json"


@click.group()
def main() -> None:
    """Measure how often the gate is wrong."""


@main.command(name="run")
@click.option("--aa", default=100, help="Comparisons of the suite with itself.")
@click.option("--loaded", default=50, help="The same beside a busy neighbour.")
@click.option("--samples", default=40, help="Slowdowns of each size.")
@click.option("--out", default="perf/experiments/gate_power", type=click.Path(path_type=Path))
@click.option("--resume", is_flag=True, help="Go on where the folder's last run stopped.")
@click.option("--minutes", default=float("inf"), help="Begin no trial after this time.")
def run_trials(  # noqa: PLR0913, PLR0917 - one parameter an option
    aa: int,
    loaded: int,
    samples: int,
    out: Path,
    resume: bool,  # noqa: FBT001 - click passes flags by name
    minutes: float,
) -> None:
    """Run the trials that the folder does not hold yet."""
    out.mkdir(parents=True, exist_ok=True)
    done = {row["trial"] for row in rows(out)}
    if done and not resume:
        raise click.UsageError(f"{out} holds {len(done)} trials; --resume adds to them")
    todo = [trial for trial in planned(aa, loaded, samples) if trial.key not in done]
    began = time.monotonic()
    for number, trial in enumerate(todo, 1):
        if time.monotonic() - began > 60 * minutes:
            say(f"time is up; {len(todo) - number + 1} trials are left")
            break
        _one(trial, f"[{number}/{len(todo)}]", out)
    _show(out)


@main.command()
@click.option("--out", default="perf/experiments/gate_power", type=click.Path(path_type=Path))
def show(out: Path) -> None:
    """Say what the folder's trials show, without measuring."""
    _show(out)


@main.command()
@click.option("--out", default="perf/experiments/gate_power", type=click.Path(path_type=Path))
def knob(out: Path) -> None:
    """Count the instructions that the knob adds, by callgrind; some minutes."""
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, float]] = {}
    for name, changes in effects(EFFECTS):
        found[name] = {f"{extra}%": round(change, 5) for extra, change in changes.items()}
        say(f"{name}: " + ", ".join(f"{e} % is {c:+.2%}" for e, c in changes.items()))
    write_atomically(out / _KNOB, json.dumps(found, indent=1) + "\n")


def _one(trial: Trial, place: str, out: Path) -> None:
    """Run a trial and keep it; one that fails is said and may be resumed, never counted."""
    try:
        record = run(trial)
    except (TrialError, Unavailable, OSError) as error:
        say(f"{place} {trial.key}: not measured: {error}")
        return
    keep(out, record)
    gate = record.figures["gate"]
    found = [e["id"] for e in gate["benchmarks"] if e["verdict"] in {"slower", "faster"}]
    say(f"{place} {trial.key}: {gate['seconds']:.0f} s, flagged {', '.join(found) or 'nothing'}")


def keep(out: Path, record: Record) -> None:
    """Append a trial, its samples first: a trial that is in the list has its samples."""
    figures = record.figures
    _append(out / _SAMPLES, {"trial": figures["trial"], "measured": record.samples})
    _append(out / _TRIALS, figures)


def _append(path: Path, row: Any) -> None:
    """Append a line; a line that a killed run left unfinished is ended first."""
    torn = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + json.dumps(row, separators=(",", ":")) + "\n")


def rows(out: Path) -> list[dict[str, Any]]:
    """Return the trials of a folder; a line that a killed run left unfinished is none."""
    path = out / _TRIALS
    if not path.exists():
        return []
    return list(_whole(path.read_text(encoding="utf-8").splitlines()))


def _whole(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def _show(out: Path) -> None:
    text = markdown(rows(out))
    write_atomically(out / _RESULT, text)
    click.echo(text, nl=False)


if __name__ == "__main__":
    main()
