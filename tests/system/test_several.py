"""Several processes behind one port: who is missed, who takes whose place, and who is left."""

import contextlib
import signal

import psutil
import pytest
from running import refuses, until

SEVERAL = ("serve", "--port", "0", "--processes", "2")
SWITCH = "/api/v1/automation/wheel"


@pytest.fixture
def several(ava, whole):
    """Two processes behind one port, and how they are found."""
    serving = ava(*SEVERAL, **whole)
    assert serving.url
    yield serving
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in processes(serving):
            process.kill()


def processes(serving):
    """Return the processes that serve."""
    return psutil.Process(serving.process.pid).children()


def test_one_that_is_killed_is_not_missed_and_all_end_together(several):
    """The other answers, another takes its place, and one signal to the one above ends both."""
    first = processes(several)
    assert len(first) == 2
    assert several.ask("PUT", SWITCH, {"enabled": True})[0] == 200
    first[0].kill()
    first[0].wait(60)  # until then a request may reach one that dies
    assert {several.ask("GET", SWITCH)[0] for _ in range(30)} == {200}
    several.until(f"process {first[0].pid} ended with -9; another is started")
    until(lambda: len(set(processes(several)) - {first[0]}) == 2)
    last = processes(several)
    several.signal()
    assert several.wait() == 0
    assert [process for process in last if process.is_running()] == []
    assert refuses(several.url)
    assert "Traceback" not in several.text


def test_none_outlives_the_one_above(several):
    """Nobody would end them, and the port would stay taken."""
    serving = processes(several)
    several.signal(signal.SIGKILL)
    _, left = psutil.wait_procs(serving, timeout=60)
    assert left == []


def test_one_line_says_why_they_do_not_start(ava, whole):
    """Each says why itself; nobody tries again for ever."""
    gone = {"AVA_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/d", "AVA_DATABASE_RETRIES": "1"}
    serving = ava(*SEVERAL, **whole | gone)
    assert serving.wait() == 3
    assert "PostgreSQL at 127.0.0.1:1 cannot be reached" in serving.text
    assert "hunter2" not in serving.text


def test_without_redis_several_are_refused(ava, alone):
    """Their caches would not hear of each other's changes."""
    serving = ava(*SEVERAL, **alone)
    assert serving.wait() == 2
    assert "several processes need Redis: set AVA_REDIS_URL" in serving.text
