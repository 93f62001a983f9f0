"""`ava-perf audit`: run claims, judge them, write the report."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from perf import audit as auditing
from perf.claim import Catalogue, Claim
from perf.exits import Exit
from perf.profiling import ProfilingSettings
from perf.report import build
from perf.saying import say
from perf.select import parse
from perf.settings import PROFILES, Settings, read, read_section
from perf.summary import mark, summary, verdicts_of
from perf.verdict import exit_code


@click.command()
@click.option("-k", "expression", metavar="EXPR", help="Only claims that match: 'D3 and not rtt5'.")
@click.option("--profile", type=click.Choice(PROFILES), help="Size of data and patience.")
@click.option("--out", type=click.Path(), help="Folder of the report.")
@click.option("--counted", is_flag=True, help="Only claims whose verdict rests on no clock.")
@click.option(
    "--profile-missed/--no-profile-missed",
    "profile_missed",
    default=None,
    help="Flame graphs of the worst that missed their time; the full profile makes them.",
)
@click.option("--strict", is_flag=True, default=None, help="Exit 4 when a claim is inconclusive.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json on stdout.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    expression: str | None,
    profile: str | None,
    out: str | None,
    counted: bool,  # noqa: FBT001 - click passes flags by name
    profile_missed: bool | None,  # noqa: FBT001 - as above
    strict: bool | None,  # noqa: FBT001 - as above
    as_json: bool,  # noqa: FBT001 - as above
) -> int:
    """Run claims, judge them, write the report."""
    root = Path.cwd()
    settings = read(root, os.environ).with_flags(profile=profile, out=out, strict=strict)
    catalogue = auditing.discovered(settings, root)
    claims = _select(catalogue, settings.profile, expression, counted=counted)
    if not claims:
        say("no claim is selected; `ava-perf list` shows those there are")
        return Exit.NOTHING_SELECTED
    selection = _selection(expression, counted=counted)
    job = auditing.Audit(
        root,
        settings,
        catalogue,
        claims,
        selection,
        auditing.command_line(),
        _profile_s(root, settings, profile_missed),
    )
    say(f"{len(claims)} claims, {settings.profile} profile")
    document = auditing.run(job, say, _Counter(len(claims)))
    if as_json:
        click.echo(json.dumps(document, indent=1))
    else:
        click.echo(summary(document["results"]))
    say(f"report: {job.out / 'index.html'}")
    return exit_code(verdicts_of(document["results"]), strict=settings.strict)


def _select(
    catalogue: Catalogue, profile: str, expression: str | None, *, counted: bool
) -> tuple[Claim, ...]:
    matches = parse(expression) if expression else lambda _: True
    return tuple(
        claim
        for claim in catalogue.claims
        if profile in claim.profiles and matches(claim) and not (counted and claim.target.timed)
    )


def _profile_s(root: Path, settings: Settings, flag: bool | None) -> float | None:  # noqa: FBT001 - None is a third answer
    """Return how long each of the worst is to be profiled, None for no profiles."""
    wanted = read_section(ProfilingSettings, "profiling", root, os.environ)
    if flag is None:
        flag = wanted.missed or settings.profile == "full"
    return wanted.bounded_s if flag else None


def _selection(expression: str | None, *, counted: bool) -> str | None:
    parts = [f"-k {expression}" if expression else "", "--counted" if counted else ""]
    return " ".join(part for part in parts if part) or None


class _Counter:
    """Prints a line for each claim as it is judged."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def __call__(self, judged: build.Judged) -> None:
        self._done += 1
        claim, judgement = judged.measured.claim, judged.judgement
        shown = mark(judgement.verdict)
        say(f"[{self._done}/{self._total}] {shown} {claim.id}: {judgement.reason}")
