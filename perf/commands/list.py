"""`ava-perf list`: the claims there are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from perf import audit as auditing
from perf.claim import Claim
from perf.exits import Exit
from perf.report import build
from perf.select import parse
from perf.settings import read


@click.command()
@click.option("-k", "expression", metavar="EXPR", help="Only claims that match.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(expression: str | None, as_json: bool) -> int:  # noqa: FBT001 - click's flag
    """Show the claims with id, source and target."""
    root = Path.cwd()
    catalogue = auditing.discovered(read(root, os.environ), root)
    matches = parse(expression) if expression else lambda _: True
    claims = [claim for claim in catalogue.claims if matches(claim)]
    if as_json:
        click.echo(json.dumps([build.as_dict(claim) for claim in claims], indent=1))
    else:
        for claim in claims:
            click.echo(f"{claim.id}\t{claim.source}\t{_target(claim)}\t{claim.title}")
    return Exit.OK if claims else Exit.NOTHING_SELECTED


def _target(claim: Claim) -> str:
    target = claim.target
    return f"{target.kind} {target.bound:g} {target.unit}"
