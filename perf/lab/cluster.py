"""A private PostgreSQL made for measuring: its data directory, its settings, its process.

What only protects data from a crash, and what wakes up in the middle of a measurement, is off;
each setting stands here with its reason. The socket lies in a directory that only the server's
user can enter, and the loopback port asks for a password drawn at random, so nobody else on the
machine gets in. Nothing outside the run's directory is written.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from perf.lab import Unavailable
from perf.lab.binaries import Binaries
from perf.lab.guard import Guard
from perf.lab.launch import LOOPBACK, launch, tail
from perf.lab.processes import Stop

SUPERUSER = "postgres"
SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        # The data is thrown away, and flushing it would measure the disk. Claims about
        # durability turn this on for themselves.
        "fsync": "off",
        # Whole pages in the log save data from a torn write; here they would only make the
        # commits after a checkpoint slower than the others.
        "full_page_writes": "off",
        # As in production, a commit waits until its log is written (though not flushed).
        "synchronous_commit": "on",
        # No vacuum and no checkpoint may start inside a measurement because of the clock; claims
        # run ANALYZE and VACUUM themselves.
        "autovacuum": "off",
        "checkpoint_timeout": "1h",
        "max_wal_size": "4GB",
        # Compiling a plan takes longer than most queries measured here, and not every build of
        # the server can do it: figures would differ between machines.
        "jit": "off",
        # The data sets fit, so that plans are compared and not the disk's cache.
        "shared_buffers": "256MB",
        "max_connections": "100",
        # Containers often have a /dev/shm too small for parallel queries, and a file in the data
        # directory goes when the directory goes.
        "dynamic_shared_memory_type": "mmap",
        # EXPLAIN (ANALYZE, BUFFERS) then shows waiting for the disk apart from work.
        "track_io_timing": "on",
        "timezone": "UTC",
    }
)
# Statistics of statements, and plans in the log when a claim asks; both idle otherwise.
_PRELOADED = "pg_stat_statements,auto_explain"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory below `home`, the programs that serve it, and the user they run as."""

    guard: Guard
    home: Path
    binaries: Binaries
    account: pwd.struct_passwd | None

    @classmethod
    def create(cls, guard: Guard, binaries: Binaries, password: str) -> Cluster:
        """Make a cluster in the guard's directory; raise Unavailable when that fails."""
        account = _server_account()
        home = guard.directory / "postgresql"
        home.mkdir(mode=0o700)
        _give(home, account)
        cluster = cls(guard, home, _reachable(binaries, guard, account), account)
        cluster._initialise(password)
        cluster._configure()
        return cluster

    def start(self) -> tuple[int, subprocess.Popen[bytes]]:
        """Start the server; return its port and process once it answers."""
        return launch(self.guard, self.home / "server.log", self._launch, self._answers)

    def _initialise(self, password: str) -> None:
        """Run initdb: texts sort by bytes, trust on the socket, a password on the port."""
        secret = self.home / "password"
        secret.touch(mode=0o600)
        secret.write_text(password)
        _give(secret, self.account)
        for locale in ("C.UTF-8", "C"):  # the second where the system lacks the first
            done = self._run_initdb(secret, locale)
            if done.returncode == 0:
                break
        else:
            raise Unavailable(f"PostgreSQL's initdb failed: {tail(done.stdout)}")
        secret.unlink()

    def _run_initdb(self, secret: Path, locale: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                self.binaries.directory / "initdb",
                *("-D", self.home / "data", "-U", SUPERUSER, "-E", "UTF8", f"--locale={locale}"),
                *("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"),
                "--no-sync",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self.home,
            env=_environment(),
            start_new_session=True,
            **_as_user(self.account),
        )

    def _configure(self) -> None:
        """Add to postgresql.conf, unlike arguments open to ALTER SYSTEM by a single claim."""
        settings = dict(SETTINGS)
        if self.binaries.contrib:
            settings["shared_preload_libraries"] = _PRELOADED
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        with (self.home / "data" / "postgresql.conf").open("a") as conf:
            conf.writelines(["\n", *lines])

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        with (self.home / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    self.binaries.directory / "postgres",
                    *("-D", self.home / "data", "-k", self.home, "-h", LOOPBACK, "-p", str(port)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                env=_environment(),
                start_new_session=True,
                **_as_user(self.account),
            )
        self.guard.own(process.pid, Stop.POSTGRES)
        return process

    def _answers(self, port: int) -> bool:
        place = make_conninfo(host=str(self.home), port=port, user=SUPERUSER, dbname="postgres")
        try:
            psycopg.connect(place, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _server_account() -> pwd.struct_passwd | None:
    """Return whom the server runs as: None for ourselves, unless we are root, which it refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unavailable(
        "PostgreSQL refuses to run as root, and there is no other user to run it",
        "useradd --system postgres",
    )


def _reachable(binaries: Binaries, guard: Guard, account: pwd.struct_passwd | None) -> Binaries:
    """Copy the programs into the run's directory where the server's user cannot run them.

    A virtual environment below /root is the usual case: others cannot pass through its parents.
    """
    if account is None or _may_run(binaries.directory / "postgres", account):
        return binaries
    prefix = binaries.directory.parent
    package = prefix.parent
    copy = guard.directory / "programs" / package.name
    copy.mkdir(parents=True)
    for made in (copy.parent, copy):
        made.chmod(0o755)  # whatever our umask is
    ignored = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(prefix, copy / prefix.name, symlinks=True, ignore=ignored)
    # Programs of a wheel look for their libraries beside the package, by a relative path.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    return replace(binaries, directory=copy / prefix.name / binaries.directory.name)


def _may_run(program: Path, account: pwd.struct_passwd) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"], check=False, capture_output=True, cwd="/", **_as_user(account)
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _give(path: Path, account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def _as_user(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    """Return what a server needs; our keys and PG* variables are none of its business."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **kept}
