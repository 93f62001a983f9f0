"""The `ava-perf` command.

stdout is data, progress goes to stderr; every way to end has its exit code (`perf.exits`), and an
error of the user's is one line, never a traceback.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from perf import audit as auditing
from perf import doctor as checks
from perf.claim import Catalogue, Claim, ClaimError, discover
from perf.demo import Demo
from perf.exits import Exit, exit_code
from perf.files import OutputError
from perf.lab import Unavailable
from perf.lab.lab import Servers
from perf.noise import noise_of
from perf.redact import redact
from perf.report import build
from perf.runner import Runner
from perf.select import SelectionError, parse
from perf.settings import PROFILES, Settings, SettingsError, read
from perf.verdict import Verdict

GLYPHS = {
    Verdict.MET: ("✓", "green"),
    Verdict.MISSED: ("✗", "red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
    Verdict.NOT_MEASURED: ("!", "yellow"),
    Verdict.REFUTED: ("≠", "blue"),
}
USER_ERRORS = (
    ClaimError,
    OutputError,
    SelectionError,
    SettingsError,
    Unavailable,
    build.RunError,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("ava-perf"), prog_name="ava-perf")
def cli() -> None:
    """Measure documented performance claims, and judge what was measured."""


@cli.command()
@click.option("-k", "expression", metavar="EXPR", help="Only claims that match: 'D3 and not rtt5'.")
@click.option("--profile", type=click.Choice(PROFILES), help="Size of data and patience.")
@click.option("--out", type=click.Path(), help="Folder of the report.")
@click.option("--counted", is_flag=True, help="Only claims whose verdict rests on no clock.")
@click.option("--strict", is_flag=True, default=None, help="Exit 4 when a claim is inconclusive.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json on stdout.")
def audit(  # noqa: PLR0913, PLR0917 - one parameter an option
    expression: str | None,
    profile: str | None,
    out: str | None,
    counted: bool,  # noqa: FBT001 - click passes flags by name
    strict: bool | None,  # noqa: FBT001 - as above
    as_json: bool,  # noqa: FBT001 - as above
) -> int:
    """Run claims, judge them, write the report."""
    root = Path.cwd()
    settings = read(root, os.environ).with_flags(profile=profile, out=out, strict=strict)
    catalogue = _discover(settings, root)
    claims = _select(catalogue, settings.profile, expression, counted=counted)
    if not claims:
        say("no claim is selected; `ava-perf list` shows those there are")
        return Exit.NOTHING_SELECTED
    selection = _selection(expression, counted=counted)
    job = auditing.Audit(root, settings, catalogue, claims, selection, auditing.command_line())
    say(f"{len(claims)} claims, {settings.profile} profile")
    document = auditing.run(job, say, _Counter(len(claims)))
    if as_json:
        click.echo(json.dumps(document, indent=1))
    else:
        click.echo(_summary(document["results"]))
    say(f"report: {job.out / 'index.html'}")
    return exit_code(_verdicts(document["results"]), strict=settings.strict)


@cli.command(name="list")
@click.option("-k", "expression", metavar="EXPR", help="Only claims that match.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_claims(expression: str | None, as_json: bool) -> int:  # noqa: FBT001 - click's flag
    """Show the claims with id, source and target."""
    root = Path.cwd()
    catalogue = _discover(read(root, os.environ), root)
    matches = parse(expression) if expression else lambda _: True
    claims = [claim for claim in catalogue.claims if matches(claim)]
    if as_json:
        click.echo(json.dumps([build.as_dict(claim) for claim in claims], indent=1))
    else:
        for claim in claims:
            click.echo(f"{claim.id}\t{claim.source}\t{_target(claim)}\t{claim.title}")
    return Exit.OK if claims else Exit.NOTHING_SELECTED


@cli.command()
@click.argument("run", type=click.Path(), default="reports/latest")
@click.option("--strict", is_flag=True, help="Exit 4 when a claim is inconclusive.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def check(run: str, strict: bool, as_json: bool) -> int:  # noqa: FBT001 - click's flags
    """Judge a saved run again, without measuring."""
    document = build.load(Path(run))
    entries = build.rejudge(Path(run), document)
    for then, now in zip(document["results"], entries, strict=True):
        if then["verdict"] != now["verdict"]:
            say(f"{now['id']}: was {then['verdict']}, is {now['verdict']} ({now['reason']})")
    if as_json:
        click.echo(json.dumps({"results": entries}, indent=1))
    else:
        click.echo(_summary(entries))
    return exit_code(_verdicts(entries), strict=strict)


@cli.command()
@click.argument("run", type=click.Path(), default="reports/latest")
@click.option("--split-assets", is_flag=True, help="Write the page's style to a file beside it.")
def report(run: str, split_assets: bool) -> int:  # noqa: FBT001 - click's flag
    """Render a saved run again, without measuring."""
    folder = Path(run)
    document = build.load(folder)
    target = folder if folder.is_dir() else folder.parent
    try:
        build.render(target, document, split_assets=split_assets)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror}") from error
    click.echo(str(target / "index.html"))
    return Exit.OK


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> int:  # noqa: FBT001 - click's flag
    """Say whether this machine is fit to measure."""
    root = Path.cwd()
    settings = read(root, os.environ)
    findings = [*checks.machine(root / settings.out), *_server_findings(settings, root)]
    if as_json:
        rows = [{f: str(getattr(x, f)) for f in x.__dataclass_fields__} for x in findings]
        click.echo(json.dumps({"findings": rows}, indent=1))
    else:
        for finding in findings:
            advice = f"  -> {finding.advice}" if finding.advice else ""
            click.echo(f"{finding.state:4}  {finding.check}: {finding.detail}{advice}")
    failed = any(finding.state is checks.State.FAIL for finding in findings)
    return Exit.NOT_MEASURED if failed else Exit.OK


@cli.command()
@click.option("--profile", type=click.Choice(PROFILES), help="Size of the data.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: one that is free.")
def demo(profile: str | None, port: int) -> int:
    """Start what is measured, with its servers and data, print where it is, wait for Ctrl-C."""
    root = Path.cwd()
    settings = read(root, os.environ).with_flags(profile=profile)
    Demo(settings, _discover(settings, root), root, click.echo, say).show(port)
    return Exit.OK


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill cleans up as Ctrl-C
    sys.exit(_guarded(lambda: cli.main(arguments, prog_name="ava-perf", standalone_mode=False)))


def _guarded(run: Callable[[], Any]) -> int:
    """Turn whatever ends the command into its exit code and, for errors, one line."""
    try:
        return int(run() or 0)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return Exit.USAGE
    except USER_ERRORS as error:
        say(f"error: {redact(str(error))}")
        return Exit.NOT_MEASURED if isinstance(error, Unavailable) else Exit.USAGE
    except (KeyboardInterrupt, click.Abort):
        say("interrupted; the last report stays as it was")
        return Exit.INTERRUPTED
    except Exception:  # noqa: BLE001 - an internal error must not look like a missed target
        sys.stderr.write(redact(traceback.format_exc()))
        say("internal error; please report it with the lines above")
        return Exit.INTERNAL


def say(line: str) -> None:
    """Write a line of progress to stderr."""
    click.echo(line, err=True)


def _discover(settings: Settings, root: Path) -> Catalogue:
    auditing.search_path(root)
    return discover(settings.claims)


def _select(
    catalogue: Catalogue, profile: str, expression: str | None, *, counted: bool
) -> tuple[Claim, ...]:
    matches = parse(expression) if expression else lambda _: True
    return tuple(
        claim
        for claim in catalogue.claims
        if profile in claim.profiles and matches(claim) and not (counted and claim.target.timed)
    )


def _selection(expression: str | None, *, counted: bool) -> str | None:
    parts = [f"-k {expression}" if expression else "", "--counted" if counted else ""]
    return " ".join(part for part in parts if part) or None


def _server_findings(settings: Settings, root: Path) -> list[checks.Finding]:
    with Servers() as servers:
        context = auditing.context(settings.profile, servers, root)
        with Runner(context, Catalogue((), {})) as runner:
            noise = noise_of(runner.noise())
        return [*checks.servers(servers.facts()), checks.noise(noise, settings.noise_limit)]


class _Counter:
    """Prints a line for each claim as it is judged."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def __call__(self, judged: build.Judged) -> None:
        self._done += 1
        claim, judgement = judged.measured.claim, judged.judgement
        mark = _mark(judgement.verdict)
        say(f"[{self._done}/{self._total}] {mark} {claim.id}: {judgement.reason}")


def _mark(verdict: Verdict) -> str:
    glyph, colour = GLYPHS[verdict]
    text = f"{glyph} {verdict.replace('_', ' ')}"
    plain = "NO_COLOR" in os.environ or not sys.stderr.isatty()
    return text if plain else click.style(text, fg=colour)


def _summary(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the counts, and a line for each claim that is neither met nor refuted."""
    verdicts = _verdicts(entries)
    counts = ", ".join(
        f"{verdicts.count(verdict)} {verdict.replace('_', ' ')}"
        for verdict in Verdict
        if verdict in verdicts
    )
    bad = [e for e in entries if e["verdict"] not in {Verdict.MET, Verdict.REFUTED}]
    lines = [f"{e['verdict']}\t{e['id']}\t{e['reason']}" for e in bad]
    return "\n".join([*lines, f"{len(entries)} claims: {counts}"])


def _verdicts(entries: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    return [Verdict(entry["verdict"]) for entry in entries]


def _target(claim: Claim) -> str:
    target = claim.target
    return f"{target.kind} {target.bound:g} {target.unit}"


if __name__ == "__main__":
    main()
