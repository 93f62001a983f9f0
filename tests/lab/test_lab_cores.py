"""Client and server on different cores, so that a round trip takes as long in every process."""

import os
import subprocess
import sys
from dataclasses import replace

import psycopg
import pytest

from perf.lab.cores import split
from perf.lab.lab import Addresses, Lab, Missing
from perf.lab.swarm import Swarm

needs_cores = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="placing processes needs Linux and two cores",
)


@pytest.mark.parametrize(
    ("cores", "placed"),
    [([0], None), ([0, 1], ({0}, {1})), ([5, 2, 7], ({2}, {5, 7}))],
)
def test_the_client_gets_one_core_and_the_server_the_rest(cores, placed):
    """One core alone cannot be divided."""
    assert split(cores) == placed


@needs_cores
def test_a_session_that_has_ended_is_no_error():
    """A pid nobody has is passed over; the client is placed all the same."""
    # In a process of its own: this one must stay where it is.
    code = (
        "import os; from perf.lab.cores import separate;"
        "assert separate([2**22 + 1]); assert len(os.sched_getaffinity(0)) == 1"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@needs_cores
def test_the_lab_places_its_own_sessions(lab):
    """A session of the lab's server leaves the core this process is put on."""
    mine = os.sched_getaffinity(0)
    with psycopg.connect(lab.dsn()) as connection:
        try:
            assert lab.separate()
            pid = connection.info.backend_pid
            assert os.sched_getaffinity(pid).isdisjoint(os.sched_getaffinity(0))
        finally:
            os.sched_setaffinity(0, mine)


@needs_cores
def test_the_lab_places_its_own_redis(servers, redis_server):
    """Who was given Redis is measured on another core than it."""
    mine, theirs = os.sched_getaffinity(0), os.sched_getaffinity(redis_server.pid)
    addresses = replace(servers.addresses, postgres=Missing("none here"))
    with Lab(addresses) as lab:
        try:
            assert not lab.separate()
            _ = lab.redis_url
            assert lab.separate()
            placed = os.sched_getaffinity(redis_server.pid)
            assert placed.isdisjoint(os.sched_getaffinity(0))
        finally:
            os.sched_setaffinity(0, mine)
            os.sched_setaffinity(redis_server.pid, theirs)


@needs_cores
def test_a_member_of_a_swarm_runs_anywhere():
    """Members do not crowd on the core of who started them."""
    mine = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(mine)})
        with Swarm("test_lab_cores:cores_of_a_member", 1, {}) as swarm:
            swarm.go()
            assert swarm.results() == [len(mine)]
    finally:
        os.sched_setaffinity(0, mine)


def cores_of_a_member(start):
    start()
    return len(os.sched_getaffinity(0))


def test_without_a_server_nobody_is_moved(servers):
    """A claim that measures no PostgreSQL keeps every core."""
    mine = os.sched_getaffinity(0)
    addresses = Addresses(servers.guard.directory, Missing("none here"), Missing("none here"))
    with Lab(addresses) as lab:
        assert not lab.separate()
    assert os.sched_getaffinity(0) == mine


def test_a_server_elsewhere_is_not_touched(servers, tmp_path):
    """Pids of a server that is not this run's may belong to anybody."""
    addresses = Addresses(tmp_path, servers.addresses.postgres, servers.addresses.redis_url)
    with Lab(addresses) as lab, psycopg.connect(lab.dsn()):
        assert not lab.separate()
