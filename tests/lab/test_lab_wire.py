"""PostgreSQL's messages are counted exactly, wherever the stream of bytes is cut."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.lab.wire import Framing, Tally, Wire, WireError

SSL, GSS, CANCEL, VERSION_3 = 80877103, 80877104, 80877102, 196608


def opening(code, body=b""):
    return struct.pack(">II", 8 + len(body), code) + body


def message(kind, body=b""):
    return kind + struct.pack(">I", 4 + len(body)) + body


STARTUP = opening(VERSION_3, b"user\0trader\0\0")
WELCOME = message(b"R", bytes(4)) + message(b"K", bytes(8)) + message(b"Z", b"I")

kinds_of_client = st.sampled_from([b"Q", b"P", b"B", b"D", b"E", b"S", b"d", b"C", b"X", b"p"])
kinds_of_server = st.sampled_from([b"T", b"D", b"C", b"Z", b"E", b"N", b"S", b"1", b"2"])
bodies = st.binary(max_size=40)


@st.composite
def cut_anywhere(draw, stream):
    """Return the chunks of `stream`, cut at places drawn at random."""
    places = draw(st.lists(st.integers(0, len(stream)), max_size=12))
    edges = [0, *sorted(places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


@given(
    data=st.data(),
    asks=st.lists(st.sampled_from([SSL, GSS]), max_size=2),
    client=st.lists(st.tuples(kinds_of_client, bodies), max_size=30),
    server=st.lists(st.tuples(kinds_of_server, bodies), max_size=30),
)
def test_any_cut_of_the_streams_gives_the_same_counts(data, asks, client, server):
    """Counts are those of the messages that were built, whatever the chunks."""
    steps = [step for code in asks for step in (("sent", opening(code)), ("received", b"N"))]
    steps += [("sent", STARTUP), ("received", WELCOME)]
    steps += [("sent", b"".join(message(*each) for each in client))]
    steps += [("received", b"".join(message(*each) for each in server))]
    tally = Tally()
    wire = Wire(tally)
    for way, stream in steps:
        for chunk in data.draw(cut_anywhere(stream)):
            getattr(wire, way)(chunk)
    assert tally == Tally(
        statements=sum(kind in {b"Q", b"E"} for kind, _ in client),
        round_trips=sum(kind == b"Z" for kind, _ in server),
        bytes_sent=sum(len(stream) for way, stream in steps if way == "sent"),
        bytes_received=sum(len(stream) for way, stream in steps if way == "received"),
    )


@given(chunks=st.lists(st.tuples(st.booleans(), st.binary(max_size=30))))
def test_no_stream_at_all_breaks_the_reader(chunks):
    """Bytes of any kind are counted as bytes, and never raise."""
    tally = Tally()
    wire = Wire(tally)
    for from_client, chunk in chunks:
        (wire.sent if from_client else wire.received)(chunk)
    assert tally.bytes_sent + tally.bytes_received == sum(len(chunk) for _, chunk in chunks)


def test_a_body_is_never_read_as_a_message():
    """Text that looks like messages inside a message is passed over."""
    tally = Tally()
    wire = Wire(tally)
    wire.sent(STARTUP + message(b"Q", message(b"Q") * 3))
    assert tally.statements == 1


def test_the_answer_to_opening_is_no_round_trip():
    """The first ReadyForQuery ends the opening; each later one ends a round trip."""
    tally = Tally()
    wire = Wire(tally)
    wire.sent(STARTUP)
    wire.received(WELCOME)
    assert tally.round_trips == 0
    wire.received(message(b"Z", b"I"))
    assert tally.round_trips == 1


def test_the_error_in_place_of_an_answer_about_encryption_is_a_message():
    """A server too busy to talk about encryption sends an error, which ends nothing here."""
    tally = Tally()
    wire = Wire(tally)
    wire.sent(opening(SSL))
    wire.received(message(b"E", b"SFATAL\0\0"))
    assert tally.unread == ""


def test_a_request_to_cancel_is_no_statement():
    """A cancel request opens a connection and carries no message."""
    tally = Tally()
    Wire(tally).sent(opening(CANCEL, bytes(8)))
    assert (tally.statements, tally.unread) == (0, "")


def test_encryption_is_said_and_not_counted():
    """After the server agrees to encrypt, nothing is guessed from the cipher text."""
    tally = Tally()
    wire = Wire(tally)
    wire.sent(opening(SSL))
    wire.received(b"S")
    wire.sent(message(b"Q"))
    assert (tally.statements, tally.unread) == (0, "the connection is encrypted")


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET / HTTP/1.1\r\n"])
def test_another_protocol_is_said(first):
    """A TLS handshake or an HTTP request is not taken for PostgreSQL's opening."""
    tally = Tally()
    Wire(tally).sent(first)
    assert tally.unread == "the connection does not open as PostgreSQL's does"


def test_an_impossible_length_is_an_error():
    """A message shorter than its own length is no message."""
    with pytest.raises(WireError, match="cannot have length 3"):
        Framing().feed(b"Q\0\0\0\x03")


def test_clearing_goes_on_counting_into_the_same_tally():
    """A connection that is open counts on after a reset, and still says what it cannot read."""
    tally = Tally()
    wire = Wire(tally, reads=False)
    wire.sent(b"12345")
    tally.clear()
    assert tally == Tally()
    wire.sent(b"123")
    assert tally.bytes_sent == 3
    assert tally.unread
