"""The capacity search finds the edge, makes sure of it, and ends."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from load_samples import result

from perf.load.capacity import (
    LEAD,
    MOST_TRIALS,
    PRECISION,
    Ask,
    Found,
    Outcome,
    Trial,
    lead,
    left,
    step,
)
from perf.load.scenario import p95
from perf.load.searching import outcome, search
from perf.load.validity import Generator, Worker


def searched(answer, start=100.0):
    """Search with a function from rate to outcome; return the answer and the trials."""
    trials: list[Trial] = []
    while isinstance(todo := step(trials, start), Ask):
        trials.append(Trial(todo.rate, answer(todo.rate)))
        assert len(trials) <= MOST_TRIALS
    return todo, trials


def edge_at(limit):
    """Return a service that keeps its thresholds up to a rate."""
    return lambda rate: Outcome.MET if rate <= limit else Outcome.MISSED


@given(st.floats(3, 50_000))
def test_the_answer_encloses_the_edge(limit):
    """The true capacity lies between the two ends, which are as near as the precision asks."""
    found, _ = searched(edge_at(limit))
    assert found.sure
    assert found.low <= limit < found.high
    assert found.high / found.low <= 1 + PRECISION


@given(st.integers(0, 10**6))
def test_a_sure_answer_has_both_ends_confirmed(seed):
    """Whatever chance decides near the edge, a sure end is one that leads by enough trials."""
    rng = Random(seed)

    def answer(rate):
        return Outcome.MET if rng.random() < 1 / (1 + (rate / 800) ** 8) else Outcome.UNSURE

    found, trials = searched(answer)
    if found.sure and found.low is not None:
        assert lead(trials, found.low) >= LEAD
        assert lead(trials, found.high) <= -LEAD


@given(st.floats(3, 50_000))
def test_how_many_trials_are_left_is_known_once_there_is_a_bracket(limit):
    """Where no trial disagrees the search ends after just as many, give or take one halving."""
    answer, trials = edge_at(limit), []
    while isinstance(todo := step(trials, 100.0), Ask):
        trials.append(Trial(todo.rate, answer(todo.rate)))
    for made in range(1, len(trials) + 1):
        told = left(trials[:made])
        assert told is None or abs(told - (len(trials) - made)) <= 1
    assert left(trials) == 0


def test_a_rate_that_was_never_met_has_no_capacity():
    """Where nothing is met the answer has no lower end."""
    found, _ = searched(lambda _: Outcome.MISSED)
    assert found.low is None


def test_a_generator_without_breath_ends_the_search():
    """What the generator cannot offer says nothing of the service; its capacity is no less."""
    found, _ = searched(lambda rate: Outcome.MET if rate < 300 else Outcome.UNOFFERED)
    assert found == Found(200.0, None, sure=False, why="the generator could not offer more")


def test_a_generator_that_lost_its_breath_once_is_asked_again():
    """One trial that a busy moment spoilt does not end the search, and its rate is told anew."""
    spoilt = [200.0]

    def answer(rate):
        if rate in spoilt:
            spoilt.remove(rate)
            return Outcome.UNOFFERED
        return edge_at(1000)(rate)

    found, trials = searched(answer)
    assert [one.rate for one in trials][:4] == [100.0, 200.0, 200.0, 200.0]
    assert found.low <= 1000 < found.high


def test_what_is_unsure_is_not_met():
    """An inconclusive run never raises the capacity."""
    found, _ = searched(lambda rate: Outcome.MET if rate <= 100 else Outcome.UNSURE)
    assert found.low == pytest.approx(100)


def test_runs_become_outcomes():
    """A valid run is met or missed; one whose generator starved is neither."""
    starved = Generator("open", (Worker("worker 1", 0.99, 0.0, 1.0),))
    bound = [p95(100)]
    assert outcome(result(thresholds=bound)) is Outcome.MET
    assert outcome(result([200.0] * 1000, thresholds=bound)) is Outcome.MISSED
    assert outcome(result(thresholds=bound, generator=starved)) is Outcome.UNOFFERED


def test_a_search_reports_the_run_at_its_answer():
    """The run that is shown was made at the highest rate that was met."""

    def attempt(scale):
        phases = [{**result().scenario["phases"][0], "rate": 100.0 * scale}]
        times = [5.0 if scale < 3 else 200.0] * 1000
        run = result(times, thresholds=[p95(100)])
        return result(times, thresholds=[p95(100)], scenario={**run.scenario, "phases": phases})

    said = []
    capacity = search(attempt, said.append)
    assert 270 <= capacity.found.low < 300 <= capacity.found.high
    assert capacity.shown.scenario["phases"][0]["rate"] == pytest.approx(capacity.found.low)
    assert said[0] == "trial 1, 100 req/s: met; next 200 req/s; at most 23 more of 14 s, 5 min"
    assert said[2] == "trial 3, 400 req/s: missed; next 282.8 req/s; about 5 more of 14 s, 70 s"
