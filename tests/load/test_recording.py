"""Tests of what is kept of every request."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from perf.load.recording import Key, Recording, recorded, status_kind

KEYS = st.builds(Key, st.sampled_from("ab"), st.sampled_from("xy"), st.booleans())
MANY = settings(max_examples=30)
ONE = st.tuples(
    KEYS,
    st.floats(0, 9),
    st.floats(0, 0.1),
    st.floats(0, 3),
    st.sampled_from([None, "timeout", status_kind(500)]),
)


def of(requests) -> Recording:
    """Return the recording of requests."""
    made = Recording()
    for key, due_s, lag_s, service_s, error in requests:
        sent_s = due_s + lag_s
        made.schedule(key, due_s)
        made.send(key, due_s, sent_s)
        made.finish(key, due_s, sent_s, sent_s + service_s, error)
    return made


@MANY
@given(st.lists(ONE, max_size=30), st.lists(ONE, max_size=30))
def test_workers_recordings_add_up_to_one(some, others):
    """The sum over workers is the recording that one worker had made of all."""
    assert recorded([of(some), of(others)]) == of(some + others)


@MANY
@given(st.lists(ONE, max_size=30))
def test_a_report_loses_nothing_on_the_wire(requests):
    """Reports go through JSON-like packing and come back the same."""
    made = of(requests)
    assert Recording.from_wire(json.loads(json.dumps(made.to_wire()))) == made


@MANY
@given(st.lists(ONE, max_size=30))
def test_a_result_can_be_read_again(requests):
    """The series of a result are those that were recorded."""
    made = of(requests)
    assert Recording.from_json(json.loads(json.dumps(made.to_json()))).series == made.series


def test_the_response_counts_from_the_due_time_and_the_service_from_the_sending():
    """A request sent 200 ms late and answered in 100 took 300 ms to whoever wanted it."""
    made = of([(Key("a", "x"), 1.0, 0.2, 0.1, None)])
    series = made.select()
    read_ms = [h.quantile(0.5) / 1000 for h in (series.response, series.service, series.lag)]
    assert [round(one) for one in read_ms] == [300, 100, 200]


def test_the_warmup_is_kept_apart():
    """It is part of the total that a server has counted, and of no figure that is judged."""
    made = of([(Key("a", "x", warmup=True), 0, 0, 1, None), (Key("a", "x"), 1, 0, 2, None)])
    assert made.select().finished == 1
    assert made.select().response.quantile(0.0) > 1.9e6
    assert made.total().finished == 2


def test_a_selection_is_by_phase_and_by_request():
    """Series of other phases or names stay out."""
    made = of([(Key(p, r), 0, 0, 1, None) for p in "ab" for r in "xyy"])
    assert made.select("a", "y").finished == 2
    assert made.select(request="x").finished == 2
    assert made.select("c").finished == 0


def test_what_failed_has_a_time_too():
    """Timeouts left out of the times would make a hanging server look fast."""
    made = of([(Key("a", "x"), 0, 0, 30, "timeout")])
    assert made.select().response.n == 1
    assert made.select().failed == 1


def test_only_what_no_answer_came_for_is_unanswered():
    """An answer of status 500 was counted by the server; a timeout it may not know of."""
    made = of([(Key("a", "x"), 0, 0, 1, kind) for kind in (None, status_kind(500), "timeout")])
    assert made.total().unanswered == 1


def test_the_timeline_goes_by_the_due_time():
    """A request due in second 1 and answered in second 4 belongs to second 1."""
    made = of([(Key("a", "x"), 1.9, 0, 3, None)])
    made.drop(Key("a", "x"), 2.0)
    seconds = made.timeline_json()
    assert [(one["t_s"], one["finished"], one["dropped"]) for one in seconds] == [
        (1, 1, 0),
        (2, 0, 1),
    ]
    assert seconds[1]["p50_ms"] is None
