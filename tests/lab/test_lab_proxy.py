"""The proxy lengthens, cuts, stalls and narrows real connections, and counts exactly."""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import sys
import threading
import time

import psycopg
import pytest

from perf.lab.guard import Guard
from perf.lab.processes import look
from perf.lab.proxy import Proxy, ProxyError

ORPHAN = """
import signal, sys
from perf.lab.proxy import Proxy
proxy = Proxy("127.0.0.1", int(sys.argv[1]), protocol="raw")
print(proxy._process.pid, flush=True)
signal.pause()
"""


class Echo(socketserver.BaseRequestHandler):
    """Send back what comes, and remember how much it was."""

    def handle(self):
        """Answer until the client has sent its end."""
        try:
            while data := self.request.recv(65536):
                self.server.heard += len(data)
                self.request.sendall(data)
        except ConnectionResetError:
            pass  # the proxy cut it


class EchoServer(socketserver.ThreadingTCPServer):
    """An echo on a free port, ready when constructed."""

    allow_reuse_address = True
    request_queue_size = 128
    heard = 0


@pytest.fixture
def echo():
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo):
    with Proxy(*echo.server_address, protocol="raw") as opened:
        yield opened


def connect(proxy):
    return socket.create_connection((proxy.host, proxy.port), timeout=20)


def exchange(client, data):
    """Send `data` and return as many bytes as come back."""
    client.sendall(data)
    received = b""
    while len(received) < len(data):
        received += client.recv(65536)
    return received


def timed(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def until(fact):
    """Wait, with a deadline, for what another process is about to do."""
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def test_bytes_pass_unchanged(proxy):
    """A large exchange comes back as it was sent, and is counted to the byte."""
    data = os.urandom(3_000_000)
    with connect(proxy) as client:
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        received = b""
        while len(received) < len(data):
            received += client.recv(65536)
        sender.join()
    assert received == data
    assert (proxy.traffic().bytes_sent, proxy.traffic().bytes_received) == (len(data), len(data))


def test_the_end_of_a_stream_passes(proxy):
    """A client that has sent its end still receives the answer, and then the server's end."""
    with connect(proxy) as client:
        client.sendall(b"all of it")
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as answer:
            assert answer.read() == b"all of it"


def test_a_round_trip_takes_as_long_as_asked(proxy):
    """No answer comes back sooner than the round trip that was asked for."""
    with connect(proxy) as client:
        exchange(client, b"open")
        proxy.set_rtt(20)
        assert timed(lambda: exchange(client, b"ping")) >= 0.020


def test_a_new_connection_takes_a_round_trip_more(proxy):
    """The first answer on a connection has waited for its opening, too."""

    def connect_and_ask():
        with connect(proxy) as client:
            exchange(client, b"ping")

    proxy.set_rtt(20)
    assert timed(connect_and_ask) >= 0.040


def test_a_distance_can_be_taken_back(proxy):
    """Bytes under way at a long distance are delivered before those sent at none."""
    with connect(proxy) as client:
        exchange(client, b"open")
        proxy.set_rtt(100)
        client.sendall(b"far ")
        until(lambda: proxy.traffic().bytes_sent == 8)
        proxy.set_rtt(0)
        assert exchange(client, b"near")[:4] == b"far "


def test_a_narrow_link_takes_its_time(proxy):
    """Bytes take no less than their number over the rate."""
    with connect(proxy) as client:
        exchange(client, b"open")
        proxy.set_rate(50_000)
        assert timed(lambda: exchange(client, bytes(5_000))) >= 0.1
        proxy.set_rate(None)
        assert exchange(client, b"wide again") == b"wide again"


def test_a_cut_resets_what_is_open(proxy):
    """Clients see a reset, and may connect again at once."""
    with connect(proxy) as client:
        exchange(client, b"before")
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with connect(proxy) as client:
        assert exchange(client, b"after") == b"after"


def test_a_cut_can_refuse_until_resumed(proxy):
    """A server that is away refuses connections; when it returns it has the same port."""
    proxy.cut(refuse=True)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.resume()
    with connect(proxy) as client:
        assert exchange(client, b"back") == b"back"


def test_a_stall_holds_bytes_and_loses_none(proxy, echo):
    """Nothing passes during a stall, nothing is closed, and all of it arrives afterwards."""
    with connect(proxy) as client:
        exchange(client, b"open")
        proxy.stall()
        client.sendall(b"held")
        until(lambda: proxy.traffic().bytes_sent == 8)
        assert echo.heard == 4
        proxy.resume()
        assert client.recv(100) == b"held"


def test_a_stall_holds_new_connections_too(proxy, echo):
    """A client may connect to a server that hangs, and waits for it."""
    proxy.stall()
    with connect(proxy) as client:
        client.sendall(b"hello?")
        until(lambda: proxy.traffic().bytes_sent == 6)
        assert echo.heard == 0
        proxy.resume()
        assert client.recv(100) == b"hello?"


def test_a_target_that_is_away_resets_the_client():
    """A connection that cannot be passed on is reset, and the proxy goes on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with Proxy(*unused.getsockname(), protocol="raw") as proxy:
            for _ in range(2):
                with pytest.raises(ConnectionResetError), connect(proxy) as client:
                    client.recv(1)
            assert proxy.traffic().connections == 2


def test_a_unix_socket_can_be_the_target(tmp_path):
    """A path in place of a host is a socket in the file system."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        with Proxy(str(tmp_path / "s"), 0, protocol="raw") as proxy, connect(proxy) as client:
            accepted, _ = server.accept()
            with accepted:
                accepted.sendall(b"from the socket")
                assert client.recv(100) == b"from the socket"


def test_many_connections_share_one_proxy(proxy):
    """A hundred open connections are served, each with its own bytes."""
    clients = [connect(proxy) for _ in range(100)]
    for number, client in enumerate(clients):
        client.sendall(number.to_bytes(2, "big"))
    answers = [int.from_bytes(client.recv(2), "big") for client in clients]
    for client in clients:
        client.close()
    assert answers == list(range(100))


def test_counts_of_another_protocol_are_refused(proxy):
    """Statements of a protocol that is not read are an error, not zero."""
    with connect(proxy) as client:
        exchange(client, b"SELECT 1")
    with pytest.raises(ProxyError, match="cannot be counted"):
        proxy.counts()


def test_an_impossible_network_is_refused(proxy):
    """A negative distance or a rate of nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="cannot be shortened: -1 ms"):
        proxy.set_rtt(-1)
    with pytest.raises(ValueError, match="a rate is positive, not 0"):
        proxy.set_rate(0)


def test_a_name_with_several_addresses_finds_the_one_that_answers(echo):
    """`localhost` may stand for two addresses, and the server listens on one of them."""
    with (
        Proxy("localhost", echo.server_address[1], protocol="raw") as proxy,
        connect(proxy) as client,
    ):
        assert exchange(client, b"found") == b"found"


def test_a_proxy_that_died_says_so(echo):
    """An order to a proxy whose process has ended raises."""
    with Proxy(*echo.server_address, protocol="raw") as proxy:
        proxy._process.kill()
        proxy._process.wait()
        with pytest.raises(ProxyError, match="has ended"):
            proxy.set_rtt(1)


def test_a_closed_proxy_takes_no_orders(echo):
    """After the block an order raises, and closing again is no error."""
    with Proxy(*echo.server_address, protocol="raw") as proxy:
        pass
    assert proxy._process.returncode == 0
    proxy.close()
    with pytest.raises(ProxyError, match="closed"):
        proxy.cut()


def test_a_proxy_dies_with_its_parent(echo):
    """A proxy whose owner was killed outright ends by itself."""
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(echo.server_address[1])], stdout=subprocess.PIPE
    ) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
    until(lambda: (seen := look(pid)) is None or seen.zombie)


def test_a_guard_knows_its_proxies(tmp_path, echo):
    """A proxy given to a guard is owned while it is open, and forgotten after."""
    with Guard(tmp_path) as guard:
        with Proxy(*echo.server_address, protocol="raw", guard=guard) as proxy:
            assert proxy._process.pid in guard._owned
        assert guard._owned == {}


def test_ctrl_c_in_the_terminal_does_not_end_a_proxy(proxy):
    """The proxy is not in its parent's process group, which the terminal interrupts."""
    assert os.getpgid(proxy._process.pid) != os.getpgrp()
    with connect(proxy) as client:
        assert exchange(client, b"alive") == b"alive"


def test_a_cut_ends_a_query_under_way(lab):
    """A connection cut in the middle of a statement fails as a lost one does."""
    proxy = lab.proxy()
    connection = lab.keep(psycopg.connect(lab.dsn_via(proxy), autocommit=True))
    failures = []

    def wait_on_the_server():
        try:
            connection.execute("SELECT pg_sleep(60)")
        except psycopg.OperationalError as error:
            failures.append(error)

    waiting = threading.Thread(target=wait_on_the_server)
    waiting.start()
    until(lambda: proxy.counts().statements == 1)
    proxy.cut()
    waiting.join(20)
    assert failures
    assert connection.broken
