"""`ava maintain`: do the maintenance that is due, and say what it found."""

from __future__ import annotations

import json

import click

from ava.cli.ending import ATTENTION, NOT_DONE
from ava.cli.target import dsn_option, target
from ava.db.maintain import Finding, MaintenanceReport, Period, Severity, maintain


@click.command()
@click.argument("period", type=click.Choice([period.value for period in Period]))
@dsn_option
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(period: str, dsn: str | None, *, as_json: bool) -> int:
    """Run the maintenance of a day, a week, a month or a quarter.

    It analyses and vacuums. It never drops an index, rewrites a table or ends a session: that it
    only advises.
    """
    report = maintain(
        target(dsn), Period(period), progress=lambda step: click.echo(f"{step} ...", err=True)
    )
    text = json.dumps(report.to_dict(), indent=1) if as_json else _report_text(report)
    click.echo(text)
    if report.needs_attention:
        return ATTENTION
    return NOT_DONE if report.incomplete else 0


def _report_text(report: MaintenanceReport) -> str:
    lines = [_finding_text(finding) for finding in report.findings]
    counts = ", ".join(
        f"{sum(f.severity is severity for f in report.findings)} {severity}"
        for severity in reversed(Severity)
    )
    return "\n".join([*lines, f"{report.period}: {counts}; {report.seconds:.1f} s"])


def _finding_text(finding: Finding) -> str:
    # A statement's text may have line breaks; a finding is one line, and its advice the next.
    thing = " ".join(finding.object.split())
    line = f"{finding.severity:<8} {finding.check}: {thing}: {finding.figure}"
    return f"{line}\n{'':<8} -> {finding.advice}" if finding.advice else line
