"""`ava-perf history`: how figures went over the runs that were kept, and where they took a step."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from perf.changepoints import FEWEST
from perf.errors import UserError
from perf.exits import Exit
from perf.files import OutputError, write_atomically
from perf.history import intake, series, store, trends
from perf.history.document import NotReadableError
from perf.history.trends import Trend
from perf.report import history_page as page
from perf.report.figures import count
from perf.saying import say
from perf.settings import read

PAGE = "history.html"
_FEWEST_SHOWN = 20  # quiet series beyond this many are counted, not listed


@click.group(invoke_without_command=True)
@click.option("-k", "name", metavar="TEXT", default="", help="Only series whose name holds this.")
@click.option("--machine", metavar="TEXT", default="", help="Only this class of machine.")
@click.option("--out", type=click.Path(), help=f"The page. Default: {PAGE} beside the history.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    context: click.Context,
    name: str,
    machine: str,
    out: str | None,
    as_json: bool,  # noqa: FBT001 - click's flag
) -> int:
    """Show each series with its change points, and write a page of charts.

    Runs of audit, load, bench and gate are in it by themselves; `import` adds other tools' files.
    """
    if context.invoked_subcommand is not None:
        return Exit.OK
    file = _history()
    lines, unreadable = _lines(file)
    if unreadable:
        say(f"{unreadable} lines of {file.name} cannot be read; left out")
    chosen = [
        found
        for found in series.collect(lines)
        if name.lower() in str(found.key).lower() and machine in found.key.machine
    ]
    if not chosen:
        say(_nothing(file, len(lines)))
        return Exit.NOTHING_SELECTED
    found = trends.worst_first(map(trends.trend_of, chosen))
    _write(Path(out) if out else file.with_name(PAGE), page.render_history(found, unreadable))
    if as_json:
        document = {"unreadable": unreadable, "series": [trends.as_json(one) for one in found]}
        click.echo(json.dumps(document, indent=1))
    else:
        click.echo("\n".join(_table(found)))
    return Exit.OK


@command.command("import")
@click.argument("files", type=click.Path(), nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_files(files: tuple[str, ...], as_json: bool) -> int:  # noqa: FBT001 - click's flag
    """Add the runs of other tools' files to the history.

    Reads pytest-benchmark, pyperf, hyperfine, Locust, k6, github-action-benchmark, tables with the
    columns benchmark and value, and this harness's own files of load, bench and gate; .gz is
    unpacked. A run that is there is not added again. A file that cannot be read is refused by name
    and the others are read: exit 2.
    """
    history, taken, refused = _history(), [], 0
    for name in files:
        try:
            taken.append(intake.take(history, Path(name)))
        except NotReadableError as error:
            refused += 1
            say(f"refused: {error}")
        except OSError as error:
            raise OutputError(f"{history} cannot be written: {error.strerror}") from error
        else:
            if not as_json:
                click.echo("\n".join(_taken(taken[-1])))
    if as_json:
        click.echo(json.dumps({"files": [intake.as_json(one) for one in taken]}, indent=1))
    if refused:
        raise UserError(f"{refused} of {len(files)} files were refused")
    return Exit.OK


def _nothing(file: Path, runs: int) -> str:
    if runs:
        return f"none of the series in {file} is selected by -k and --machine"
    return (
        f"{file} holds no run; audit, load, bench and gate fill it, and `ava-perf history import`"
    )


def _history() -> Path:
    file = read(Path.cwd(), os.environ).history_in(Path.cwd())
    if file is None:
        raise UserError("no history is kept: the setting `history` is empty")
    return file


def _lines(file: Path) -> tuple[list[store.Line], int]:
    try:
        return store.lines(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {error}") from error


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, text)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror}") from error
    say(f"charts: {target}")


def _taken(taken: intake.Taken) -> list[str]:
    """Return what became of a file: a line, and one for each thing that was skipped."""
    held = taken.imported
    kept = held.rows - len(held.skipped)
    rows = f"{count(held.rows, 'row')}, {kept:,} read, {len(held.skipped):,} skipped"
    known = f", {taken.known:,} known" if taken.known else ""
    added = f"{count(held.figures, 'figure')}; {count(taken.added, 'run')} added{known}"
    head = f"{taken.file}: {held.format}, {rows}, {added}"
    skipped = [f"  skipped {one.where}: {one.reason}" for one in held.skipped]
    return [head, *(f"  {note}" for note in held.notes), *skipped]


def _table(found: Sequence[Trend]) -> list[str]:
    """Return a line for each series, tab-separated: what moved in full, then what did not."""
    moved = [trend for trend in found if trend.steps]
    quiet = [trend for trend in found if not trend.steps]
    lines = [line for trend in moved for line in _steps(trend)]
    lines += [_quiet(trend) for trend in quiet[:_FEWEST_SHOWN]]
    if hidden := quiet[_FEWEST_SHOWN:]:
        lines.append(f"... {len(hidden)} more series without a step")
    worse = sum(page.is_worse(trend) for trend in found)
    return [*lines, f"{len(found)} series: {len(moved)} with a step, {worse} of them now worse"]


def _steps(trend: Trend) -> list[str]:
    key = trend.series.key
    return [
        "\t".join(
            [
                str(step.effect),
                str(key),
                page.moved_by(step),
                page.levels(trend, step),
                page.sure(step),
                page.named(step),
                f"run {step.point.index + 1} of {len(trend.series.points)}",
                f"{key.kind}, {key.machine}",
            ]
        )
        for step in reversed(trend.steps)
    ]


def _quiet(trend: Trend) -> str:
    """Return the line of a series without a step; of a few runs nothing is said."""
    key, points = trend.series.key, trend.series.points
    word = "steady" if len(points) >= FEWEST else "few"
    runs, last = count(len(points), "run"), f"last {page.last(trend)}"
    return "\t".join([word, str(key), runs, last, key.kind])
