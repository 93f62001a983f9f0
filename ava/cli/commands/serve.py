"""`ava serve`: the API and its console, in one process or several behind one port."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import click

from ava.errors import SettingsError
from ava.serving.listening import bound, is_private, url_of
from ava.serving.missing import missing, silent
from ava.serving.processes import READY, supervise
from ava.settings import ApiSettings, RedisSettings, Settings
from ava.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from ava.core import Core

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
@click.option("--worker", is_flag=True, help="Do the background work as well, as `ava worker`.")
@click.option("--inherit", type=int, hidden=True, help="The socket of the process above.")
def command(
    host: str | None, port: int | None, processes: int, inherit: int | None, *, worker: bool
) -> None:
    """Serve the API and its console until SIGTERM or Ctrl-C.

    Running requests are finished first, for as long as AVA_API_DRAIN_S; a second signal ends it at
    once. Exits with 3 when PostgreSQL is configured and cannot be reached.
    """
    settings = _placed(Settings.from_environment(os.environ), host, port)
    _check(settings, processes, worker=worker)
    serve = partial(_serve, settings, processes, worker=worker)
    with configure_logging(settings):
        if inherit is not None:
            serve(socket.socket(fileno=inherit), _ready, lifeline=sys.stdin.fileno())
            return
        with bound(settings.api) as listener:
            announce = partial(_announce, settings, listener)
            if processes == 1:
                serve(listener, announce)
            else:
                program = _program(listener, processes, worker=worker)
                supervise(program, listener, processes, announce)


def _placed(settings: Settings, host: str | None, port: int | None) -> Settings:
    """Return the settings with the address of the flags, where there are any."""
    api = settings.api
    api = api if host is None else replace(api, host=host)
    api = api if port is None else replace(api, port=port)
    return replace(settings, api=api)


def _check(settings: Settings, processes: int, *, worker: bool) -> None:
    """Raise SettingsError for a way to serve that lacks what it needs."""
    if worker:
        settings.database.conninfo()
    if processes > 1 and settings.redis.url is None:
        raise SettingsError(
            f"several processes need Redis: set {RedisSettings.key('url')}, or each would answer "
            "from a cache that does not hear of the others' changes"
        )


def _serve(  # noqa: PLR0913 - how to serve, and where
    settings: Settings,
    processes: int,
    listener: socket.socket,
    started: Callable[[Core | None], None],
    *,
    worker: bool,
    lifeline: int | None = None,
) -> None:
    """Serve in this process, as one of so many."""
    # Most of the start is this import: mistakes are told before it, and the process that only
    # looks after others does without.
    from ava.serving.server import Serving  # noqa: PLC0415 - see above

    Serving(settings, listener, started, worker, processes, lifeline).run()


def _program(listener: socket.socket, processes: int, *, worker: bool) -> list[str]:
    """Return the command of one of several processes."""
    arguments = ["serve", "--processes", str(processes), "--inherit", str(listener.fileno())]
    return [sys.executable, "-m", "ava.cli", *arguments, *(["--worker"] if worker else [])]


def _ready(core: Core | None) -> None:
    """Tell the process above."""
    if core is not None:
        _tell(silent(core))
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


def _announce(settings: Settings, listener: socket.socket, core: Core | None = None) -> None:
    """Say where the API is, and what it has to do without."""
    url = url_of(listener)
    _tell([f"{version('ava-perf')} serves {url}/api/v1, its console at {url}/"])
    _tell(missing(settings))
    if core is not None:
        _tell(silent(core))
    if settings.api.keys is None and not is_private(listener):
        setting = ApiSettings.key("keys")
        _tell(
            [f"other machines can reach it, and {setting} is not set: what is open is open to all"]
        )


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(f"ava: {line}", err=True)
