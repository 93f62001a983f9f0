"""Tests of requests on the wire, against a server that plays a script."""

import gzip
import socket
import threading
from contextlib import contextmanager

import pytest

from perf.load.scenario import Ask
from perf.load.transport import BrokenAnswerError, TargetError, Transport, target

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def playing(*connections, headers=None):
    """Serve scripts, one a connection: an answer for each request, then close.

    Yields the transport and the heads that were received.
    """
    heads: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def play() -> None:
            for script in connections:
                connection, _ = listening.accept()
                with connection:
                    for answer in script:
                        heads.append(connection.recv(65536).decode())
                        connection.sendall(answer)

        server = threading.Thread(target=play)
        server.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/base"
        transport = Transport(target(url), headers)
        try:
            yield transport, heads
        finally:
            transport.close()
            server.join(10)


def test_a_request_says_what_the_scenario_asks():
    """Method, path under the target's own, the common and the request's headers, JSON."""
    ask = Ask("x", "/p?q=1", "POST", {"X-One": "1"}, body={"a": 1})
    with playing([OK], headers={"X-All": "yes"}) as (transport, heads):
        assert transport.send(ask).body == b"ok"
    assert heads[0].startswith("POST /base/p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "X-All: yes\r\n" in heads[0]
    assert "X-One: 1\r\n" in heads[0]
    assert heads[0].endswith('Content-Length: 8\r\n\r\n{"a": 1}')


def test_a_connection_is_kept_for_the_next_request():
    """Two requests in turn need one connection."""
    with playing([OK, OK]) as (transport, heads):
        assert [transport.send(Ask("x", "/")).status for _ in range(2)] == [200, 200]
    assert len(heads) == 2


def test_a_connection_that_the_server_closes_is_not_used_again():
    """After `Connection: close` the next request opens another."""
    with playing([CLOSING], [OK]) as (transport, heads):
        assert [transport.send(Ask("x", "/")).status for _ in range(2)] == [200, 200]
    assert len(heads) == 2


def test_a_kept_connection_closed_meanwhile_is_opened_anew():
    """A server may close what is idle; that is no failed request."""
    with playing([OK], [OK]) as (transport, _):
        transport.send(Ask("x", "/"))
        assert transport.send(Ask("x", "/")).status == 200


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", b"nonsense\r\n\r\n"]
)
def test_a_broken_answer_is_a_result_and_is_not_asked_again(answer):
    """Nothing, half an answer, or no HTTP: the request failed, and the server saw it once."""
    with playing([answer]) as (transport, heads):
        with pytest.raises(BrokenAnswerError):
            transport.send(Ask("x", "/"))
        assert len(heads) == 1


@pytest.mark.parametrize(
    ("method", "answer", "body"),
    [
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"ok",
        ),
        ("GET", b"HTTP/1.1 200 OK\r\n\r\nuntil close", b"until close"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", b""),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b""),
    ],
)
def test_an_answer_ends_as_http_says(method, answer, body):
    """By chunks, by the end of the connection, or with its headers."""
    with playing([answer]) as (transport, _):
        assert transport.send(Ask("x", "/", method)).body == body


def test_a_body_is_unpacked_for_who_reads_it():
    """Unpacking is the client's work and is only done where the scenario follows the answer."""
    packed = gzip.compress(b"next")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with playing([head + packed] * 2) as (transport, _):
        assert transport.send(Ask("x", "/")).body == packed
        assert transport.send(Ask("x", "/", follow=lambda _: None)).body == b"next"


def test_nobody_listening_is_an_error_of_the_system():
    """A refused connection is raised as it is."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Transport(target(f"http://127.0.0.1:{port}")).send(Ask("x", "/"))


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://127.0.0.1", "http://", "/path"])
def test_an_address_that_is_none_is_the_users_mistake(url):
    """It is told before anything starts."""
    with pytest.raises(TargetError):
        target(url)
