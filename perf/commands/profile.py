"""`ava-perf profile`: where a claim's work spends its time, or what it holds in memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from perf import audit as auditing
from perf import profiling
from perf.exits import Exit
from perf.lab.lab import Servers
from perf.report import build, profiles
from perf.runner import Runner
from perf.saying import say
from perf.settings import PROFILES, read, read_section


@click.command()
@click.argument("claim")
@click.option("--memory", is_flag=True, help="What it holds, and where that was allocated.")
@click.option("--seconds", type=click.FloatRange(0.5, 60.0), help="How long it is looked at.")
@click.option("--profile", type=click.Choice(PROFILES), help="Size of the data.")
@click.option("--out", type=click.Path(), default="reports/profiles", help="Folder of the files.")
@click.option("--into", type=click.Path(), help="Show the flame graph in this saved run as well.")
@click.option("--json", "as_json", is_flag=True, help="Print all that was seen as JSON.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    claim: str,
    memory: bool,  # noqa: FBT001 - click passes flags by name
    seconds: float | None,
    profile: str | None,
    out: str,
    into: str | None,
    as_json: bool,  # noqa: FBT001 - as above
) -> int:
    """Do a claim's work once more under observation: where its time goes, or its memory."""
    root = Path.cwd()
    settings = read(root, os.environ).with_flags(profile=profile)
    catalogue = auditing.discovered(settings, root)
    found = catalogue.find(claim)
    saved = None if into is None else build.load(Path(into))
    length_s = seconds or _usual_s(root)
    observers = profiling.MEMORY if memory else profiling.TIME
    say(f"observing {found.id} for {length_s:g} s; what it measures meanwhile is thrown away")
    with Servers() as servers:
        auditing.require_given(servers)
        with Runner(auditing.context(settings.profile, servers, root), catalogue) as runner:
            seen = {name: profiling.observe(runner, found, name, length_s) for name in observers}
    for path in profiles.write(root / out / found.id, seen):
        say(f"wrote {path}")
    if saved is not None and into is not None and not memory:
        profiling.attach_to_claim(saved, found.id, seen["cpu"])
        build.render(Path(into), saved)
        say(f"shown in {Path(into) / 'index.html'}")
    click.echo(json.dumps(seen, indent=1) if as_json else profiles.text(seen))
    return Exit.OK


def _usual_s(root: Path) -> float:
    return read_section(profiling.ProfilingSettings, "profiling", root, os.environ).bounded_s
