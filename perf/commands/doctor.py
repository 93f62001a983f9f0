"""`ava-perf doctor`: is this machine fit to measure."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from perf import audit as auditing
from perf import doctor as checks
from perf.claim import Catalogue
from perf.exits import Exit
from perf.lab.lab import Servers
from perf.noise import noise_of
from perf.runner import Runner
from perf.settings import Settings, read


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(as_json: bool) -> int:  # noqa: FBT001 - click's flag
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


def _server_findings(settings: Settings, root: Path) -> list[checks.Finding]:
    with Servers() as servers:
        context = auditing.context(settings.profile, servers, root)
        with Runner(context, Catalogue((), {})) as runner:
            noise = noise_of(runner.noise())
        return [*checks.servers(servers.facts()), checks.noise(noise, settings.noise_limit)]
