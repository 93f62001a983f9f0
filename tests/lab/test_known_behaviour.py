"""Servers of known behaviour, and the witness that a load generator is held against."""

import http.client

import pytest

from perf.lab import Unavailable
from perf.lab.known import Asked, Known, Serial, Stalling, Steady, Tail, packed, unpacked
from perf.lab.witness import due_times, witness


@pytest.mark.parametrize("behaviour", [Steady(0.001), Tail(), Stalling(), Serial(0.02), Asked()])
def test_a_behaviour_survives_the_way_to_its_process(behaviour):
    """What is served is what was asked for."""
    assert unpacked(packed(behaviour)) == behaviour


def test_the_tail_is_exactly_its_share():
    """The share is known and not drawn: 2 % of any hundred."""
    tail = Tail(usual_s=0.001, slow_s=0.2, one_in=50)
    assert [tail.delay_s(n, "/") for n in range(100)].count(0.2) == 2


def test_a_path_may_say_its_own_delay():
    """So that two delays can be asked for in turn, by one run."""
    assert Asked().delay_s(7, "/us/300") == 0.0003


def test_requests_are_counted_by_path_and_looking_is_not():
    """The count is what a generator's own is compared with, so reading it may not change it."""
    with Known(Steady()) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port)
        for path in ("/a", "/b", "/a"):
            client.request("GET", path)
            client.getresponse().read()
        client.close()
        server.counts()
        assert server.counts() == {"/a": 2, "/b": 1}


def test_a_request_with_a_body_is_one_request():
    """What follows the head is no request of its own."""
    with Known(Steady()) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port)
        client.request("POST", "/a", body=b"GET /b HTTP/1.1\r\n\r\n")
        client.getresponse().read()
        client.request("GET", "/c")
        client.getresponse().read()
        client.close()
        assert server.counts() == {"/a": 1, "/c": 1}


def test_no_answer_comes_before_its_time():
    """A server may be later than told on a busy machine, and never earlier."""
    with Known(Tail(usual_s=0.003, slow_s=0.05, one_in=10)) as server:
        seen = witness(server.url, "/x", 100, 0.5)
    assert min(one.service_s for one in seen) >= 0.003
    assert sum(one.service_s >= 0.05 for one in seen) >= len(seen) // 10


def test_a_stall_is_charged_to_all_who_came_meanwhile():
    """From the due time, those due in the stall waited for its end; none was left out."""
    with Known(Stalling(every_s=0.5, for_s=0.2)) as server:
        seen = witness(server.url, "/x", 200, 1.0)
        assert server.count() == len(seen) == 200
    waited = [one for one in seen if one.response_s > 0.1]
    assert len(waited) >= 30  # of the 40 due in each of two stalls, half wait for over 0.1 s


def test_serial_answers_queue():
    """Asked twice as fast as it answers, the last waits for half of all others."""
    with Known(Serial(0.01)) as server:
        seen = witness(server.url, "/x", 200, 0.4)
    assert seen[-1].response_s >= 80 * 0.01 - seen[-1].due_s


def test_due_times_do_not_drift():
    """A request is due at its number over the rate, whatever came before."""
    assert due_times(200, 1.0)[199] == 199 / 200


def test_the_witness_refuses_what_it_cannot_see():
    """Where nobody listens there is no figure."""
    with Known(Steady()) as server:
        url = server.url
    with pytest.raises(Unavailable, match="witness failed"):
        witness(url, "/x", 10, 0.1)
