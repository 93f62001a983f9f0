"""Processes are recognised by pid and birth, and brought to an end with bounded patience."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from perf.lab.processes import Owned, Stop, halt, look

STUBBORN = """
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
print("ready", flush=True)
signal.pause()
"""
# Its child ignores SIGTERM, so the leader is gone before the group is.
LEADER = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
signal.signal(signal.SIGTERM, signal.SIG_DFL)
print(child.pid, flush=True)
signal.pause()
"""


def start(script):
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True
    )
    return process, process.stdout.readline().decode().strip()


def owned(process, stop):
    return Owned(process.pid, look(process.pid).born, stop)


def test_a_process_is_not_born_twice_alike():
    """Looking twice at one process gives one birth, and another process has another."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert look(os.getpid()).born == look(os.getpid()).born
        assert look(other.pid).born != look(os.getpid()).born


def test_nobody_is_seen_behind_a_pid_that_is_not_in_use():
    """A process that has ended and was waited for is None."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert look(process.pid) is None


def test_a_recycled_pid_is_not_killed():
    """A process with the pid of an owned one but another time of birth is left alone."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        halt([Owned(stranger.pid, "another boot/1", Stop.TERMINATE)])
        assert stranger.poll() is None


@pytest.mark.parametrize("stop", Stop)
def test_every_way_of_stopping_ends_a_plain_process(stop):
    """A process that minds signals ends at the first of any way."""
    process, _ = start("import signal; print(flush=True); signal.pause()")
    with process:
        halt([owned(process, stop)])
        assert process.wait(10) != 0


def test_a_process_that_ignores_requests_is_killed():
    """SIGKILL is the last word to a process that ignores every polite signal."""
    process, _ = start(STUBBORN)
    with process:
        halt([owned(process, Stop.POSTGRES)], patience_s=(0.01, 0.01, 10))
        assert process.wait(10) == -9


def test_a_group_ends_with_what_its_leader_started():
    """Stopping a leader's group stops its child as well, although the leader went first."""
    leader, child = start(LEADER)
    with leader:
        halt([owned(leader, Stop.GROUP)], patience_s=(0.5, 10, 10))
        seen = look(int(child))
        if seen is not None and not seen.zombie:
            os.kill(int(child), signal.SIGKILL)
            pytest.fail("the child of the leader is still running")
