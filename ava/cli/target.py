"""Which database a command looks after: the option's, else the environment's."""

from __future__ import annotations

import os

import click

from ava.settings import Settings

dsn_option = click.option(
    "--dsn",
    metavar="DSN",
    help="The database: postgresql://user@host:5432/name. Default: AVA_DATABASE_URL, which other "
    "users of this machine cannot see in the list of processes.",
)


def target(dsn: str | None) -> str:
    """Return the connection string; the environment's settings are checked either way."""
    settings = Settings.from_environment(os.environ)
    return dsn or settings.database.conninfo()
