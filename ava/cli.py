"""The command `ava`: bring a database up to date, and look after it.

What a person or a script reads goes to stdout, what is going on goes to stderr. An expected failure
is one line on stderr; the connection string, which may hold a password, is never shown.

Exit codes: 0 done; 1 findings need attention; 2 usage or configuration; 3 it could not be done, for
`maintain` a check that could not be made where nothing else needs attention; 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

import click

from ava.db.maintain import Finding, MaintenanceReport, Period, Severity
from ava.db.maintain import maintain as run_maintenance
from ava.db.migrate import MigrationStatus
from ava.db.migrate import migrate as run_migrations
from ava.db.migrate import status as migration_status
from ava.errors import AvaError, SettingsError
from ava.settings import Settings

ATTENTION = 1
USAGE = 2
NOT_DONE = 3
INTERRUPTED = 130

_DSN = click.option(
    "--dsn",
    metavar="DSN",
    help="The database: postgresql://user@host:5432/name. Default: AVA_DATABASE_URL, which other "
    "users of this machine cannot see in the list of processes.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code."""
    try:
        code = cli.main(args=arguments, prog_name="ava", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = USAGE
    except click.Abort:
        code = INTERRUPTED
    except SettingsError as error:
        click.echo(f"ava: {error}", err=True)
        code = USAGE
    except AvaError as error:
        click.echo(f"ava: {error}", err=True)
        code = NOT_DONE
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("ava-perf"), prog_name="ava", message="%(prog)s %(version)s")
def cli() -> None:
    """Look after the database of the trading-data platform."""


@cli.command()
@_DSN
@click.option("--status", "only_status", is_flag=True, help="Say where it stands; change nothing.")
def migrate(dsn: str | None, *, only_status: bool) -> int:
    """Bring the database to the schema of this code."""
    target = _target(dsn)
    if only_status:
        click.echo(_status_text(migration_status(target)))
        return 0
    report = run_migrations(target)
    for verb, names in (
        ("applied", report.applied),
        ("repeated", report.repeated),
        ("removed", report.removed),
    ):
        for name in names:
            click.echo(f"{verb} {name}")
    click.echo(f"up to date after {report.seconds:.2f} s", err=True)
    return 0


@cli.command()
@click.argument("period", type=click.Choice([period.value for period in Period]))
@_DSN
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def maintain(period: str, dsn: str | None, *, as_json: bool) -> int:
    """Run the maintenance of a day, a week, a month or a quarter.

    It analyses and vacuums. It never drops an index, rewrites a table or ends a session: that it
    only advises.
    """
    report = run_maintenance(
        _target(dsn), Period(period), progress=lambda step: click.echo(f"{step} ...", err=True)
    )
    text = json.dumps(report.to_dict(), indent=1) if as_json else _report_text(report)
    click.echo(text)
    if report.needs_attention:
        return ATTENTION
    return NOT_DONE if report.incomplete else 0


def _target(dsn: str | None) -> str:
    """Return the connection string: the option's, else the environment's, which is checked."""
    settings = Settings.from_environment(os.environ)
    return dsn or settings.database.conninfo()


def _status_text(found: MigrationStatus) -> str:
    lines = [
        f"applied {row.version:04d}_{row.name}  {row.applied_at:%Y-%m-%d %H:%M:%S %Z}"
        f"  {row.duration_ms:.0f} ms"
        for row in found.applied
    ]
    lines += [f"pending {file}" for file in (*found.pending, *found.stale)]
    return "\n".join(lines) or "nothing applied, nothing pending"


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
