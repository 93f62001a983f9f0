"""What commands say while they work: lines of progress on stderr."""

from __future__ import annotations

import click


def say(line: str) -> None:
    """Write a line of progress to stderr."""
    click.echo(line, err=True)
