"""The PostgreSQL of a run: a private one, or the one that `AVA_DATABASE_URL` names.

Either way it says of itself what a report needs: version, settings as the server reads them, and
the extensions it offers. A server of the user's own is never configured and never stopped.
Secrets stay in the addresses: no error, log line or repr of this module shows a DSN.
"""

from __future__ import annotations

import secrets
import subprocess
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from perf.lab import Unavailable
from perf.lab.binaries import Binaries, Source
from perf.lab.cluster import SETTINGS, SUPERUSER, Cluster
from perf.lab.guard import Guard
from perf.lab.launch import LOOPBACK

# Left as installed, so that plans are a plain server's, but they decide plans: worth reporting.
_ALSO_REPORTED = (
    "effective_cache_size",
    "max_parallel_workers_per_gather",
    "random_page_cost",
    "shared_preload_libraries",
    "wal_level",
    "work_mem",
)
# Only these words of a driver's message are repeated: the rest may quote the DSN.
_SAFE_WORDS = (
    "Connection refused",
    "No such file or directory",
    "authentication failed",
    "could not translate host name",
    "does not exist",
    "no pg_hba.conf entry",
    "timeout expired",
    "too many clients",
)


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where a server is and how to get in: all that a child process needs.

    `local` and `tcp` are connection strings with their secrets, hence not in the repr.
    """

    local: str = field(repr=False)
    tcp: str = field(repr=False)

    def dsn(self, database: str | None = None) -> str:
        """Return how to connect by the shortest way; by default to the address's own database."""
        return make_conninfo(self.local, **_given(dbname=database))

    def tcp_dsn(
        self, database: str | None = None, host: str | None = None, port: int | None = None
    ) -> str:
        """Return how to connect by TCP, for instance through a proxy at `host` and `port`."""
        # A hostaddr in the user's own DSN would win over the host given here.
        elsewhere = "hostaddr" if host and "hostaddr" in conninfo_to_dict(self.tcp) else "host"
        parts = _given(dbname=database, port=port) | _given(**{elsewhere: host})
        return make_conninfo(self.tcp, **parts)

    @property
    def target(self) -> tuple[str, int]:
        """Return the host and port behind `tcp`; the host may be the path of a socket."""
        parts = conninfo_to_dict(self.tcp)
        host = str(parts.get("hostaddr") or parts.get("host") or "localhost").split(",")[0]
        port = int(str(parts.get("port") or 5432).split(",")[0])
        return (f"{host}/.s.PGSQL.{port}" if host.startswith("/") else host), port


class PostgresServer:
    """A server that is up; a context manager that stops it if the lab started it."""

    def __init__(
        self,
        address: PostgresAddress,
        source: Source,
        started: tuple[Guard, subprocess.Popen[bytes]] | None = None,
    ) -> None:
        self.address = address
        self.source = source
        self._started = started
        with psycopg.connect(address.dsn(), connect_timeout=5) as connection:
            self.version = connection.info.parameter_status("server_version") or "unknown"
            self.contrib = _read_extensions(connection)
            self.settings = _read_settings(connection)

    @classmethod
    def start(cls, guard: Guard, binaries: Binaries) -> Self:
        """Start a private server in the guard's directory.

        Raises Unavailable, with the end of the server's log, when it does not come up.
        """
        password = secrets.token_urlsafe(18)
        cluster = Cluster.create(guard, binaries, password)
        port, process = cluster.start()
        local = make_conninfo(host=str(cluster.home), port=port, user=SUPERUSER, dbname="postgres")
        # There is no encryption; asking for it would only add round trips.
        tcp = make_conninfo(
            local, host=LOOPBACK, password=password, sslmode="disable", gssencmode="disable"
        )
        return cls(PostgresAddress(local, tcp), binaries.source, (guard, process))

    @classmethod
    def at(cls, url: str) -> Self:
        """Use the server of `url`, which is the user's; raise Unavailable when out of reach."""
        try:
            conninfo_to_dict(url)
            return cls(PostgresAddress(url, url), Source.URL)
        except psycopg.ProgrammingError:
            why = "it is not a PostgreSQL address"
        except psycopg.OperationalError as error:
            said = [words for words in _SAFE_WORDS if words in str(error)]
            why = said[0] if said else "the server did not let us in"
        # Raised here and not above, where the driver's message would be printed as its context.
        raise Unavailable(f"AVA_DATABASE_URL cannot be used: {why}")

    def dsn(self, database: str | None = None) -> str:
        """Return how to connect; by the private socket where there is one."""
        return self.address.dsn(database)

    def tcp_dsn(
        self, database: str | None = None, host: str | None = None, port: int | None = None
    ) -> str:
        """Return how to connect by TCP, for instance through a proxy."""
        return self.address.tcp_dsn(database, host, port)

    @property
    def host(self) -> str:
        """Return the host that a proxy stands in front of."""
        return self.address.target[0]

    @property
    def port(self) -> int:
        """Return the port that a proxy stands in front of."""
        return self.address.target[1]

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
        return f"PostgresServer(version={self.version!r}, source={str(self.source)!r})"


def _given(**parts: str | int | None) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value is not None}


def _read_extensions(connection: psycopg.Connection[Any]) -> frozenset[str]:
    rows = connection.execute("SELECT name FROM pg_available_extensions")
    return frozenset(name for (name,) in rows)


def _read_settings(connection: psycopg.Connection[Any]) -> dict[str, str]:
    rows = connection.execute(
        "SELECT lower(name), current_setting(name) FROM pg_settings"
        " WHERE lower(name) = ANY(%s) ORDER BY lower(name)",
        [[*SETTINGS, *_ALSO_REPORTED]],
    )
    return dict(rows.fetchall())
