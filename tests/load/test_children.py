"""A child that is bound to its parent ends with it, at once and however the parent ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perf.children import bound

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20.0  # the child would sleep for a minute
PARENT = """
import os, subprocess, sys
from perf.children import bound
child = subprocess.Popen(["sleep", "60"], preexec_fn=bound(os.getpid()), start_new_session=True)
print("started", flush=True)
child.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_child_of_a_killed_parent_is_gone():
    """The pipe that both hold ends, which it does not before the child has."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout.readline() == b"started\n"
        parent.kill()
        assert select.select([parent.stdout], [], [], PATIENCE_S)[0]
        assert parent.stdout.read() == b""


def started(*words, parent):
    """Start a child that is bound to the process `parent`."""
    return subprocess.Popen(words, preexec_fn=bound(parent))  # noqa: PLW1509 - one thread


def test_a_child_whose_parent_is_gone_already_never_begins():
    """It looks once more after it was bound: the parent may have died just before."""
    assert started("true", parent=os.getppid()).wait() == 1


def test_a_child_heeds_ctrl_c_though_its_shell_had_it_ignored():
    """What a shell starts in the background inherits a signal that is ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = started("sleep", "60", parent=os.getpid())
    finally:
        signal.signal(signal.SIGINT, before)
    child.send_signal(signal.SIGINT)
    assert child.wait() == -signal.SIGINT
