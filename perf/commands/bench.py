"""`ava-perf bench`: the microbenchmarks, with what they were the last time."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from perf import benching, environment
from perf.errors import UserError
from perf.exits import Exit
from perf.files import OutputError, write_atomically
from perf.history import intake
from perf.history.series import Series
from perf.saying import say
from perf.settings import read, read_section

_NO_TESTS, _USAGE, _INTERRUPTED = 5, 4, 2  # pytest's exit codes


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("-k", "expression", metavar="EXPR", help="Only benchmarks that match, as pytest's.")
@click.option("--folder", type=click.Path(), help="Where the benchmarks are.")
@click.option("--json", "json_file", type=click.Path(), help="Write the figures; - prints them.")
@click.option("--no-save", is_flag=True, help="Compare, and do not keep this run.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGS]")
def command(
    expression: str | None,
    folder: str | None,
    json_file: str | None,
    no_save: bool,  # noqa: FBT001 - click passes flags by name
    arguments: tuple[str, ...],
) -> int:
    """Run pytest-benchmark's benchmarks and show them beside the last run on such a machine."""
    root = Path.cwd()
    settings = read_section(benching.BenchSettings, "bench", root, os.environ)
    history = read(root, os.environ).history_in(root)
    place = root / (folder or settings.folder)
    if not place.exists():
        raise UserError(f"{place} is not there; name the benchmarks with --folder")
    run = _run(root)
    ended, raw = _measured(place, [*(("-k", expression) if expression else ()), *arguments])
    if not raw:
        return _reason(ended)
    now = benching.read(raw)
    compared = benching.compare(now, _past(history, run["machine"]))
    if not no_save:
        intake.keep(history, "bench.json", benching.to_json(compared, run), say)
    _show(compared, run, json_file)
    if ended:
        say("some benchmarks failed; their figures are missing above")
    return Exit.NOT_MEASURED if ended else Exit.OK


def _run(root: Path) -> dict[str, Any]:
    """Return what identifies this run: the class of machine includes the interpreter here."""
    started, revision = datetime.now(UTC), environment.revision(root)
    return {
        "run": f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "commit": revision.commit,
        "dirty": revision.dirty,
        "machine": environment.interpreter_class(),
    }


def _measured(place: Path, arguments: Sequence[str]) -> tuple[int, Mapping[str, Any]]:
    """Run pytest in a process of its own; return its exit code, and the figures if it has any.

    What pytest prints is progress, and goes to stderr.
    """
    with tempfile.TemporaryDirectory(prefix="ava-bench-") as folder:
        figures = Path(folder, "figures.json")
        options = ("--benchmark-enable", "--benchmark-only", "--benchmark-quiet")
        command = [sys.executable, "-m", "pytest", str(place), *options, *arguments]
        ended = subprocess.run(
            [*command, f"--benchmark-json={figures}"], stdout=sys.stderr, check=False
        ).returncode
        text = figures.read_text(encoding="utf-8") if figures.exists() else ""
    return ended, json.loads(text) if text.strip() else {}


def _reason(ended: int) -> Exit:
    """Return the exit code of a run that measured nothing."""
    if ended == _INTERRUPTED:
        raise KeyboardInterrupt
    if ended == _USAGE:
        raise UserError("pytest could not use its arguments; see above")
    if ended in {0, _NO_TESTS}:
        say("no benchmark is selected")
        return Exit.NOTHING_SELECTED
    say("no benchmark could be measured; see above")
    return Exit.NOT_MEASURED


def _past(history: Path | None, machine: str) -> tuple[Series, ...]:
    if history is None:
        return ()
    try:
        past, unreadable = benching.past_of(history, machine)
    except (OSError, UnicodeDecodeError) as error:
        say(f"{history} cannot be read, so nothing is compared: {error}")
        return ()
    if unreadable:
        say(f"{unreadable} lines of {history} cannot be read; left out")
    return past


def _show(
    compared: Sequence[benching.Compared], run: Mapping[str, Any], json_file: str | None
) -> None:
    document = json.dumps(benching.to_json(compared, run), indent=1)
    if json_file == "-":
        click.echo(document)
        return
    click.echo(benching.table(compared))
    if json_file is not None:
        try:
            write_atomically(Path(json_file), document + "\n")
        except OSError as error:
            raise OutputError(f"{json_file} cannot be written: {error.strerror}") from error
