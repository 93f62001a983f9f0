"""What `ava-perf demo` shows is declared and found like a claim, and ends as one whole."""

import os
import re
import subprocess
import sys
from types import ModuleType

import psutil
import pytest

from perf.claim import ClaimError, discover, read
from perf.demonstration import demonstration

STALL = """
import subprocess, sys
from contextlib import contextmanager
from perf.demonstration import Shown, demonstration
from perf.lab.guard import Stop


@demonstration("the stall")
@contextmanager
def stall(lab, guard, port):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    guard.own(process.pid, Stop.TERMINATE)
    with process:
        yield Shown([f"stall {process.pid} on {port}"], [process])
        process.kill()
"""


@pytest.fixture
def shown(tmp_path):
    """Run `ava-perf demo` on a package with a demonstration, until it is ready."""
    (tmp_path / "stall_claims.py").write_text(STALL)
    command = [sys.executable, "-P", "-m", "perf.cli", "demo", "--port", "4711"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "AVA_PERF_CLAIMS": "stall_claims"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("ready after"):
            break
    found = re.match(r"stall (\d+) on 4711", process.stdout.readline())
    yield process, psutil.Process(int(found.group(1)))
    process.kill()
    process.communicate()


def test_it_ends_when_what_it_shows_has_ended(shown):
    """Nobody looks at a demonstration that is not there any more."""
    process, stall = shown
    stall.kill()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "error: a process of the demonstration ended: -9" in said
    assert "Traceback" not in said


def test_what_it_shows_ends_with_it(shown):
    """A kill of the command takes the process along, though nobody is there to ask it."""
    process, stall = shown
    process.kill()
    stall.wait(timeout=60)


def package(body):
    """Return a module of claims that declares one thing."""
    module = ModuleType("stage")
    body.__module__ = "stage"
    module.body = body
    return module


def test_it_is_found_with_the_claims():
    """Nothing is listed by hand."""
    found = read([package(demonstration("the stall", needs=["shop"])(lambda *_: None))])
    assert [(one.name, one.needs) for one in found.demonstrations] == [("the stall", ("shop",))]


def test_an_undeclared_need_is_refused(tmp_path, monkeypatch):
    """It is told before any server is started."""
    text = STALL.replace('"the stall"', '"the stall", needs=["shop"]')
    (tmp_path / "needy_claims.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ClaimError, match="the stall needs 'shop', which nothing prepares"):
        discover(["needy_claims"])
