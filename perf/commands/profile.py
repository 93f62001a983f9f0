"""`ava-perf profile`: where a claim's work, or a service under load, spends its time."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from perf import audit as auditing
from perf import profiling
from perf.claim import Catalogue, Claim
from perf.errors import UserError
from perf.exits import Exit
from perf.lab.lab import Servers
from perf.load.profiled import profiled
from perf.load.run import Order
from perf.load.scenario import ScenarioError
from perf.load.scenarios import located
from perf.load.subject import demonstrated
from perf.report import build, profiles
from perf.runner import Runner
from perf.saying import say
from perf.settings import PROFILES, Settings, read, read_section


@click.command()
@click.argument("subject", metavar="CLAIM|SCENARIO")
@click.option("--memory", is_flag=True, help="What a claim holds, and where that was allocated.")
@click.option("--seconds", type=click.FloatRange(0.5, 60.0), help="How long it is looked at.")
@click.option("--profile", type=click.Choice(PROFILES), help="Size of the data.")
@click.option("--out", type=click.Path(), default="reports/profiles", help="Folder of the files.")
@click.option("--into", type=click.Path(), help="Show the flame graph in this saved run as well.")
@click.option("--json", "as_json", is_flag=True, help="Print all that was seen as JSON.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    subject: str,
    memory: bool,  # noqa: FBT001 - click passes flags by name
    seconds: float | None,
    profile: str | None,
    out: str,
    into: str | None,
    as_json: bool,  # noqa: FBT001 - as above
) -> int:
    """Do a claim's work, or put a scenario's load on the demonstration, under observation."""
    root = Path.cwd()
    settings = read(root, os.environ).with_flags(profile=profile)
    length_s = seconds or _usual_s(root)
    catalogue = auditing.discovered(settings, root)
    found = _found(subject, catalogue, root)
    saved = None if into is None else build.load(Path(into))
    if isinstance(found, Path):
        if memory or saved is not None:
            raise UserError("--memory and --into are for claims; `ava-perf load` shows memory")
        seen = _of_scenario(found, profile, root, length_s)
    else:
        observers = profiling.MEMORY if memory else profiling.TIME
        seen = _of_claim(settings, catalogue, root, found, observers, length_s)
    for path in profiles.write(root / out / _folder(found), seen):
        say(f"wrote {path}")
    if saved is not None and into is not None and not memory:
        profiling.attach_to_claim(saved, subject, seen["cpu"])
        build.render(Path(into), saved)
        say(f"shown in {Path(into) / 'index.html'}")
    click.echo(json.dumps(seen, indent=1) if as_json else profiles.text(seen))
    return Exit.OK


def _found(subject: str, catalogue: Catalogue, root: Path) -> Claim | Path:
    """Return the claim of that id, or the file of the scenario of that name."""
    for claim in catalogue.claims:
        if claim.id == subject:
            return claim
    try:
        return located(subject, root)
    except ScenarioError as error:
        raise UserError(f"{subject!r} is no claim of `ava-perf list`, and {error}") from error


def _folder(found: Claim | Path) -> str:
    return found.stem if isinstance(found, Path) else found.id


def _of_claim(  # noqa: PLR0913, PLR0917 - what a run needs, and what is asked of it
    settings: Settings,
    catalogue: Catalogue,
    root: Path,
    claim: Claim,
    observers: Sequence[str],
    seconds: float,
) -> profiles.Seen:
    say(f"observing {claim.id} for {seconds:g} s; what it measures meanwhile is thrown away")
    with Servers() as servers:
        auditing.require_given(servers)
        with Runner(auditing.context(settings.profile, servers, root), catalogue) as runner:
            return {name: profiling.observe(runner, claim, name, seconds) for name in observers}


def _of_scenario(file: Path, profile: str | None, root: Path, seconds: float) -> profiles.Seen:
    with demonstrated(profile, root) as subject:
        say(f"loading with {file.stem}, of which {seconds:g} s of the busiest phase are sampled")
        return profiled(Order(file), subject, seconds)


def _usual_s(root: Path) -> float:
    return read_section(profiling.ProfilingSettings, "profiling", root, os.environ).bounded_s
