"""Tests of the lines between generator and harness."""

import pytest

from perf.load.protocol import Done, Failed, PhaseEdge, Progress, Ready, decode, encode
from perf.load.scenario import error_rate, p95


@pytest.mark.parametrize(
    "event",
    [
        Ready({"name": "x"}, (p95(100, request="a", abort=True), error_rate(0)), {"worker 1": 7}),
        PhaseEdge("steady", "begin", 2.0),
        Progress(1.3, 10, 9, 8, 1, 0, 1.5, None, 2.5),
        Done("/tmp/x.json", stopped=True),  # noqa: S108 - never opened
        Failed("no such file", usage=True),
    ],
)
def test_an_event_survives_the_line(event):
    """What the harness reads is what the generator said, in one line."""
    line = encode(event)
    assert "\n" not in line
    assert decode(line) == event


@pytest.mark.parametrize("line", ["", "hello", "[]", '{"event": "other"}', '{"event": "done"}'])
def test_anything_else_is_refused(line):
    """A line that is no event is an error with the line in it."""
    with pytest.raises(ValueError, match=r".*"):
        decode(line)
