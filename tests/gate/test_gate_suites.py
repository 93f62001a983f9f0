"""Real suites in real processes: unchanged, whatever plugins and options they have."""

import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from perf.exits import Exit
from perf.gate.process import Command, CrashedError, Worker
from perf.gate.rules import GateSettings
from perf.gate.sample import Next
from perf.gate.session import Asked, compare
from perf.lab import Unavailable

SUITE = """
import os, random
import pytest
import thing

DRAWN = []

@pytest.fixture(scope="module")
def numbers():
    return list(range(100))

def test_call(benchmark):
    assert benchmark(thing.work) == 4950

@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.benchmark(group="g")
def test_parameters(benchmark, numbers, n):
    assert benchmark(max, numbers * n) == 99
    benchmark.extra_info["n"] = n
    assert benchmark.group == "g" and benchmark.stats["mean"] > 0

def test_decorator(benchmark):
    @benchmark
    def result():
        return 3
    assert result == 3

def test_pedantic(benchmark):
    benchmark.pedantic(list.sort, setup=lambda: (([3, 1, 2],), {}), rounds=3)

def test_few_calls(benchmark):
    benchmark.pedantic([1, 2, 3].pop, rounds=3)

async def coroutine():
    return 5

def test_coroutine(benchmark):
    assert benchmark(coroutine) == 5

@pytest.mark.benchmark
def test_marked(numbers):
    sorted(numbers)

@pytest.mark.codspeed_benchmark
def test_other_mark():
    sorted([2, 1])

def test_other_fixture(codspeed_benchmark):
    codspeed_benchmark(sum, [1])

class TestClass:
    @pytest.fixture(autouse=True)
    def keep(self, benchmark):
        self.benchmark = benchmark
    def test_method(self):
        self.benchmark(len, [])

def test_random(benchmark):
    with open(os.environ["DRAWN"], "a") as file:
        file.write(f"{random.random()} {hash('a')}\\n")
    benchmark(len, [])

def test_not_a_benchmark():
    raise AssertionError("it must not run")
"""
BROKEN = """
import os
import pytest
import thing

def test_raises(benchmark):
    benchmark(thing.missing)

def test_asserts(benchmark):
    assert benchmark(len, []) == 1

def test_unused(benchmark):
    pass

def test_weaves(benchmark):
    benchmark.weave(len)

def test_dies(benchmark):
    calls = []
    def die():
        calls.append(1)
        if len(calls) > 3:
            os._exit(9)
    benchmark(die)

def test_fine(benchmark):
    benchmark(len, [])
"""


def one_pair(evidences, rules, metric, seconds_left):
    """Want one pair of each benchmark."""
    return Next(pairs=tuple(e.id for e in evidences if not e.pairs))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return what writes a project and gates it against itself, and the lines that it said."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("DRAWN", str(tmp_path / "drawn"))

    def gate(suite, *arguments, ini="", plan=one_pair, **settings):
        for side in ("base", "head"):
            folder = tmp_path / side
            folder.mkdir()
            (folder / "thing.py").write_text("def work(): return sum(range(100))\n")
            (folder / "test_suite.py").write_text(suite)
            (folder / "pytest.ini").write_text(ini)
        made = GateSettings(**{"python": sys.executable, **settings})
        asked = Asked(
            tmp_path, made, None, None, tmp_path / "base", tmp_path / "head", arguments, seed=1
        )
        return compare(asked, plan, lambda _: None, lambda _: None)

    return gate


def test_every_form_of_benchmark_is_measured_unchanged(project):
    """Calls, decorators, pedantic, marks, coroutines, classes; other tests are left out."""
    measured = project(SUITE)
    names = {e.id.removeprefix("test_suite.py::") for e in measured.evidences}
    assert measured.broken == ()
    assert names == {
        "test_call", "test_parameters[1]", "test_parameters[2]", "test_decorator", "test_pedantic",
        "test_few_calls", "test_coroutine", "test_marked", "test_other_mark", "test_other_fixture",
        "TestClass::test_method", "test_random",
    }  # fmt: skip
    assert all(min(*e.pairs[0].base, *e.pairs[0].head) >= 0 for e in measured.evidences)
    assert {len(e.pairs) for e in measured.evidences} == {1}


def test_both_sides_draw_the_same_random_numbers_and_hashes(project, tmp_path):
    """Else they would measure different work."""
    project(SUITE, "-k", "test_random")
    base, head = (tmp_path / "drawn").read_text().splitlines()
    assert base == head


def test_what_is_broken_is_named_with_its_reason(project):
    """A failure, a missing call, a dead worker: each is told, none is measured, the rest is."""
    measured = project(BROKEN)
    reasons = {b.id.partition("::")[2]: b.reason for b in measured.broken}
    assert [e.id for e in measured.evidences] == ["test_suite.py::test_fine"]
    assert "has no attribute 'missing'" in reasons.pop("test_raises")
    assert "assert 0 == 1" in reasons.pop("test_asserts")
    assert "without calling its benchmark" in reasons.pop("test_unused")
    assert "cannot be gated" in reasons.pop("test_weaves")
    assert "code 9" in reasons.pop("test_dies")
    assert reasons == {}


def test_installed_plugins_that_get_in_the_way_are_taken_out(project):
    """Their options stay known, so the project's configuration parses."""
    ini = (
        "[pytest]\naddopts = -p pytest_benchmark.plugin -p pytest_randomly --benchmark-disable"
        " --benchmark-sort=name -p no:cacheprovider --strict-markers -x\nfilterwarnings = error\n"
    )
    measured = project(SUITE, "-k", "test_call or test_parameters", ini=ini)
    assert measured.broken == ()
    assert [len(e.pairs) for e in measured.evidences] == [1, 1, 1]


def test_memory_is_compared_in_bytes(project):
    """The peak of a call of known size is that size."""
    suite = "def test_bytes(benchmark):\n    benchmark(bytes, 1_000_000)\n"
    (evidence,) = project(suite, metric="memory").evidences
    assert evidence.pairs[0].base == evidence.pairs[0].head
    assert evidence.pairs[0].base[0] == pytest.approx(1_000_000, rel=0.01)


def test_what_a_project_does_at_its_end_is_done(project, tmp_path):
    """A worker ends at once, but not before the exit handlers and fixtures of its session."""
    suite = (
        "import atexit, os, pytest\n"
        "def say(word):\n"
        "    with open(os.environ['DRAWN'], 'a') as file:\n"
        "        file.write(word)\n"
        "atexit.register(say, 'exit ')\n"
        "@pytest.fixture(scope='session')\n"
        "def server():\n"
        "    yield\n"
        "    say('fixture ')\n"
        "def test_a(benchmark, server):\n"
        "    benchmark(len, [])\n"
    )
    project(suite)
    assert sorted((tmp_path / "drawn").read_text().split()) == ["exit"] * 2 + ["fixture"] * 2


def test_the_collector_is_on_where_the_project_s_tests_run(project):
    """It is off while pytest starts only."""
    suite = "import gc\ndef test_a(benchmark):\n    assert gc.isenabled()\n    benchmark(len, [])\n"
    assert project(suite).broken == ()


def test_a_module_that_is_a_link_comes_from_where_it_points(project, tmp_path):
    """Both sides would else measure the same file, and be the same."""
    suite = (
        "import os, pathlib\n"
        "pathlib.Path('thing.py').unlink()\n"
        "os.symlink(pathlib.Path('..', 'shared.py').resolve(), 'thing.py')\n"
        "import thing\n"
        "def test_a(benchmark):\n"
        "    benchmark(thing.work)\n"
    )
    (tmp_path / "shared.py").write_text("def work(): pass\n")
    with pytest.raises(Unavailable, match=r"import thing from .*shared\.py"):
        project(suite)


def test_an_interpreter_without_pytest_is_said_to_have_none(project, tmp_path):
    """Rather than what its worker printed."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    with pytest.raises(Unavailable, match="bare/bin/python has no pytest"):
        project(SUITE, python=str(tmp_path / "bare" / "bin" / "python"))


def command(folder):
    """Return how to start a worker in a folder with one benchmark that waits."""
    (folder / "test_suite.py").write_text("def test_a(benchmark):\n    benchmark(len, [])\n")
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return Command(sys.executable, folder, (folder,), (), environment)


def test_a_closed_worker_is_gone(tmp_path):
    """One that waits for its coordinator ends at once, without a word."""
    worker = Worker(command(tmp_path), 1, tmp_path / "out.txt")
    worker.next(60)
    worker.interrupt()
    worker.close()
    assert not [p for p in psutil.Process().children(recursive=True) if "ava_gate" in _line(p)]


def test_a_worker_that_ends_too_early_says_its_last_words(tmp_path):
    """An option that pytest does not know is what the user reads."""
    made = command(tmp_path)
    wrong = Command(made.python, made.folder, made.path, ("--no-such",), made.environment)
    worker = Worker(wrong, 1, tmp_path / "out.txt")
    with pytest.raises(CrashedError, match=r"code 4: .*unrecognized arguments: --no-such"):
        worker.next(60)
    worker.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone can promise it")
def test_a_worker_dies_with_a_killed_coordinator(tmp_path):
    """SIGKILL leaves no process behind, not even one that looks at no socket."""
    (tmp_path / "test_suite.py").write_text("import time\ntime.sleep(600)\n")
    code = (
        "import os, sys; from pathlib import Path; from perf.gate.process import *\n"
        "here = Path(sys.argv[1])\n"
        "command = Command(sys.executable, here, (), (), dict(os.environ))\n"
        "worker = Worker(command, 1, here / 'o')\n"
        "print(worker._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    line = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    pid, until = int(done.stdout), time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.01)


def _line(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_an_argument_that_fits_nothing_is_a_user_error(tmp_path):
    """The command ends with 2 and one line; nothing was measured."""
    line = [sys.executable, "-m", "perf.cli", "gate", "--base-dir", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.USAGE
    assert "--base-dir and --head-dir go together" in done.stderr


def git(folder, *words):
    """Run git as somebody with a name."""
    author = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    line = [shutil.which("git"), *author, *words]
    return subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_ctrl_c_leaves_no_worktree_and_no_process(tmp_path):
    """An interrupted gate ends with 130, and a benchmark's fixture was torn down."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_suite.py").write_text(
        "import pathlib, time, pytest\n"
        "@pytest.fixture\n"
        "def server():\n"
        "    yield\n"
        f"    pathlib.Path({str(tmp_path / 'down')!r}).touch()\n"
        "def test_a(benchmark, server):\n"
        f"    pathlib.Path({str(tmp_path / 'up')!r}).touch()\n"
        "    benchmark(time.sleep, 60)\n"
    )
    git(tmp_path, "init", "-q", "project")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "one")
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TMPDIR": str(tmp_path)}
    line = [sys.executable, "-m", "perf.cli", "gate", "--base", "HEAD", "--python", sys.executable]
    gate = subprocess.Popen(
        line, cwd=project, env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    until = time.monotonic() + 60
    while not (tmp_path / "up").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    workers = psutil.Process(gate.pid).children(recursive=True)
    gate.send_signal(signal.SIGINT)
    gate.communicate(timeout=60)
    assert gate.returncode == Exit.INTERRUPTED
    assert workers
    assert not any(worker.is_running() for worker in workers)
    assert (tmp_path / "down").exists()
    assert len(git(project, "worktree", "list").splitlines()) == 1
    assert not list(tmp_path.glob("ava-gate-*"))


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
def test_instructions_are_counted_and_repeat(project):
    """Ten times the work is about ten times the instructions, the same on both sides."""
    suite = (
        "import pytest\n"
        "@pytest.mark.parametrize('n', [1_000, 10_000])\n"
        "def test_sum(benchmark, n):\n"
        "    numbers = list(range(n))\n"
        "    benchmark(sum, numbers)\n"
    )
    measured = project(suite, metric="instructions")
    counts = {e.id[-6:]: e.pairs[0] for e in measured.evidences}
    small, large = counts["[1000]"], counts["10000]"]
    assert small.base[0] == pytest.approx(small.head[0], rel=0.01)
    assert large.base[0] / small.base[0] == pytest.approx(10, rel=0.1)
