"""`ava-perf check`: judge a saved run again."""

from __future__ import annotations

import json
from pathlib import Path

import click

from perf.report import build
from perf.saying import say
from perf.summary import summary, verdicts_of
from perf.verdict import exit_code


@click.command()
@click.argument("run", type=click.Path(), default="reports/latest")
@click.option("--strict", is_flag=True, help="Exit 4 when a claim is inconclusive.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def command(run: str, strict: bool, as_json: bool) -> int:  # noqa: FBT001 - click's flags
    """Judge a saved run again, without measuring."""
    document = build.load(Path(run))
    entries = build.rejudge(Path(run), document)
    for then, now in zip(document["results"], entries, strict=True):
        if then["verdict"] != now["verdict"]:
            say(f"{now['id']}: was {then['verdict']}, is {now['verdict']} ({now['reason']})")
    if as_json:
        click.echo(json.dumps({"results": entries}, indent=1))
    else:
        click.echo(summary(entries))
    return exit_code(verdicts_of(entries), strict=strict)
