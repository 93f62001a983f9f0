"""The generator as it is run: processes of its own against a server that counts.

The runs are short and take place once for all tests that look at them. No test depends on how fast
the machine is; what is counted is exact.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import sleep
from types import SimpleNamespace

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from perf.load.protocol import Done, Failed, PhaseEdge, Progress, Ready, decode
from perf.load.recording import Recording
from perf.load.scenarios import module_of, scenario_in
from perf.load.schedule import arrivals
from perf.load.validity import Cause, Generator, assess

ROOT = Path(__file__).parents[2]

SCENARIO = """
from perf.load.scenario import CONSTANT, Ask, Phase, Scenario, for_locust


def pages(random, at_s):
    if random.random() < 0.1:
        return Ask("broken", "/broken")
    if random.random() < 0.2:
        return Ask("first page", "/page", follow=lambda answer: Ask("second page", "/page"))
    return Ask("page", f"/page?{random.random()}")


print("what a scenario prints is no event")
SCENARIO = Scenario(
    "pages",
    "Pages are read",
    (Phase("early", 0.5, 100), Phase("late", 0.5, 200, CONSTANT, warmup_s=0.2)),
    pages,
)
LoadTest = for_locust(SCENARIO)
"""

USERS = """
from locust import FastHttpUser, constant, events, task


@events.init.add_listener
def prepare(environment, **_):
    Reader.prepared = True


class Reader(FastHttpUser):
    wait_time = constant(0.01)
    prepared = False

    @task
    def read(self):
        self.client.get("/page" if self.prepared else "/unprepared")

    @task
    def fail(self):
        self.client.get("/broken")
"""


class Counting(ThreadingHTTPServer):
    """Counts requests by path, without the query."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.counts: dict[str, int] = {}
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def take(self) -> dict[str, int]:
        """Return the counts and begin anew."""
        with self.lock:
            counts, self.counts = self.counts, {}
        return counts


class Answering(BaseHTTPRequestHandler):
    """Answers 200 to all but `/broken`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Count and answer."""
        path = self.path.partition("?")[0]
        with self.server.lock:
            self.server.counts[path] = self.server.counts.get(path, 0) + 1
        self.send_response(500 if path == "/broken" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def server():
    """Serve for the tests of this module."""
    with Counting() as counting:
        thread = threading.Thread(target=counting.serve_forever, args=(0.05,))
        thread.start()
        yield counting
        counting.shutdown()
        thread.join()


def command(file, server, result, *options):
    """Return the generator's command line."""
    given = [str(file), "--host", server.url, "--result", str(result), *options]
    return [sys.executable, "-m", "perf.load.generator", *given]


def generate(folder, text, server, *options):
    """Run the generator on a file; return its events, its result and the server's counts."""
    file, result = folder / "scenario.py", folder / "result.json"
    file.write_text(text)
    server.take()  # what another test's run left
    ran = subprocess.run(
        command(file, server, result, *options),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    events = [decode(line) for line in ran.stdout.splitlines()]
    return events, json.loads(result.read_text()) if result.exists() else None, server.take()


@pytest.fixture(scope="module")
def alone(server, tmp_path_factory):
    """Run the scenario by one process."""
    return generate(tmp_path_factory.mktemp("alone"), SCENARIO, server)


@pytest.fixture(scope="module")
def shared(server, tmp_path_factory):
    """Run the scenario by two workers."""
    return generate(tmp_path_factory.mktemp("shared"), SCENARIO, server, "--workers", "2")


@contextmanager
def speaking():
    """Serve HTTP, and on /ws a word every tenth of a second; yield the URL."""

    def speak(connection):
        with suppress(ConnectionClosed):
            while True:
                connection.send("word")
                sleep(0.1)

    def plainly(connection, request):
        return None if request.path == "/ws" else connection.respond(HTTPStatus.OK, "ok")

    with serve(speak, "127.0.0.1", 0, process_request=plainly) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.socket.getsockname()[1]}"
        serving.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def closed(server, tmp_path_factory):
    """Run a user's own Locust file."""
    folder = tmp_path_factory.mktemp("closed")
    return generate(folder, USERS, server, "--users", "3", "--run-time", "1")


def recording_of(run) -> Recording:
    """Return what a run recorded."""
    return Recording.from_json(run[1]["recordings"])


@pytest.mark.parametrize("kind", ["alone", "shared"])
def test_the_server_counts_what_was_sent(kind, request):
    """Every request that is recorded arrived, and none more, also over two workers."""
    run = request.getfixturevalue(kind)
    recording, counts = recording_of(run), run[2]
    assert recording.select(request="broken", warmup=True).sent == counts["/broken"]
    assert recording.total().sent == sum(counts.values())
    assert recording.total().finished == recording.total().sent


@pytest.mark.parametrize("kind", ["alone", "shared"])
def test_all_that_was_due_was_sent(kind, request, tmp_path):
    """The schedule can be made again from the file, and each of its arrivals was sent once."""
    file = tmp_path / "again.py"
    file.write_text(SCENARIO)
    scenario = scenario_in(module_of(file))
    total = recording_of(request.getfixturevalue(kind)).total()
    following = recording_of(request.getfixturevalue(kind)).select(
        request="second page", warmup=True
    )
    assert total.scheduled - following.scheduled == len(list(arrivals(scenario)))
    assert total.dropped == 0


def test_one_worker_and_two_ask_the_same(alone, shared):
    """Each series has as many requests, however many processes sent them."""
    counts = [
        {key: series.sent for key, series in recording_of(run).series.items()}
        for run in (alone, shared)
    ]
    assert counts[0] == counts[1]


def test_an_unexpected_status_is_an_error_with_a_time(alone):
    """Status 500 is told by its number, for every request that got it."""
    broken = recording_of(alone).select(request="broken", warmup=True)
    assert dict(broken.errors) == {"status 500": broken.sent}
    assert broken.response.n == broken.sent


def test_what_follows_an_answer_is_asked_after_it(alone):
    """For each first page that was read, a second one was asked."""
    recording = recording_of(alone)
    first, second = (
        recording.select(request=one, warmup=True) for one in ("first page", "second page")
    )
    assert first.finished == second.finished > 0


def test_the_events_tell_the_run(alone):
    """It is ready, its phases begin and end in order, it goes on, and it is done."""
    events = alone[0]
    assert isinstance(events[0], Ready)
    assert events[0].scenario["name"] == "pages"
    edges = [(one.name, one.edge) for one in events if isinstance(one, PhaseEdge)]
    assert edges == [("early", "begin"), ("early", "end"), ("late", "begin"), ("late", "end")]
    assert any(isinstance(one, Progress) for one in events)
    assert isinstance(events[-1], Done)


def test_the_evidence_is_complete(shared):
    """Each worker was calibrated and tells its strain; what judges it can read it."""
    generator = Generator.from_json(shared[1]["generator"])
    assert [one.name for one in generator.workers] == ["worker 1", "worker 2"]
    assert all(one.calibrations and one.busy is not None for one in generator.workers)
    blamed = {one.cause for one in assess(generator, recording_of(shared))}
    # A machine that is busy with other tests may starve it; nothing else can be wrong.
    assert blamed <= {Cause.STARVED, Cause.CALIBRATION}


def test_a_users_own_file_is_recorded_as_the_closed_model(closed):
    """Its requests are counted exactly, failures by their status, and there is no lag."""
    recording, counts = recording_of(closed), closed[2]
    assert closed[1]["scenario"]["model"] == "closed"
    broken = recording.select(request="/broken")
    assert recording.requests() == ("/broken", "/page")  # so its own start was heard as well
    assert set(broken.errors) == {"status 500"}
    assert broken.errors["status 500"] == broken.finished
    assert recording.select().lag.quantile(1.0) == 0
    # Requests of before the start, and those under way at the end, are the server's alone.
    assert 0 < recording.total().sent <= sum(counts.values())


def test_a_file_without_either_is_the_users_mistake(server, tmp_path):
    """The harness hears why, and that it was what was asked for."""
    events, result, _ = generate(tmp_path, "x = 1\n", server)
    assert result is None
    assert [type(one) for one in events] == [Failed]
    assert events[0].usage
    assert "neither" in events[0].reason


def test_a_signal_ends_the_run_with_a_result(server, tmp_path):
    """What was measured until then is kept and marked, and the generator is gone."""
    file, result = tmp_path / "scenario.py", tmp_path / "result.json"
    file.write_text(SCENARIO.replace("0.5, 100", "500, 100"))
    with subprocess.Popen(
        command(file, server, result), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            event = decode(line)
            if isinstance(event, Progress):
                os.kill(process.pid, signal.SIGTERM)
                break
        last = [decode(line) for line in process.stdout][-1]
    assert last == Done(str(result), stopped=True)
    document = json.loads(result.read_text())
    assert document["stopped"]
    assert 0 < Recording.from_json(document["recordings"]).total().sent < 10_000


def test_the_same_file_runs_under_plain_locust(server, tmp_path):
    """Locust's own command line runs the schedule, ends with it, and counts the same."""
    file = tmp_path / "pages.py"
    file.write_text(SCENARIO)
    server.take()
    plain = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary"]
    ran = subprocess.run(
        [*plain, "--host", server.url, "--json", "--skip-log"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    stats = json.loads(ran.stdout[ran.stdout.index("[") :])
    assert sum(one["num_requests"] for one in stats) == sum(server.take().values()) > 100


def test_listeners_are_held_open_while_requests_are_made(tmp_path):
    """All of them connect and hear the server; they are no requests."""
    listening = 'SCENARIO, listeners=Listeners(5, "/ws", 5.0)'
    text = (
        f"{SCENARIO}\nfrom perf.load.scenario import Listeners\nfrom dataclasses import replace\n"
    )
    with speaking() as url:
        events, result, _ = generate(
            tmp_path,
            f"{text}SCENARIO = replace({listening})\n",
            SimpleNamespace(url=url, take=dict),
        )
    heard = result["listeners"][0]
    assert isinstance(events[-1], Done)
    assert (heard["asked"], heard["connected"], heard["ended"]) == (5, 5, 0)
    assert heard["messages"] >= 5
    assert heard["silences"] == 0
