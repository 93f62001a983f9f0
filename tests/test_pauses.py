"""A test by real time is run again after a pause of the machine, and only then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import os, signal, subprocess
from pathlib import Path
import pytest

pytestmark = pytest.mark.real_time


def count(name):
    with Path(name).open("a") as file:
        file.write("x")
    return Path(name).stat().st_size


def pause():
    me = os.getpid()
    with subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -CONT {me}"], start_new_session=True):
        os.kill(me, signal.SIGSTOP)


def test_paused_once():
    if count("once") == 1:
        pause()
        raise AssertionError


def test_paused_always():
    count("always")
    pause()
    raise AssertionError


def test_wrong():
    count("wrong")
    raise AssertionError
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """Run the tests above; return the folder of their counts, and what was said."""
    folder = tmp_path_factory.mktemp("pauses")
    (folder / "test_suite.py").write_text(SUITE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "pauses", "-p", "no:cacheprovider", "--tb=no"],
        cwd=folder,
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(Path(__file__).parent),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return folder, done.stdout


def test_a_failure_in_a_pause_is_no_failure(suite):
    """The second run had no pause, and counts."""
    folder, said = suite
    assert (folder / "once").read_text() == "xx"
    assert "test_paused_once" not in said
    assert "2 failed, 1 passed" in said


def test_a_failure_without_a_pause_is_one(suite):
    """It is not run again."""
    folder, said = suite
    assert (folder / "wrong").read_text() == "x"
    assert "FAILED test_suite.py::test_wrong" in said


def test_a_machine_that_only_pauses_lets_nothing_pass(suite):
    """After a few runs the failure stands."""
    folder, said = suite
    assert (folder / "always").read_text() == "x" * 5
    assert "FAILED test_suite.py::test_paused_always" in said
