"""A private PostgreSQL comes up on any machine, for us alone; a user's own is left alone."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import perf
from perf.lab import Unavailable
from perf.lab.binaries import Binaries, Source, find_binaries
from perf.lab.cluster import SETTINGS
from perf.lab.guard import Guard
from perf.lab.postgres import PostgresAddress, PostgresServer

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

ORDINARY = """
import json, os
import psycopg
from perf.lab.binaries import find_binaries
from perf.lab.guard import Guard
from perf.lab.postgres import PostgresServer
with Guard() as guard:
    with PostgresServer.start(guard, find_binaries(os.environ)) as server:
        with psycopg.connect(server.dsn()) as connection:
            told = connection.execute("SELECT current_user").fetchone()
    print(json.dumps([os.geteuid(), told[0], str(guard.directory)]))
"""


def answer(dsn, query):
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchone()[0]


def intruder(server):
    """Return an address with a password that is not the server's."""
    return make_conninfo(server.tcp_dsn(), password="guess")  # noqa: S106 - it opens nothing


def secret_of(server):
    return conninfo_to_dict(server.tcp_dsn())["password"]


def test_the_server_says_what_it_is(postgres_server):
    """Version and extensions are the server's own words."""
    assert answer(postgres_server.dsn(), "SHOW server_version") == postgres_server.version
    assert "plpgsql" in postgres_server.contrib


def test_reported_settings_are_in_force(postgres_server):
    """Every setting made for measuring is read back with the value that was asked for."""
    if postgres_server.source is Source.URL:
        pytest.skip("a server of the user's own has its own settings")
    assert {name: postgres_server.settings[name] for name in SETTINGS} == dict(SETTINGS)


def test_socket_and_port_lead_to_one_server(postgres_server):
    """Both ways in reach the same running instance."""
    started = "SELECT pg_postmaster_start_time()"
    assert answer(postgres_server.dsn(), started) == answer(postgres_server.tcp_dsn(), started)


def test_a_stranger_is_refused_on_the_port(postgres_server):
    """Whoever does not know the password drawn for the run cannot enter by TCP."""
    if postgres_server.source is Source.URL:
        pytest.skip("a server of the user's own has its own rules")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(intruder(postgres_server))


def test_the_socket_lies_behind_a_closed_door(postgres_server):
    """No other user can reach the socket, on which nobody is asked for a password."""
    if postgres_server.source is Source.URL:
        pytest.skip("a server of the user's own has its own rules")
    home = Path(conninfo_to_dict(postgres_server.dsn())["host"])
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_no_secret_is_shown(postgres_server):
    """Neither the server nor its address shows the password."""
    if postgres_server.source is Source.URL:
        pytest.skip("a server of the user's own may have no password")
    shown = f"{postgres_server!r} {postgres_server} {postgres_server.address!r}"
    assert secret_of(postgres_server) not in shown


def test_texts_sort_by_bytes(postgres_server):
    """Order does not depend on the machine's language: capitals come before small letters."""
    if postgres_server.source is Source.URL:
        pytest.skip("a server of the user's own has its own locale")
    assert answer(postgres_server.dsn(), "SELECT 'a' > 'B'")


@only_root
def test_root_serves_as_somebody_else(postgres_server):
    """Started by root, the server runs as a user without root's rights."""
    if postgres_server.source is Source.URL:
        pytest.skip("a server of the user's own runs as it likes")
    home = Path(conninfo_to_dict(postgres_server.dsn())["host"])
    assert home.stat().st_uid in {pwd.getpwnam(name).pw_uid for name in _accounts()}


def _accounts():
    known = {entry.pw_name for entry in pwd.getpwall()}
    return known & {"postgres", "nobody"}


@pytest.mark.postgres
def test_the_wheel_serves_as_well(tmp_path_factory):
    """A machine without PostgreSQL uses the wheel's, which says that it has no contrib."""
    wheel = find_binaries({"AVA_PERF_POSTGRES_BIN": "wheel"})
    with Guard() as guard, PostgresServer.start(guard, wheel) as server:
        assert answer(server.dsn(), "SELECT 6 * 7") == 42
        assert server.source is Source.WHEEL
        assert "pg_stat_statements" not in server.contrib


@only_root
@pytest.mark.postgres
def test_programs_that_the_server_user_cannot_reach_are_copied(tmp_path):
    """A virtual environment below /root still serves: its programs go with the run."""
    wheel = find_binaries({"AVA_PERF_POSTGRES_BIN": "wheel"})
    closed = tmp_path / "root"
    closed.mkdir(mode=0o700)
    prefix = wheel.directory.parent
    libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
    for tree in (prefix, libraries):
        copy = closed / tree.relative_to(prefix.parents[1])
        shutil.copytree(tree, copy, copy_function=_link_or_copy)
    programs = closed / prefix.relative_to(prefix.parents[1]) / "bin"
    hidden = Binaries(programs, wheel.major, Source.WHEEL, contrib=False)
    with Guard() as guard, PostgresServer.start(guard, hidden) as server:
        assert answer(server.dsn(), "SELECT 1") == 1
        assert list(guard.directory.glob("programs/*/*/bin/postgres"))


def _link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


@only_root
@pytest.mark.postgres
def test_an_ordinary_user_can_serve():
    """A user without any rights starts a server, is its superuser, and leaves nothing."""
    python = _python_for("nobody")
    if python is None:
        pytest.skip("user nobody cannot run any Python of this version here")
    done = subprocess.run(
        [python, "-c", ORDINARY],
        **_as("nobody"),
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(_root()), *_site_packages()]),
        },
    )
    user, superuser, directory = json.loads(done.stdout)
    assert (user, superuser) == (pwd.getpwnam("nobody").pw_uid, "postgres")
    assert not Path(directory).exists()


def _as(name):
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _root():
    return Path(perf.__file__).parents[1]


def _site_packages():
    return [place for place in sys.path if place.endswith("site-packages")]


def _python_for(name):
    """Return a Python of our version that user `name` can run with our packages, if any."""
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(minor, path="/usr/local/bin:/usr/bin")):
        if python is None:
            continue
        try:
            done = subprocess.run(
                [python, "-c", "import psycopg, perf"],
                **_as(name),
                capture_output=True,
                check=False,
                cwd="/",
                env={"PYTHONPATH": os.pathsep.join([str(_root()), *_site_packages()])},
            )
        except PermissionError:
            continue
        if done.returncode == 0:
            return python
    return None


@pytest.mark.postgres
def test_a_server_that_does_not_come_up_says_why(tmp_path):
    """The end of the server's log is the reason, and no process is left behind."""
    real = find_binaries({"AVA_PERF_POSTGRES_BIN": "wheel"})
    lame = Binaries(real.directory, real.major, Source.WHEEL, contrib=True)  # it has none
    with Guard() as guard:
        with pytest.raises(Unavailable, match="pg_stat_statements"):
            PostgresServer.start(guard, lame)
        assert guard._owned == {}


def test_a_server_named_by_url_is_used_and_never_stopped(postgres_server):
    """Closing leaves the user's server running."""
    with PostgresServer.at(postgres_server.dsn()) as borrowed:
        assert borrowed.source is Source.URL
    assert answer(postgres_server.dsn(), "SELECT 1") == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://trader:hunter2@127.0.0.1:1/prices", "Connection refused"),
        ("host=/nowhere user=trader password=hunter2", "No such file"),
        ("hunter2 is no address", "not a PostgreSQL address"),
    ],
)
def test_an_unreachable_url_is_one_clear_line_without_secrets(url, why):
    """What is said about a server out of reach does not repeat its address."""
    with pytest.raises(Unavailable, match=why) as caught:
        PostgresServer.at(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_wrong_password_is_said_without_the_user(postgres_server):
    """A refused log-in names the refusal and nobody's name."""
    if postgres_server.source is Source.URL:
        pytest.skip("a server of the user's own has its own rules")
    with pytest.raises(Unavailable, match="authentication failed") as caught:
        PostgresServer.at(intruder(postgres_server))
    assert "postgres" not in str(caught.value)


@pytest.mark.parametrize(
    ("tcp", "target"),
    [
        ("host=db.example port=6543", ("db.example", 6543)),
        ("postgresql://db.example/prices", ("db.example", 5432)),
        ("host=first,second port=1,2", ("first", 1)),
        ("host=db.example hostaddr=10.0.0.9", ("10.0.0.9", 5432)),
        ("host=/run/pg port=5433", ("/run/pg/.s.PGSQL.5433", 5433)),
        ("dbname=prices", ("localhost", 5432)),
    ],
)
def test_a_proxy_finds_its_target_in_any_address(tcp, target):
    """Host and port are read from every form that the driver accepts."""
    assert PostgresAddress("", tcp).target == target


def test_an_address_by_number_can_be_redirected():
    """A hostaddr would win over a host, so it is what a proxy's place replaces."""
    address = PostgresAddress("", "host=db.example hostaddr=10.0.0.9")
    parts = conninfo_to_dict(address.tcp_dsn("prices", "127.0.0.1", 7000))
    assert (parts["hostaddr"], parts["port"], parts["dbname"]) == ("127.0.0.1", "7000", "prices")


def test_a_database_name_is_quoted():
    """A name with a space or a quote stays one name."""
    address = PostgresAddress("host=/run/pg", "")
    assert conninfo_to_dict(address.dsn("it's new"))["dbname"] == "it's new"
