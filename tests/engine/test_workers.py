"""Workers, forked or fresh: one job each, nothing left to the next, and no way to hang a run."""

import importlib
import sys
import textwrap
import time

import pytest

from perf.claim import read
from perf.lab.guard import Guard
from perf.lab.lab import Addresses, Missing
from perf.lab.processes import look
from perf.runner import Context, Runner

PREFACE = """
import os, signal, threading, time
from perf.claim import claim, exactly
from perf.instruments import Count

def body(name, deadline_s=120):
    return claim(id=f"H1.{name}", rows=["H1"], title=name, source="test", target=exactly(1, "n"),
                 deadline_s=deadline_s)
"""


@pytest.fixture
def project(tmp_path):
    """Return what runs the claims of a module's source, in order, by a runner that is left."""
    names = []

    def run(source, inspect=None):
        name = f"claims_of_{tmp_path.name}_{len(names)}".replace("-", "_")
        names.append(name)
        (tmp_path / f"{name}.py").write_text(PREFACE + textwrap.dedent(source))
        sys.path.append(str(tmp_path))
        catalogue = read([importlib.import_module(name)])
        with Guard() as guard:
            nowhere = Addresses(guard.directory, Missing("none here"), Missing("none here"))
            context = Context("quick", nowhere.to_dict(), guard, (str(tmp_path),))
            with Runner(context, catalogue) as runner:
                done = [(m.claim.id, m.measurement) for m in runner.run(catalogue.claims)]
                if inspect is not None:
                    inspect(runner)
        return dict(done)

    yield run
    sys.path.remove(str(tmp_path))
    for name in names:
        del sys.modules[name]


def is_forked(runner):
    return runner._workers._nursery is not None


def counted(measurement):
    return measurement.samples["count"]


def test_each_worker_starts_from_the_same_state(project):
    """What one claim leaves in a module the next one does not find."""
    done = project(
        """
        SEEN = []

        def count():
            SEEN.append(1)
            return len(SEEN)

        @body("one")
        def one(lab):
            return Count(count, "n", repeats=1)

        @body("two")
        def two(lab):
            return Count(count, "n", repeats=1)
        """,
        inspect=lambda runner: is_forked(runner) or pytest.fail("was not forked"),
    )
    assert [counted(measurement) for measurement in done.values()] == [[1.0], [1.0]]


def test_a_module_with_threads_is_not_forked(project):
    """A lock that another thread holds would be held for ever in the worker."""
    done = project(
        """
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()

        @body("one")
        def one(lab):
            return Count(lambda: 1, "n")
        """,
        inspect=lambda runner: is_forked(runner) and pytest.fail("was forked"),
    )
    assert counted(done["H1.one"]) == [1.0, 1.0]


def test_a_claim_that_kills_its_parent_spoils_only_itself(project):
    """The run goes on, with workers that start anew."""
    done = project(
        """
        def murder():
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600)

        @body("first")
        def first(lab):
            return Count(murder, "n")

        @body("second")
        def second(lab):
            return Count(lambda: 1, "n")
        """
    )
    assert "started the worker ended" in done["H1.first"].error
    assert counted(done["H1.second"]) == [1.0, 1.0]


def test_ends_of_every_kind_are_told(project):
    """A hang, a signal, a status and an exception are the claim's failure, in words."""
    done = project(
        """
        @body("exit")
        def leave(lab):
            return Count(lambda: os._exit(3), "n")

        @body("hang", deadline_s=2)
        def hang(lab):
            return Count(lambda: time.sleep(600), "n")

        @body("raise")
        def fail(lab):
            return Count(lambda: 1 / 0, "n")

        @body("signal")
        def kill(lab):
            return Count(lambda: os.kill(os.getpid(), signal.SIGTERM), "n")
        """
    )
    errors = {name.partition(".")[2]: measurement.error for name, measurement in done.items()}
    assert "ended with status 3" in errors["exit"]
    assert "did not finish within 2 s" in errors["hang"]
    assert "ZeroDivisionError" in errors["raise"]
    assert "ended by SIGTERM" in errors["signal"]


def test_what_a_claim_started_ends_with_it(project):
    """A worker's children are of its session, forked or not."""
    done = project(
        """
        import subprocess

        def leave_a_child():
            child = subprocess.Popen(["sleep", "600"])
            return child.pid

        @body("one")
        def one(lab):
            return Count(leave_a_child, "n", repeats=1)
        """
    )
    (pid,) = counted(done["H1.one"])
    until = time.monotonic() + 60  # a killed process is gone a moment after its signal
    while (seen := look(int(pid))) is not None and not seen.zombie:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_nothing_is_left_of_the_nursery(project):
    """Leaving the runner ends the process that forks."""
    pids = []
    project(
        """
        @body("one")
        def one(lab):
            return Count(lambda: 1, "n")
        """,
        inspect=lambda runner: pids.append(runner._workers._nursery.process.pid),
    )
    assert pids
    assert look(pids[0]) is None


def test_a_worker_leads_a_group_of_its_own(project):
    """So that a signal to it reaches what it started, and not the nursery."""
    done = project(
        """
        @body("one")
        def one(lab):
            return Count(lambda: os.getpgrp() == os.getpid(), "n")
        """
    )
    assert counted(done["H1.one"]) == [1.0, 1.0]
