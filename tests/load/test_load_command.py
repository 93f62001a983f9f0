"""`ava-perf load`: a short real run against a server, from the command line to the report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from perf.commands.load import command
from perf.demonstration import Service
from perf.exits import Exit
from perf.instruments.bench import Bench
from perf.instruments.load import Load
from perf.load.run import Order
from perf.load.scenario import p95
from perf.sample import Kind

ROOT = Path(__file__).parents[2]
SECRET = "a-key-that-nobody-may-see"  # noqa: S105 - nobody's
SCENARIO = """
from perf.load.scenario import CONSTANT, Ask, Phase, Scenario, error_rate, hit_rate, p50, throughput

SCENARIO = Scenario(
    "brief", "A brief run", (Phase("steady", 6.0, 40, CONSTANT),),
    lambda random, at_s: Ask("page", "/page"), thresholds={thresholds},
)
"""


class Answering(BaseHTTPRequestHandler):
    """Counts who comes with the key, and tells the count as a Prometheus exporter would."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answer a page or the figures."""
        if self.path == "/metrics":
            count = self.server.count - self.server.hidden
            text = f"# TYPE asked histogram\nasked_count {count}\nasked_sum 1\n"
            text += f"# TYPE hits_total counter\nhits_total {count}\n"
            text += "# TYPE misses_total counter\nmisses_total 0\n"
            self._send(200, text.encode())
            return
        with self.server.lock:
            self.server.count += 1
        known = self.headers.get("Authorization") == SECRET
        self._send(200 if known else 401, b"ok")

    def _send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def served():
    """Serve on a loopback port; `hidden` requests are missing from what it tells."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        server.count, server.hidden, server.lock = 0, 0, threading.Lock()
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url(server):
    """Return where it is."""
    return f"http://127.0.0.1:{server.server_port}"


def brief(folder, thresholds="(p50(1000), error_rate(0), throughput(20), hit_rate(85))"):
    """Write the scenario and return its path."""
    path = folder / "brief.py"
    path.write_text(SCENARIO.format(thresholds=thresholds))
    return path


def loaded(monkeypatch, *arguments, **environment):
    """Run the command in this process; return what click has of it."""
    figures = {
        "AVA_PERF_LOAD_METRICS_PATH": "/metrics",
        "AVA_PERF_LOAD_REQUESTS_METRIC": "asked",
        "AVA_PERF_LOAD_HITS_METRICS": "hits_total",
        "AVA_PERF_LOAD_MISSES_METRICS": "misses_total",
        "AVA_PERF_LOAD_HEADERS": json.dumps({"Authorization": SECRET}),
        "AVA_PERF_HISTORY": "",  # the repository's own is not the tests'
        **environment,
    }
    for name, value in figures.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    return CliRunner().invoke(command, [str(one) for one in arguments], standalone_mode=False)


def punctuality(reasons):
    """Return the reasons, all of which must be that this machine was busy with something else."""
    words = ("starved", "no time to spare", "is not calibrated", "fell behind")
    assert all(any(word in reason for word in words) for reason in reasons), reasons
    return reasons


def test_a_run_is_judged_and_reported(served, tmp_path, monkeypatch):
    """A service that keeps its thresholds is met: counts agree, nobody sees the key."""
    out = tmp_path / "out"
    run = loaded(monkeypatch, brief(tmp_path), "--host", url(served), "--out", out, "--json",
                 "--pid", f"serve={os.getpid()}", "-t", "memory <= 4000 MB")  # fmt: skip
    whole = json.loads((out / "results.json").read_text())
    valid = not punctuality(whole["load"]["reasons"])
    assert {one["verdict"] for one in whole["results"]} == {"met" if valid else "not_measured"}
    assert run.return_value == (Exit.OK if valid else Exit.NOT_MEASURED)
    assert len(whole["results"]) == 5
    assert whole["load"]["counts"]["counted_by_server"] == whole["load"]["counts"]["sent"] == 240
    texts = [path.read_text() for path in out.rglob("*") if path.is_file()]
    assert not any(SECRET in text for text in [*texts, run.output])


def test_a_server_that_counts_otherwise_makes_the_run_invalid(served, tmp_path, monkeypatch):
    """Where a request is missing in the server's own count, nothing is measured: exit 3."""
    served.hidden = 0

    class Losing(Answering):
        """Tells one request fewer, once there were any."""

        def do_GET(self):
            """Answer as ever."""
            self.server.hidden = 1 if self.server.count else 0
            super().do_GET()

    served.RequestHandlerClass = Losing
    run = loaded(monkeypatch, brief(tmp_path), "--host", url(served), "--out", tmp_path / "out")
    assert run.return_value == Exit.NOT_MEASURED
    assert "the server counted 239 requests, the generator sent 240" in run.output


def test_a_bound_that_may_end_the_run_ends_it(served, tmp_path, monkeypatch):
    """With a wrong key every request fails, and the run does not go on to its end: exit 1."""
    file = brief(tmp_path, "(error_rate(0, abort=True),)")
    file.write_text(file.read_text().replace("6.0, 40", "60.0, 40"))
    run = loaded(monkeypatch, file, "--host", url(served), "--out", tmp_path / "out",
                 "--header", "Authorization=wrong")  # fmt: skip
    assert run.return_value == Exit.MISSED, run.output
    assert served.count < 1000


def test_figures_that_cannot_be_read_are_told_before_the_run(served, tmp_path, monkeypatch):
    """A wrong path to the figures is no run without a count."""
    run = loaded(monkeypatch, brief(tmp_path), "--host", url(served), "--out", tmp_path / "out",
                 AVA_PERF_LOAD_METRICS_PATH="/nowhere")  # fmt: skip
    assert "does not tell the service's figures" in str(run.exception)
    assert served.count <= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody", "--host", "http://127.0.0.1:1"], "no scenario 'nobody'"),
        (["{file}", "--host", "127.0.0.1:1"], "is not an address"),
        (["{file}", "--host", "http://127.0.0.1:1", "-t", "p95 < 1"], "is not understood"),
        (["{file}", "--host", "http://127.0.0.1:1", "--header", SECRET], "must be NAME=VALUE"),
        (["{file}", "--host", "http://127.0.0.1:1", "--pid", "x=0"], "there is no process 0"),
        (["{file}", "--host", "http://127.0.0.1:1", "--compare", "{file}"], "brief.py"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, monkeypatch, arguments, words):
    """What is asked wrongly ends at once, with what to do instead and without the secret."""
    given = [one.format(file=brief(tmp_path)) for one in arguments]
    run = loaded(monkeypatch, *given, "--out", tmp_path / "out")
    assert words in str(run.exception)
    assert SECRET not in str(run.exception)


def test_a_plan_runs_its_scenario(served, tmp_path):
    """A claim's plan of load measures its figure on a run of its own."""
    order = Order(brief(tmp_path, "()"))
    service = Service(url(served), {"Authorization": SECRET})
    found = Load(order, service, p95(1000)).measure(Bench())
    assert served.count == 240
    if found.kind is Kind.FAILURE:
        punctuality([found.error])
    else:
        assert (found.kind, sum(found.samples["times"])) == (Kind.DISTRIBUTION, 240)


def test_an_interrupt_leaves_nothing_behind(served, tmp_path):
    """Ctrl-C ends the generator and its workers, and writes no report."""
    file = brief(tmp_path)
    file.write_text(file.read_text().replace("6.0, 40", "60.0, 40"))
    arguments = [
        "load",
        str(file),
        "--host",
        url(served),
        "--workers",
        "2",
        "--out",
        tmp_path / "out",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "perf.cli", *map(str, arguments)],
        cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    with process.stderr:
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = first + process.stderr.read()
    assert b"begins" in first, said
    assert process.wait(60) == Exit.INTERRUPTED, said
    assert not (tmp_path / "out").exists()
    # A worker that was still importing when its parent went sees that once it is done.
    deadline = time.monotonic() + 60
    while left := [one for one in Path("/proc").glob("[0-9]*") if str(file) in _command_of(one)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _command_of(process):
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
