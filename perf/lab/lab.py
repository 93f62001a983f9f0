"""The lab as a run sees it: `Servers` in the parent, `Lab` in each process that measures.

The parent starts the servers once and hands their addresses to its children, since each claim is
measured in a process of its own. A child makes what it needs (databases, proxies, scratch files)
through its `Lab`, and all of that is gone when the lab closes; what a killed child could not undo
goes with the run. A server that is missing is no error until somebody asks for it: then it is
`Unavailable`, with the reason that was found at the start.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from perf.lab import Unavailable
from perf.lab.binaries import find_binaries
from perf.lab.cores import separate
from perf.lab.guard import Guard
from perf.lab.postgres import PostgresAddress, PostgresServer
from perf.lab.proxy import Proxy

if TYPE_CHECKING:
    from perf.lab.providers import Simulation
    from perf.lab.redis import RedisServer

# `perf.lab.redis` is imported where it is used: its client takes a fifth of a worker's start, and
# most workers measure no Redis.

T = TypeVar("T")

# Of these the control file is not enough: they work only when loaded with the server.
_PRELOADED = frozenset({"pg_stat_statements"})
_PACKAGED_APART = frozenset({"hypopg"})


class Profile(StrEnum):
    """How much time a run may take."""

    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a server is not there, and the command that would change it."""

    reason: str
    cure: str | None = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a run's servers and files are; JSON values hold all of it.

    It carries passwords: hand it over by a pipe or a private file, not by arguments.
    """

    directory: Path
    postgres: PostgresAddress | Missing
    redis_url: str | Missing = field(repr=False)
    redis_pid: int | None = None  # of the lab's own Redis

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads, as JSON values."""
        return {**asdict(self), "directory": str(self.directory)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned; raise KeyError or TypeError for anything else."""
        postgres, redis_url = raw["postgres"], raw["redis_url"]
        return cls(
            Path(raw["directory"]),
            Missing(**postgres) if "reason" in postgres else PostgresAddress(**postgres),
            redis_url if isinstance(redis_url, str) else Missing(**redis_url),
            raw["redis_pid"],
        )


class Servers:
    """The parent's side: the guard and the servers, for the length of a run.

    Their files lie below `base`, by default where temporary files do.
    """

    guard: Guard
    postgres: PostgresServer | Missing
    redis: RedisServer | Missing

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, base: Path | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._base = base
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.guard = stack.enter_context(Guard(self._base))
            self.postgres = _or_missing(lambda: stack.enter_context(self._open_postgres()))
            self.redis = _or_missing(lambda: stack.enter_context(self._open_redis()))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def addresses(self) -> Addresses:
        """Return what a child process needs to make its `Lab`."""
        return Addresses(
            self.guard.directory,
            self.postgres if isinstance(self.postgres, Missing) else self.postgres.address,
            self.redis if isinstance(self.redis, Missing) else self.redis.url,
            None if isinstance(self.redis, Missing) else self.redis.pid,
        )

    def facts(self) -> dict[str, Any]:
        """Return what a report states about the servers: JSON values, no secrets."""
        return {"postgres": _facts(self.postgres), "redis": _facts(self.redis)}

    def _open_postgres(self) -> PostgresServer:
        url = self._environ.get("AVA_DATABASE_URL")
        if url:
            return PostgresServer.at(url)
        return PostgresServer.start(self.guard, find_binaries(self._environ))

    def _open_redis(self) -> RedisServer:
        from perf.lab.redis import RedisServer, find_redis  # noqa: PLC0415 - see above

        url = self._environ.get("AVA_REDIS_URL")
        return RedisServer.at(url) if url else RedisServer.start(self.guard, *find_redis())


def _or_missing(start: Callable[[], T]) -> T | Missing:
    try:
        return start()
    except Unavailable as error:
        return Missing(error.reason, error.cure)


def _facts(server: PostgresServer | RedisServer | Missing) -> dict[str, Any]:
    if isinstance(server, Missing):
        return {"unavailable": server.reason, "cure": server.cure}
    facts = {"version": server.version, "source": str(server.source), "settings": server.settings}
    if isinstance(server, PostgresServer):
        return {**facts, "contrib": sorted(server.contrib)}
    return facts


class Lab:
    """The measuring side: connect to the servers, and make things that go with the lab."""

    def __init__(
        self,
        addresses: Addresses,
        *,
        profile: Profile = Profile.QUICK,
        seed: int = 0,
        prepared: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.profile = profile
        self.seed = seed
        self.prepared: Mapping[str, Mapping[str, Any]] = prepared or {}
        self._addresses = addresses
        self._stack = ExitStack()
        self._scratch: Path | None = None
        self._asked: set[int] = set()  # processes of servers this lab's user was given

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Undo everything made through this lab, the latest first."""
        self._stack.close()

    def keep(self, manager: AbstractContextManager[T]) -> T:
        """Enter `manager`, leave it when the lab closes, and return its value."""
        return self._stack.enter_context(manager)

    @property
    def scratch(self) -> Path:
        """Return a private directory, removed at close."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(dir=self._addresses.directory))
            self._stack.callback(shutil.rmtree, self._scratch, ignore_errors=True)
        return self._scratch

    def dsn(self, database: str | None = None) -> str:
        """Return how to connect to PostgreSQL by the shortest way."""
        return self._postgres.dsn(database)

    def proxy(self, rtt_ms: float = 0.0) -> Proxy:
        """Return a proxy in front of PostgreSQL, open until the lab closes."""
        return self.keep(Proxy(*self._postgres.target, rtt_ms=rtt_ms))

    def dsn_via(self, proxy: Proxy, database: str | None = None) -> str:
        """Return how to connect to PostgreSQL through `proxy`."""
        return self._postgres.tcp_dsn(database, proxy.host, proxy.port)

    @property
    def redis_url(self) -> str:
        """Return the URL of Redis; raise Unavailable when there is none.

        The lab's own is empty when first asked for. What others left would count: calls made by a
        provider's clock that ran a thousand times as fast took an hour's permits from whoever came
        next.
        """
        url, pid = self._addresses.redis_url, self._addresses.redis_pid
        if isinstance(url, Missing):
            raise Unavailable(url.reason, url.cure)
        if pid is not None and pid not in self._asked:
            from perf.lab.redis import empty  # noqa: PLC0415 - see above

            empty(url)
            self._asked.add(pid)
        return url

    def redis_proxy(self, rtt_ms: float = 0.0) -> Proxy:
        """Return a proxy in front of Redis, open until the lab closes."""
        from perf.lab.redis import redis_target  # noqa: PLC0415 - see above

        return self.keep(Proxy(*redis_target(self.redis_url), rtt_ms=rtt_ms, protocol="raw"))

    def redis_url_via(self, proxy: Proxy) -> str:
        """Return how to connect to Redis through `proxy`."""
        from perf.lab.redis import redis_url_at  # noqa: PLC0415 - see above

        return redis_url_at(self.redis_url, proxy.host, proxy.port)

    def providers(self, *names: str, **how: Any) -> Simulation:
        """Return simulated providers (all without `names`), served until the lab closes.

        `how` is passed to `Simulation`: seed (the lab's own by default), pace, latency and more.
        """
        from perf.lab.providers import Simulation  # noqa: PLC0415 - most workers ask no provider

        simulation = self.keep(Simulation(*names, **{"seed": self.seed, **how}))
        self._asked.add(simulation.pid)
        return simulation

    def create_database(self, template: str | None = None) -> str:
        """Create a database and return its name; it is dropped, with its sessions, at close.

        With `template` it is a copy of that database, which nobody may be connected to. Raises
        Unavailable when the role of `AVA_DATABASE_URL` may not create databases.
        """
        name = f"ava_{uuid.uuid4().hex}"
        copied = sql.Identifier(template or "template1")
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), copied)
        try:
            self._administer(statement)
        except errors.InsufficientPrivilege as error:
            raise Unavailable(
                "the role of AVA_DATABASE_URL may not create databases",
                "ALTER ROLE <role> CREATEDB",
            ) from error
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        self._stack.callback(self._administer, drop)
        return name

    def require_extension(self, name: str, database: str) -> None:
        """Create extension `name` in `database` unless it is there.

        Raises Unavailable, with its cure, when the server does not have it.
        """
        statement = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name))
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            major = connection.info.server_version // 10000
            if name in _PRELOADED and not _is_preloaded(connection, name):
                raise _lacking(name, major)
            try:
                connection.execute(statement)
            except (errors.UndefinedFile, errors.FeatureNotSupported) as error:
                raise _lacking(name, major) from error
            except errors.InsufficientPrivilege as error:
                raise Unavailable(
                    f"the role of AVA_DATABASE_URL may not create the extension {name}",
                    f"CREATE EXTENSION {name}, as a superuser",
                ) from error

    def separate(self) -> bool:
        """Put this process and the lab's own servers that it talks to on different cores.

        Say whether that was done: not where it talks to none, and never to a server of the user's.
        """
        pids = {*self._sessions(), *self._asked}
        return bool(pids) and separate(pids)

    def _sessions(self) -> list[int]:
        """Return the processes of the sessions with the lab's own PostgreSQL."""
        address = self._addresses.postgres
        if isinstance(address, Missing) or not self._is_ours(address):
            return []
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchall()
        return [pid for (pid,) in rows]

    def _is_ours(self, address: PostgresAddress) -> bool:
        """Say whether the server lives in the run's directory: others' processes are not moved."""
        home = str(conninfo_to_dict(address.dsn()).get("host", ""))
        return Path(home).is_relative_to(self._addresses.directory)

    @property
    def _postgres(self) -> PostgresAddress:
        address = self._addresses.postgres
        if isinstance(address, Missing):
            raise Unavailable(address.reason, address.cure)
        return address

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(statement)


def _is_preloaded(connection: psycopg.Connection[Any], name: str) -> bool:
    row = connection.execute("SELECT current_setting('shared_preload_libraries')").fetchone()
    return row is not None and name in str(row[0])


def _lacking(name: str, major: int) -> Unavailable:
    package = f"postgresql-{major}-{name}" if name in _PACKAGED_APART else "postgresql-contrib"
    return Unavailable(
        f"the PostgreSQL server does not offer the extension {name}",
        f"apt-get install postgresql {package}",
    )
