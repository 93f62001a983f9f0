"""Every command that measures keeps its run by itself, in one history, and never fails for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from perf.history import store

SAMPLE = Path(__file__).parents[1] / "engine" / "sample_project"
SUITE = "import thing\n\ndef test_bytes(benchmark):\n    benchmark(thing.work)\n"
NAME = "speed/test_speed.py::test_bytes"
SCENARIO = """
from perf.load.scenario import CONSTANT, Ask, Phase, Scenario

SCENARIO = Scenario(
    "brief", "A brief run", (Phase("steady", 0.5, 40, CONSTANT),),
    lambda random, at_s: Ask("page", "/"),
)
"""


def ava_perf(folder, *arguments, **environment):
    """Run the command as a user would; return the finished process."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "perf.cli", *arguments],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def git(folder, *words):
    """Run git as somebody with a name."""
    author = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    line = [shutil.which("git"), *author, *words]
    return subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder, size):
    """Commit work that takes so many bytes; return the commit."""
    (folder / "thing.py").write_text(f"def work():\n    return bytes({size})\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    return git(folder, "rev-parse", "HEAD").strip()


def bench(folder, **environment):
    """Measure the suite as briefly as can be."""
    short = ("-p", "pytest_benchmark.plugin", "--benchmark-max-time=0.001")
    return ava_perf(folder, "bench", "--folder", "speed", *short, PYTHONPATH=".", **environment)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a repository of two commits with a benchmark that got larger, and the commits."""
    folder = tmp_path_factory.mktemp("user")
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("reports\n__pycache__\n")
    (folder / "speed").mkdir()
    (folder / "speed/test_speed.py").write_text(SUITE)
    commits = commit(folder, 100_000), commit(folder, 200_000)
    return folder, commits


@pytest.fixture(scope="module")
def gated(project):
    """Gate the second commit against the first; return the folder and the finished process."""
    folder, _ = project
    revisions = ("--base", "HEAD~1", "--head", "HEAD", "--metric", "memory")
    done = ava_perf(folder, "gate", *revisions, "--json", "gate.json", "--", "speed")
    assert done.returncode == 1, done.stderr
    return folder


def told(folder, *arguments):
    """Return the series of a project's history."""
    done = ava_perf(folder, "history", "--json", *arguments)
    return {one["metric"]: one for one in json.loads(done.stdout)["series"]}


def test_a_gate_keeps_both_costs_and_the_change(project, gated):
    """Base's cost stands at base's commit, head's and the change at head's, with the verdict."""
    base, head = project[1]
    found = told(gated, "-k", "memory")
    at = {metric: one["last"] for metric, one in found.items()}
    assert at["memory base"]["commit"] == base[:10]
    assert at["memory head"]["commit"] == at["memory change"]["commit"] == head[:10]
    assert at["memory head"]["value"] - at["memory base"]["value"] == pytest.approx(1e5, rel=0.01)
    assert at["memory change"]["verdict"] == "slower"


def test_the_file_of_a_kept_gate_is_known(gated):
    """What lies in the history is not added again, though a file does not name its machine."""
    done = ava_perf(gated, "history", "import", "gate.json")
    assert "0 runs added, 2 known" in done.stdout


def test_a_bench_is_kept_in_the_same_history(project, gated):
    """One file for all, and the figures of this run say the commit and the class of machine."""
    done = bench(gated)
    (line,) = (one for one in store.lines(gated / "reports/history.jsonl")[0]
               if one["source"] == "bench")  # fmt: skip
    assert (done.returncode, line["commit"], line["dirty"]) == (0, project[1][1], False)
    assert [one["name"] for one in line["figures"]] == [NAME]
    assert ", Python 3." in line["machine"]


def test_a_history_that_cannot_be_written_fails_nothing(project):
    """It is said on stderr; the exit code is that of what was measured."""
    done = bench(project[0], AVA_PERF_HISTORY="thing.py/history.jsonl")
    assert done.returncode == 0
    assert "thing.py/history.jsonl was not extended" in done.stderr
    assert NAME in done.stdout


def test_an_empty_setting_keeps_no_history(tmp_path):
    """No file, no folder, and no word of it."""
    (tmp_path / "speed").mkdir()
    (tmp_path / "speed/test_speed.py").write_text(
        "def test_a(benchmark):\n    benchmark(len, [])\n"
    )
    done = bench(tmp_path, AVA_PERF_HISTORY="")
    assert done.returncode == 0
    assert "history" not in done.stderr
    assert not (tmp_path / "reports").exists()
    assert ava_perf(tmp_path, "history", AVA_PERF_HISTORY="").returncode == 2


def test_an_audit_heeds_the_setting_too(tmp_path):
    """Its report needs no history."""
    project = shutil.copytree(SAMPLE, tmp_path / "project")
    done = ava_perf(project, "audit", "-k", "G2.count", AVA_PERF_HISTORY="")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (project / "reports").iterdir()] == ["latest"]


class Answering(BaseHTTPRequestHandler):
    """Answers everything with nothing."""

    def do_GET(self):
        """Answer."""
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def address():
    """Serve on a loopback port; return where."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_load_run_is_kept_where_it_is_valid(tmp_path, address):
    """By what was asked at which rate; a run that this busy machine spoilt is none, and told."""
    (tmp_path / "brief.py").write_text(SCENARIO)
    done = ava_perf(tmp_path, "load", "brief.py", "--host", f"http://user:key@{address}", "--json")
    reasons = json.loads(done.stdout)["load"]["reasons"]
    found, _ = store.lines(tmp_path / "reports/history.jsonl")
    assert ("not kept in the history" in done.stderr) == bool(reasons)
    assert len(found) == (0 if reasons else 1)
    for line in found:
        assert line["source"] == f"load run of {address}"
        assert {one["name"] for one in line["figures"]} == {"brief/steady/page at 40/s"}
        imported = ava_perf(tmp_path, "history", "import", "reports/load/brief/load.json")
        assert "0 runs added, 1 known" in imported.stdout


def test_processes_at_once_lose_no_line(tmp_path):
    """Commands that end at the same moment wait for each other."""
    code = (
        "import sys; from pathlib import Path; from perf.history import store\n"
        "for turn in range(20):\n"
        "    line = dict.fromkeys(('started', 'profile', 'commit', 'machine'), '')\n"
        "    line |= {'run': f'{sys.argv[2]}-{turn}', 'results': {}}\n"
        "    store.extend(Path(sys.argv[1]), lambda _: [line])\n"
    )
    path = tmp_path / "reports" / "history.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(number)])
        for number in range(4)
    ]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    lines, unreadable = store.lines(path)
    assert ({line["run"] for line in lines}, unreadable) == (
        {f"{number}-{turn}" for number in range(4) for turn in range(20)},
        0,
    )


def test_a_link_to_a_history_stays_one(tmp_path):
    """A history that several checkouts share lies elsewhere, and is not replaced by a copy."""
    shared, link = tmp_path / "shared.jsonl", tmp_path / "here" / "history.jsonl"
    link.parent.mkdir()
    link.symlink_to(shared)
    line = dict.fromkeys(("run", "started", "profile", "commit", "machine"), "") | {"results": {}}
    store.extend(link, lambda _: [line])
    assert link.is_symlink()
    assert store.lines(shared) == ([line], 0)
