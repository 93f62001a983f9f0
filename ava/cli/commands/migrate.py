"""`ava migrate`: bring the database to the schema of this code, or say where it stands."""

from __future__ import annotations

import click

from ava.cli.target import dsn_option, target
from ava.db.migrate import MigrationStatus, migrate, status


@click.command()
@dsn_option
@click.option("--status", "only_status", is_flag=True, help="Say where it stands; change nothing.")
def command(dsn: str | None, *, only_status: bool) -> int:
    """Bring the database to the schema of this code."""
    place = target(dsn)
    if only_status:
        click.echo(_status_text(status(place)))
        return 0
    report = migrate(place)
    for verb, names in (
        ("applied", report.applied),
        ("repeated", report.repeated),
        ("removed", report.removed),
    ):
        for name in names:
            click.echo(f"{verb} {name}")
    click.echo(f"up to date after {report.seconds:.2f} s", err=True)
    return 0


def _status_text(found: MigrationStatus) -> str:
    lines = [
        f"applied {row.version:04d}_{row.name}  {row.applied_at:%Y-%m-%d %H:%M:%S %Z}"
        f"  {row.duration_ms:.0f} ms"
        for row in found.applied
    ]
    lines += [f"pending {file}" for file in (*found.pending, *found.stale)]
    return "\n".join(lines) or "nothing applied, nothing pending"
