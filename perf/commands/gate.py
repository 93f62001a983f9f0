"""`ava-perf gate`: whether head is slower than base, for any pytest-benchmark suite."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from perf import environment
from perf.gate.coordinator import Progress
from perf.gate.document import document
from perf.gate.environment import interpreter
from perf.gate.outcome import Outcome, exit_of, outcome
from perf.gate.plan import wanted
from perf.gate.publish import to_file, to_folder, to_github
from perf.gate.rules import GateSettings, check
from perf.gate.sample import Metric
from perf.gate.session import Asked, compare
from perf.gate.table import table
from perf.history import intake
from perf.saying import say
from perf.settings import read, read_section

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--base", metavar="REV", help="The revision to compare with.")
@click.option("--head", metavar="REV", help="The revision to judge. Default: the working tree.")
@click.option("--base-dir", type=_FOLDER, help="A folder to compare with, instead of a revision.")
@click.option("--head-dir", type=_FOLDER, help="The folder to judge.")
@click.option("--python", metavar="PY", help="The project's interpreter, with pytest installed.")
@click.option("--install", metavar="CMD", help="Builds each revision: 'pip install --no-deps .'")
@click.option("--metric", type=click.Choice([str(m) for m in Metric]), help="Default: wall.")
@click.option("--threshold", type=float, metavar="SHARE", help="0.03 is 3 %, the default.")
@click.option("--floor", type=float, metavar="UNITS", help="The least change, in seconds a call.")
@click.option("--max-time", type=float, metavar="S", help="Stop after so many seconds.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write JSON; - prints.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for JSON, JUnit, Markdown.")
@click.option("--strict", is_flag=True, default=None, help="Exit 4 when one is undecided.")
@click.option("--allow-removed", is_flag=True, default=None, help="A benchmark may be gone.")
@click.option("--seed", type=int, help="Of orders and hash seeds. Default: by chance.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST ARGS]")
def command(  # noqa: PLR0913 - one parameter an option
    *,
    base: str | None,
    head: str | None,
    base_dir: Path | None,
    head_dir: Path | None,
    json_file: Path | None,
    out: Path | None,
    seed: int | None,
    arguments: tuple[str, ...],
    **flags: Any,
) -> int:
    """Say whether head is slower than base, benchmark by benchmark.

    Runs any pytest-benchmark or pytest-codspeed suite unchanged at both revisions, in turn.
    """
    here = Path.cwd()
    given = {name: value for name, value in flags.items() if value is not None}
    settings = replace(read_section(GateSettings, "gate", here, os.environ), **given)
    check(settings)
    words = arguments or settings.args
    asked = Asked(here, settings, base, head, base_dir, head_dir, words, seed)
    history, started = read(here, os.environ).history_in(here), datetime.now(UTC)
    result = outcome(compare(asked, wanted, say, _show), allow_removed=settings.allow_removed)
    found = document(result, _about(started, settings))
    _publish(result, found, json_file, out)
    intake.keep(history, "gate.json", found, say)
    return exit_of(result, strict=settings.strict)


def _publish(
    result: Outcome, found: Mapping[str, Any], json_file: Path | None, out: Path | None
) -> None:
    """Write what was asked for; stdout has the table, or the JSON, and GitHub's annotations."""
    printed = str(json_file) == "-"
    if json_file and not printed:
        to_file(found, json_file)
    if out:
        to_folder(result, found, out)
    click.echo(json.dumps(found, indent=1) if printed else table(result))
    for line in to_github(result, os.environ):
        click.echo(line, err=printed)


def _about(started: datetime, settings: GateSettings) -> dict[str, str]:
    """Return when and on what class of machine a run was made."""
    python = interpreter(settings.python or None, Path.cwd(), os.environ)
    return {"started": started.isoformat(), "machine": environment.interpreter_class(python)}


def _show(progress: Progress) -> None:
    kind = "base against base, " if progress.control else ""
    left = "" if progress.left_s is None else f", about {progress.left_s:.0f} s left"
    say(f"round {progress.round}: {kind}{progress.benchmarks} benchmarks{left}")
