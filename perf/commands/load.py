"""`ava-perf load`: put load on a service, judge what came of it, write the report."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from perf.files import check_replaceable
from perf.history import intake
from perf.load import judged
from perf.load.result import NAME, Result, load
from perf.load.run import Order, run
from perf.load.scenarios import located
from perf.load.searching import Capacity, at_scale, search
from perf.load.show import Live, table
from perf.load.subject import Subject, demonstrated, given
from perf.load.wanted import LoadSettings, parse
from perf.report import build
from perf.saying import say
from perf.settings import PROFILES, read, read_section
from perf.verdict import exit_code


@click.command()
@click.argument("scenario")
@click.option("--host", metavar="URL", help="What to load instead of the demonstration.")
@click.option("--header", "headers", multiple=True, metavar="K=V", help="Sent with each request.")
@click.option("--pid", "pids", multiple=True, metavar="NAME=PID", help="A process of the host's.")
@click.option("-t", "--threshold", "thresholds", multiple=True, help="'p95 <= 100 ms, phase=x'.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="Generating processes.")
@click.option(
    "--rate-scale", type=click.FloatRange(min=0.001), default=1.0, help="Times the rates."
)
@click.option("--users", type=click.IntRange(min=1), default=10, help="Of a file of your own.")
@click.option("--run-time", type=click.FloatRange(min=1), default=30.0, help="Seconds of the same.")
@click.option("--capacity", is_flag=True, help="Search the highest rate that is met.")
@click.option("--compare", type=click.Path(), metavar="RUN", help="An earlier run to compare to.")
@click.option("--profile", type=click.Choice(PROFILES), help="Size of the demonstration's data.")
@click.option("--out", type=click.Path(), help="Folder of the report.")
@click.option("--strict", is_flag=True, default=None, help="Exit 4 when one is inconclusive.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json on stdout.")
def command(scenario: str, **options: Any) -> int:
    """Run a SCENARIO, by its name in loadtests/ or its path, and judge its thresholds."""
    root = Path.cwd()
    settings = read_section(LoadSettings, "load", root, os.environ)
    general = read(root, os.environ).with_flags(
        strict=options["strict"], profile=options["profile"]
    )
    order = _order(located(scenario, root), settings, options)
    earlier = load(Path(options["compare"])) if options["compare"] else None
    out = root / (options["out"] or Path(settings.out) / order.file.stem)
    check_replaceable(out, build.MARKER)
    with _subject(settings, options, root) as subject:
        started, clock = datetime.now(UTC), time.monotonic()
        result, found = _put_on(order, subject, capacity=options["capacity"])
        took_s, facts = time.monotonic() - clock, subject.facts
    entries = judged.judge(result)
    about = judged.run_facts(root, result, started, took_s, _command_line(sys.argv[1:]))
    about["subject"] = _named(options["host"], general.profile)
    whole = judged.document(result, entries, about, facts)
    more = judged.further(result, found, earlier)
    whole["load"].update(more.data)
    judged.write(out, result, entries, whole)
    intake.keep(general.history_in(root), NAME, judged.file_of(result, whole), say)
    click.echo(json.dumps(whole, indent=1) if options["as_json"] else table(result, entries, more))
    say(f"report: {out / 'index.html'}")
    return exit_code(judged.verdicts(entries, result.reasons()), strict=general.strict)


def _put_on(order: Order, subject: Subject, *, capacity: bool) -> tuple[Result, Capacity | None]:
    """Run the order once, or search with it; return the run to report."""

    def attempt(scale: float) -> Result:
        return run(at_scale(order, scale), subject.service, subject.guard, Live())

    if not capacity:
        return attempt(1.0), None
    found = search(attempt, say)
    return found.shown, found


def _order(file: Path, settings: LoadSettings, options: Mapping[str, Any]) -> Order:
    wanted = (*settings.thresholds, *options["thresholds"])
    return Order(
        file,
        workers=options["workers"],
        rate_scale=options["rate_scale"],
        users=options["users"],
        run_time_s=options["run_time"],
        thresholds=tuple(parse(one) for one in wanted),
    )


def _subject(
    settings: LoadSettings, options: Mapping[str, Any], root: Path
) -> AbstractContextManager[Subject]:
    if options["host"]:
        return given(options["host"], options["headers"], options["pids"], settings, root)
    return demonstrated(options["profile"], root)


def _named(host: str | None, profile: str) -> str:
    """Return what was loaded, as the history tells it apart; an address without its user."""
    return urlsplit(host).netloc.rpartition("@")[2] if host else f"the demonstration, {profile}"


def _command_line(arguments: Sequence[str]) -> str:
    """Return the command as it was given, without the values of headers: they are often keys."""
    shown: list[str] = []
    for before, word in zip(["", *arguments], arguments, strict=False):
        name, equals, value = word.removeprefix("--header=").partition("=")
        secret = before == "--header" or word.startswith("--header=")
        prefix = "--header=" if word.startswith("--header=") else ""
        shown.append(f"{prefix}{name}=***" if secret and (equals or value) else word)
    return " ".join(["ava-perf", *shown])
