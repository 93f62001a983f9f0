"""`ava serve`: the API and its console, in one process or several behind one port."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from importlib.metadata import version

import click

from ava.core import Core
from ava.errors import SettingsError
from ava.net.gateway import Deployment
from ava.serving import server
from ava.serving.listening import bound, is_private, url_of
from ava.serving.missing import missing, silent
from ava.serving.processes import READY, supervise
from ava.settings import ApiSettings, RedisSettings, Settings

MOST_PROCESSES = 64


@click.command()
@click.option("--host", help="Where to listen. Default: AVA_API_HOST, else this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: AVA_API_PORT, else 8000.")
@click.option(
    "--processes",
    type=click.IntRange(1, MOST_PROCESSES),
    default=1,
    help="How many share the port; several need Redis, through which they hear of changes.",
)
@click.option("--inherit", type=int, hidden=True, help="The socket of the process above.")
def command(host: str | None, port: int | None, processes: int, inherit: int | None) -> None:
    """Serve the API and its console until SIGTERM or Ctrl-C.

    Running requests are finished first, for as long as AVA_API_DRAIN_S; a second signal ends it at
    once. Exits with 3 when PostgreSQL is configured and cannot be reached.
    """
    settings = _placed(Settings.from_environment(os.environ), host, port)
    if inherit is not None:
        _serve_for_another(settings, socket.socket(fileno=inherit), processes)
        return
    if processes > 1 and settings.redis.url is None:
        raise SettingsError(
            f"several processes need Redis: set {RedisSettings.key('url')}, or each would answer "
            "from a cache that does not hear of the others' changes"
        )
    with bound(settings.api) as listener:
        if processes == 1:
            server.run(settings, listener, partial(_announce_core, settings, listener))
        else:
            arguments = ["serve", "--processes", str(processes), "--inherit"]
            program = [sys.executable, "-m", "ava.cli", *arguments, str(listener.fileno())]
            supervise(program, listener, processes, partial(_announce, settings, listener))


def _placed(settings: Settings, host: str | None, port: int | None) -> Settings:
    """Return the settings with the address of the flags, where there are any."""
    api = settings.api
    api = api if host is None else replace(api, host=host)
    api = api if port is None else replace(api, port=port)
    return replace(settings, api=api)


def _serve_for_another(settings: Settings, listener: socket.socket, processes: int) -> None:
    """Serve as one of several."""
    deployment = Deployment(processes=max(processes, Deployment().processes))
    lifeline = sys.stdin.fileno()
    server.run(settings, listener, _ready, deployment=deployment, lifeline=lifeline)


def _ready(core: Core) -> None:
    _tell(silent(core))
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


def _announce_core(settings: Settings, listener: socket.socket, core: Core) -> None:
    _tell(silent(core))
    _announce(settings, listener)


def _announce(settings: Settings, listener: socket.socket) -> None:
    """Say where the API is, and what it has to do without."""
    url = url_of(listener)
    _tell([f"{version('ava-perf')} serves {url}/api/v1, its console at {url}/"])
    _tell(missing(settings))
    if settings.api.keys is None and not is_private(listener):
        setting = ApiSettings.key("keys")
        _tell(
            [f"other machines can reach it, and {setting} is not set: what is open is open to all"]
        )


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(f"ava: {line}", err=True)
