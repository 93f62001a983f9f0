"""`ava worker`: do the background work of the platform."""

from __future__ import annotations

import asyncio
import os
import signal
from importlib.metadata import version

import click

from ava.background.worker import working
from ava.core import Core
from ava.settings import Settings
from ava.telemetry.logs import configure_logging
from ava.telemetry.telemetry import Telemetry


@click.command()
def command() -> None:
    """Run the jobs of the platform until SIGTERM or Ctrl-C.

    Any number of workers may run: each job is done by one of them. Running jobs are finished first,
    for as long as AVA_WORKER_DRAIN_S; what is not finished then is done again by another worker. A
    second signal ends it at once. Exits with 3 when PostgreSQL cannot be reached.
    """
    settings = Settings.from_environment(os.environ)
    settings.database.conninfo()  # there is no work without one: say which setting is missing
    with configure_logging(settings):
        asyncio.run(_work(settings))
    click.echo("ava: stopped", err=True)


async def _work(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with (
        Core.open(settings) as core,
        core.service(Telemetry).watching(),
        working(core) as background,
    ):
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, stopped, loop)
        names = ", ".join(background.jobs)
        click.echo(f"ava: {version('ava-perf')} works: {names}", err=True)
        await stopped.wait()
        click.echo("ava: finishing the jobs that run", err=True)


def _stop(stopped: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """Begin the end; another signal finds the system's own way of ending a process."""
    stopped.set()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
