"""A delay line keeps every byte and its order, and holds none longer than it should."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.lab.link import Lane, Link

moments = st.floats(0, 10, allow_nan=False)
delays = st.floats(0, 1, allow_nan=False)


@pytest.fixture
def ends():
    """A source to write to, a lane's two ends, and a sink to read from."""
    source, lane_in = socket.socketpair()
    lane_out, sink = socket.socketpair()
    for each in (source, lane_in, lane_out, sink):
        each.settimeout(0)
    yield source, lane_in, lane_out, sink
    for each in (source, lane_in, lane_out, sink):
        each.close()


def lane_over(ends, link, opens_at=0.0):
    return Lane(ends[1], ends[2], link, lambda _data: None, opens_at)


def test_requests_in_flight_overlap():
    """Two chunks sent at one moment arrive at one moment: distance is not paid twice."""
    link = Link(delay_s=0.5)
    assert link.due(100, now=1.0) == link.due(100, now=1.0) == 1.5


@given(
    sizes=st.lists(st.integers(1, 10_000), min_size=1),
    rate=st.floats(1, 1e9),
    delay_s=delays,
)
def test_a_narrow_link_passes_its_rate_and_no_more(sizes, rate, delay_s):
    """A burst has left the link after its size over the rate, plus the distance."""
    link = Link(delay_s, rate)
    last = max(link.due(size, now=0.0) for size in sizes)
    assert last == pytest.approx(sum(sizes) / rate + delay_s)


def test_an_idle_link_saves_nothing_up():
    """Silence gives no credit: after a pause bytes take as long as ever."""
    link = Link(rate=100.0)
    link.due(100, now=0.0)
    assert link.due(100, now=50.0) == 51.0


def test_a_narrow_link_moves_small_pieces():
    """What moves at once is a few milliseconds' worth, and never nothing."""
    assert Link(rate=10_000.0).chunk == 50
    assert Link(rate=0.1).chunk == 1
    assert Link().chunk == Link(rate=1e12).chunk


@given(st.lists(st.tuples(moments, delays), min_size=1, max_size=20))
def test_no_chunk_overtakes_another(steps):
    """Whatever the distance becomes on the way, bytes arrive in the order they were sent."""
    ends = (*socket.socketpair(), *socket.socketpair())
    try:
        link = Link()
        lane = lane_over(ends, link)
        moved = 0.0
        for number, (wait_s, delay_s) in enumerate(steps):
            moved += wait_s
            link.delay_s = delay_s
            ends[0].send(bytes([number]))
            lane.read(moved)
        dues = [due for due, _ in lane.waiting]
        assert dues == sorted(dues)
        lane.flush(dues[-1])
        assert ends[3].recv(100) == bytes(range(len(steps)))
    finally:
        for each in ends:
            each.close()


def test_nothing_leaves_before_it_is_due(ends):
    """A chunk waits in the lane for its moment."""
    lane = lane_over(ends, Link(delay_s=1.0))
    ends[0].send(b"early")
    lane.read(10.0)
    lane.flush(10.9)
    with pytest.raises(BlockingIOError):
        ends[3].recv(100)
    lane.flush(11.0)
    assert ends[3].recv(100) == b"early"


def test_the_first_bytes_wait_until_the_connection_is_open(ends):
    """Bytes sent while the far end is not connected yet leave when it is."""
    lane = lane_over(ends, Link(delay_s=1.0), opens_at=5.0)
    ends[0].send(b"hello")
    lane.read(3.0)
    assert lane.last_due == 6.0


def test_a_sink_that_is_full_loses_nothing(ends):
    """What a slow reader does not take yet is kept, in order, until it does."""
    lane = lane_over(ends, Link())
    sent = received = b""
    while not lane.blocked:
        chunk = len(sent).to_bytes(8, "big") * 1024
        ends[0].send(chunk)
        sent += chunk
        lane.read(0.0)
        lane.flush(0.0)
    while len(received) < len(sent):
        received += ends[3].recv(1 << 20)
        lane.blocked = False
        lane.flush(0.0)
    assert received == sent
    assert lane.held == 0


def test_a_lane_that_holds_much_reads_no_more(ends):
    """A sender has to wait when what it sent is not delivered, as on a real network."""
    lane = lane_over(ends, Link(delay_s=1.0))
    while lane.may_read():
        ends[0].send(bytes(60_000))
        lane.read(0.0)
    assert lane.held >= 1 << 20


def test_the_end_arrives_after_the_last_byte(ends):
    """The end of a stream takes the same way as its bytes."""
    lane = lane_over(ends, Link(delay_s=1.0))
    ends[0].send(b"last")
    lane.read(0.0)
    ends[0].shutdown(socket.SHUT_WR)
    lane.read(0.0)
    assert not lane.may_read()
    lane.flush(1.0)
    assert ends[3].recv(100) == b"last"
    assert ends[3].recv(100) == b""
    assert lane.done
