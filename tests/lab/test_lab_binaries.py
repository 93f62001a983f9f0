"""PostgreSQL's programs are found where they are, and the best of them are chosen."""

from __future__ import annotations

import pytest

from perf.lab import Unavailable
from perf.lab.binaries import Source, find_binaries, inspect


def install(prefix, version="15.4", *, contrib=False):
    """Make a directory that looks like an installation, and return its programs'."""
    programs, extensions = prefix / "bin", prefix / "share" / "extension"
    programs.mkdir(parents=True)
    extensions.mkdir(parents=True)
    answers = {"postgres": f"postgres (PostgreSQL) {version}", "initdb": ""}
    answers["pg_config"] = f"$([ $1 = --bindir ] && echo {programs} || echo {prefix}/share)"
    for name, answer in answers.items():
        (programs / name).write_text(f'#!/bin/sh\necho "{answer}"\n')
        (programs / name).chmod(0o755)
    if contrib:
        for name in ("pg_stat_statements", "pgstattuple"):
            (extensions / f"{name}.control").touch()
    return programs


def test_an_installation_tells_its_version_and_modules(tmp_path):
    """The major version comes from the server, the modules from its share directory."""
    found = inspect(install(tmp_path, "17beta1", contrib=True), Source.MACHINE)
    assert (found.major, found.contrib) == (17, True)


def test_one_module_is_not_contrib(tmp_path):
    """Contrib is there only when every module that claims need is."""
    programs = install(tmp_path, contrib=True)
    (tmp_path / "share" / "extension" / "pgstattuple.control").unlink()
    assert not inspect(programs, Source.MACHINE).contrib


def test_a_server_too_old_is_none(tmp_path):
    """A version that cannot drop a database in use is not taken."""
    assert inspect(install(tmp_path, "12.19"), Source.MACHINE) is None


def test_client_programs_alone_are_none(tmp_path):
    """A machine with psql and pg_config but no server has no PostgreSQL to offer."""
    programs = install(tmp_path)
    (programs / "initdb").unlink()
    assert inspect(programs, Source.MACHINE) is None


def test_the_user_names_the_directory(tmp_path):
    """AVA_PERF_POSTGRES_BIN wins over better programs elsewhere."""
    programs = install(tmp_path, "13.2")
    found = find_binaries({"AVA_PERF_POSTGRES_BIN": str(programs)})
    assert (found.directory, found.source, found.contrib) == (programs, Source.MACHINE, False)


def test_a_named_directory_without_a_server_is_not_replaced(tmp_path):
    """What the user asks for and is not there is unavailable, never something else."""
    with pytest.raises(Unavailable, match="AVA_PERF_POSTGRES_BIN names"):
        find_binaries({"AVA_PERF_POSTGRES_BIN": str(tmp_path)})


def test_complete_programs_on_the_path_come_first(tmp_path):
    """What PATH points at is preferred among the machine's programs with contrib."""
    programs = install(tmp_path, "14.1", contrib=True)
    assert find_binaries({"PATH": str(programs)}).directory == programs


def test_programs_without_contrib_are_passed_over(tmp_path):
    """A server with contrib elsewhere, or the wheel's, wins over one on PATH without."""
    programs = install(tmp_path, "99.1")
    assert find_binaries({"PATH": str(programs)}).directory != programs


def test_the_wheel_can_be_asked_for():
    """The word `wheel` takes the newest server the wheel brings, which has no contrib."""
    found = find_binaries({"AVA_PERF_POSTGRES_BIN": "wheel"})
    siblings = [
        inspect(directory / "bin", Source.WHEEL).major
        for directory in found.directory.parent.parent.glob("pginstall*")
    ]
    assert found.source is Source.WHEEL
    assert found.major == max(siblings)
