"""`ava-perf demo`: the subject of the claims, running for somebody to look at."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perf import audit as auditing
from perf.demo import Demo
from perf.exits import Exit
from perf.saying import say
from perf.settings import PROFILES, read


@click.command()
@click.option("--profile", type=click.Choice(PROFILES), help="Size of the data.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: one that is free.")
def command(profile: str | None, port: int) -> int:
    """Start what is measured, with its servers and data, print where it is, wait for Ctrl-C."""
    root = Path.cwd()
    settings = read(root, os.environ).with_flags(profile=profile)
    Demo(settings, auditing.discovered(settings, root), root, click.echo, say).show(port)
    return Exit.OK
