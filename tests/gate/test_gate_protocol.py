"""What a worker says is read with suspicion."""

import json

import pytest

from perf.gate.protocol import (
    Collected,
    Described,
    End,
    Exhausted,
    Finished,
    Parked,
    ProtocolError,
    Sliced,
    read,
)

SAID = [
    (
        {"event": "parked", "id": "a", "call": 1_500_000_000, "busy": 5_000_000},
        Parked("a", 1.5, 0.005),
    ),
    ({"event": "slice", "wall": 5, "cpu": 4}, Sliced({"wall": 5, "cpu": 4})),
    ({"event": "exhausted", "calls": 3}, Exhausted(3)),
    (
        {"event": "finished", "id": "a", "outcome": "passed", "reason": ""},
        Finished("a", "passed", ""),
    ),
    ({"event": "end"}, End()),
    (
        {
            "event": "collected",
            "benchmarks": [{"id": "a", "group": "g", "rule": {"threshold": 0.1}}],
            "errors": [{"id": "m.py", "reason": "no"}],
            "modules": {"m": "/m.py"},
            "runtime": "Python 3.11.7, pytest 8.4.1",
        },
        Collected(
            (Described("a", "g", {"threshold": 0.1}),),
            (("m.py", "no"),),
            {"m": "/m.py"},
            "Python 3.11.7, pytest 8.4.1",
        ),
    ),
]


@pytest.mark.parametrize(("raw", "event"), SAID, ids=[raw["event"] for raw, _ in SAID])
def test_each_event_is_read_as_what_it_is(raw, event):
    """A line becomes a value with a type."""
    assert read(json.dumps(raw).encode()) == event


@pytest.mark.parametrize(
    "line",
    [b"", b"hello", b"[]", b"3", b'{"event": "parked"}', b'{"event": "party"}', b'{"event": {}}',
     b'{"event": "slice", "wall": "x"}', b"\xff"],
)  # fmt: skip
def test_nonsense_is_refused(line):
    """A project that writes to the socket does not become a measurement."""
    with pytest.raises(ProtocolError):
        read(line)
