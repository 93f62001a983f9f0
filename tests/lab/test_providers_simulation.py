"""Simulated providers over real HTTP: the process, its control address, and what goes wrong."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from email.utils import parsedate_to_datetime
from random import Random

import pytest

from perf.lab.guard import PACKAGE_ROOT
from perf.lab.providers import Fault, Grade, Kind, Latency, Simulation, SimulationError

QUOTE = "/quote?symbol=AAPL"


@pytest.fixture(scope="module")
def served():
    """Two small providers for the whole module."""
    with Simulation("finnhub", "alpha_vantage", seed=3, today=date(2026, 1, 5)) as made:
        yield made


@pytest.fixture
def providers(served):
    """The same, as if just started."""
    served.reset()
    served.set_limits("finnhub", (60, 60.0), (30, 1.0))
    served.set_latency(0.0)
    return served


@pytest.fixture
def connection(providers):
    """One connection to the server, kept alive."""
    opened = http.client.HTTPConnection("127.0.0.1", providers.port, timeout=60)
    yield opened
    opened.close()


def ask(connection, providers, path=QUOTE, name="finnhub"):
    """GET a path with the full key, and return the answer and its body."""
    token = {"finnhub": "token", "alpha_vantage": "apikey"}[name]
    mark = "&" if "?" in path else "?"
    connection.request("GET", f"/{name}{path}{mark}{token}={providers.key(name)}")
    answer = connection.getresponse()
    return answer, answer.read()


def test_an_answer_carries_the_data_of_the_symbol(providers, connection):
    """What is asked for is answered as JSON with status 200."""
    answer, body = ask(connection, providers)
    assert answer.status == 200
    assert json.loads(body)["c"] > 0


def test_every_call_is_counted_by_outcome_and_path(providers, connection):
    """Good, limited and refused calls add up to all calls."""
    providers.set_limits("finnhub", (2, 60.0))
    for _ in range(3):
        ask(connection, providers)
    connection.request("GET", "/finnhub/quote?symbol=AAPL&token=wrong")
    connection.getresponse().read()
    counts = providers.counts("finnhub")
    assert (counts.requests, counts.ok, counts.limited, counts.refused) == (4, 2, 1, 1)
    assert counts.by_path == {"/quote": 4}
    assert counts.busiest == {"2/60s": 3}


def test_answers_are_numbered(providers, connection):
    """A fresh answer can be told from a kept one though the prices stand still."""
    numbers = [ask(connection, providers)[0].getheader("X-Sim-Sequence") for _ in range(3)]
    assert numbers == ["1", "2", "3"]


def test_one_connection_kept_alive_is_one_connection(providers, connection):
    """Connections are counted at their first call, and while they are open."""
    for _ in range(3):
        ask(connection, providers)
    counts = providers.counts("finnhub")
    assert (counts.connections, counts.open, counts.peak_open) == (1, 1, 1)


def test_reset_forgets_calls_and_windows(providers, connection):
    """After a reset the limit is as good as new."""
    providers.set_limits("finnhub", (1, 60.0))
    ask(connection, providers)
    assert ask(connection, providers)[0].status == 429
    providers.reset("finnhub")
    assert ask(connection, providers)[0].status == 200
    assert providers.counts("finnhub").requests == 1


def test_the_control_address_wants_its_token(providers, connection):
    """An order without the token changes nothing and says nothing."""
    connection.request("POST", "/_control/reset", b"{}", {"Authorization": "Bearer guess"})
    answer = connection.getresponse()
    assert (answer.status, b"token" in answer.read()) == (403, True)


def test_a_stranger_among_names_is_refused():
    """A simulation of a provider that does not exist does not start, and says which."""
    with pytest.raises(SimulationError, match="finhub"):
        Simulation("finhub")


def test_an_impossible_order_is_an_error(providers):
    """Credits that do not exist cannot be set, nor a provider asked for that is not here."""
    with pytest.raises(SimulationError, match="credits"):
        providers.set_credits("finnhub", 5)
    with pytest.raises(SimulationError, match="not served"):
        providers.counts("espn")


def test_a_status_comes_as_often_as_planned(providers, connection):
    """Two 503 with a Retry-After, then the real answer."""
    providers.fault("finnhub", Fault(Kind.STATUS, times=2, status=503, retry_after="7"))
    answers = [ask(connection, providers)[0] for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert [answer.getheader("Retry-After") for answer in answers] == ["7", "7", None]
    counts = providers.counts("finnhub")
    assert (counts.faulted, counts.ok) == (2, 1)


def test_a_retry_after_may_be_a_date(providers, connection):
    """The date is the machine's time, so far ahead."""
    providers.fault("finnhub", Fault(Kind.STATUS, status=429, retry_after="date:90"))
    told = ask(connection, providers)[0].getheader("Retry-After")
    ahead = parsedate_to_datetime(told).timestamp() - time.time()
    assert 85 < ahead < 95


def test_a_fault_may_befall_one_path_only(providers, connection):
    """Other paths are answered as ever."""
    providers.fault("finnhub", Fault(Kind.STATUS, times=None, path="/stock/*"))
    assert ask(connection, providers)[0].status == 200
    assert ask(connection, providers, "/stock/profile2?symbol=AAPL")[0].status == 503


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        (Kind.GARBAGE, lambda body: body[0] >= 128),
        (Kind.TRUNCATED, lambda body: body.startswith(b'{"c":') and not body.endswith(b"}")),
        (Kind.WRONG_TYPES, lambda body: isinstance(json.loads(body)["c"], list)),
        (Kind.WRONG_CONTENT, lambda body: body.startswith(b"<!DOCTYPE html>")),
    ],
)
def test_a_spoilt_body_arrives_whole(providers, connection, kind, seen):
    """Bodies that cannot be read come with status 200 and a length that fits."""
    providers.fault("finnhub", Fault(kind))
    answer, body = ask(connection, providers)
    assert answer.status == 200
    assert seen(body)


def test_a_short_body_ends_before_its_length(providers, connection):
    """The connection closes with bytes still promised."""
    providers.fault("finnhub", Fault(Kind.SHORT))
    with pytest.raises(http.client.IncompleteRead):
        ask(connection, providers)


def test_a_reset_comes_in_the_body(providers, connection):
    """The reader gets part of an answer and then an error of the connection."""
    providers.fault("finnhub", Fault(Kind.RESET))
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        ask(connection, providers)


def test_silence_is_counted_and_ends_with_the_client(providers, connection):
    """Nothing is sent; the call is at the server until the client gives up."""
    providers.fault("finnhub", Fault(Kind.SILENCE))
    connection.timeout = 0.2
    with pytest.raises(TimeoutError):
        ask(connection, providers)
    connection.close()
    counts = wait_for(providers, lambda counts: counts.requests == 1 and counts.open == 0)
    assert (counts.requests, counts.faulted, counts.ok) == (1, 1, 0)


def test_a_dripping_body_takes_its_seconds(providers, connection):
    """The head comes at once, the body bit by bit."""
    providers.fault("finnhub", Fault(Kind.DRIP, seconds=0.3))
    begun = time.monotonic()
    _, body = ask(connection, providers)
    assert time.monotonic() - begun >= 0.25
    assert json.loads(body)["c"] > 0


def test_a_drop_spares_a_new_connection(providers, connection):
    """A connection is closed as it is reused, without a byte; its call cost nothing."""
    providers.fault("finnhub", Fault(Kind.DROP))
    assert ask(connection, providers)[0].status == 200
    with pytest.raises(http.client.RemoteDisconnected):
        ask(connection, providers)
    connection.close()
    assert ask(connection, providers)[0].status == 200
    counts = providers.counts("finnhub")
    assert (counts.faulted, counts.ok, counts.connections) == (1, 2, 2)


def test_own_words_of_a_limit_and_of_a_spent_quota(providers, connection):
    """A fault can speak as the provider does: Alpha Vantage says no with status 200."""
    providers.fault("alpha_vantage", [Fault(Kind.TOO_FAST), Fault(Kind.SPENT)])
    path = "/query?function=GLOBAL_QUOTE&symbol=AAPL"
    bodies = [ask(connection, providers, path, "alpha_vantage")[1] for _ in range(2)]
    assert b"1 request per second" in bodies[0]
    assert providers.key("alpha_vantage").encode() in bodies[1]


def test_latency_is_waited_for(providers, connection):
    """Each answer begins after its latency."""
    providers.set_latency(0.05)
    begun = time.monotonic()
    ask(connection, providers)
    assert time.monotonic() - begun >= 0.05


@pytest.mark.real_time
def test_answers_in_flight_are_counted_together(providers):
    """With latency, as many calls are at the server at once as clients wait."""
    providers.set_latency(1.0)

    def one(_):
        opened = http.client.HTTPConnection("127.0.0.1", providers.port, timeout=60)
        try:
            return ask(opened, providers)[0].status
        finally:
            opened.close()

    with ThreadPoolExecutor(5) as threads:
        assert list(threads.map(one, range(5))) == [200] * 5
    counts = wait_for(providers, lambda counts: counts.open == 0)
    assert (counts.peak_at_once, counts.peak_open, counts.connections) == (5, 5, 5)


def test_a_day_ahead_the_quota_begins_anew(providers, connection):
    """The 26th call of a day is refused, and the first of the next is not."""
    providers.set_limits("alpha_vantage")
    path = "/query?function=GLOBAL_QUOTE&symbol=AAPL"
    bodies = [ask(connection, providers, path, "alpha_vantage")[1] for _ in range(26)]
    assert b"requests per day" in bodies[25]
    assert sum(b"05. price" in body for body in bodies) == 25
    before = providers.now()
    providers.advance()
    assert (providers.now() - before).total_seconds() >= 86_400
    assert b"05. price" in ask(connection, providers, path, "alpha_vantage")[1]
    assert providers.counts("alpha_vantage").credits == 26


def test_pace_shortens_the_providers_second(providers, connection):
    """At pace 50 a limit of one a second lets a call pass after 20 ms."""
    providers.set_limits("alpha_vantage", (1, 1.0))
    providers.set_pace(50.0)
    path = "/query?function=GLOBAL_QUOTE&symbol=AAPL"
    try:
        bodies = []
        for _ in range(3):
            bodies.append(ask(connection, providers, path, "alpha_vantage")[1])
            time.sleep(0.03)
    finally:
        providers.set_pace(1.0)
    assert all(b"05. price" in body for body in bodies)


def test_a_blocked_key_is_known(providers, connection):
    """Each grade of key is told apart."""
    blocked = providers.key("finnhub", Grade.BLOCKED)
    connection.request("GET", f"/finnhub{QUOTE}&token={blocked}")
    assert connection.getresponse().status == 401


def test_requests_in_one_packet_are_answered_in_order(providers):
    """A client may send the next request before the answer."""
    line = f"GET /finnhub{QUOTE}&token={providers.key('finnhub')} HTTP/1.1\r\nHost: x\r\n"
    with socket.create_connection(("127.0.0.1", providers.port), timeout=60) as client:
        client.sendall(f"{line}\r\n{line}Connection: close\r\n\r\n".encode())
        told = b"".join(iter(lambda: client.recv(65_536), b""))
    assert told.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST /finnhub/quote HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /finnhub/quote HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(providers, sent):
    """400 and the end of the connection."""
    with socket.create_connection(("127.0.0.1", providers.port), timeout=60) as client:
        client.sendall(sent)
        told = b"".join(iter(lambda: client.recv(65_536), b""))
    assert told.startswith(b"HTTP/1.1 400")


def test_draws_repeat_with_their_seed():
    """The same seed gives the same latencies; the median and the tail are those asked for."""
    latency = Latency(0.1, 0.4)
    draws = [[latency.draw(random) for _ in range(4000)] for random in (Random(1), Random(1))]
    assert draws[0] == draws[1]
    ordered = sorted(draws[0])
    assert ordered[2000] == pytest.approx(0.1, rel=0.1)
    assert ordered[3800] == pytest.approx(0.4, rel=0.15)


@pytest.mark.parametrize(("median", "p95"), [(-1.0, None), (0.0, 0.1), (0.2, 0.1)])
def test_an_impossible_latency_is_refused(median, p95):
    """Answers do not come before they are asked for."""
    with pytest.raises(ValueError, match="latency"):
        Latency(median, p95)


def test_a_clock_cannot_stand_still():
    """A pace of zero would never end a window."""
    with pytest.raises(ValueError, match="pace"):
        Simulation("finnhub", pace=0)


def test_leaving_ends_the_process():
    """After the block the server is gone, and orders fail; a key that is missing is an error."""
    with Simulation("perplexity") as made:
        pid = made.pid
        os.kill(pid, 0)
        with pytest.raises(SimulationError, match="no key"):
            made.key("perplexity", Grade.FREE)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(SimulationError, match="ended"):
        made.counts("perplexity")


def test_the_process_goes_with_a_killed_parent():
    """SIGKILL of the parent leaves no server behind."""
    script = (
        "from perf.lab.providers import Simulation; import time;"
        "made = Simulation('xai'); print(made.pid, made.port, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=PACKAGE_ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        port = int(parent.stdout.readline().split()[1])
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
    assert eventually(lambda: refuses(port))


def test_a_lab_keeps_its_providers_until_it_closes(lab):
    """`lab.providers` starts them, and the lab's end is theirs."""
    made = lab.providers("xai")
    assert made.names == ("xai",)
    lab.close()
    assert refuses(made.port)


def refuses(port):
    """Say whether nobody listens on `port`."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except ConnectionRefusedError:
        return True
    return False


def eventually(holds, within_s=60.0):
    """Wait until something holds, for a bounded time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return False


def wait_for(providers, holds):
    """Return the counts once something holds of them."""
    assert eventually(lambda: holds(providers.counts("finnhub")))
    return providers.counts("finnhub")
