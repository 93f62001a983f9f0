"""The ladder of users: how far it is climbed, as a pure function of what each rung came to."""

from hypothesis import given
from hypothesis import strategies as st

from perf.claims.load.ladder import climb, facts
from perf.load.capacity import Outcome


def holding(most):
    """Return attempts that are met up to so many users."""
    return lambda users: (Outcome.MET if users <= most else Outcome.MISSED, "the event loop")


def test_the_answer_is_known_to_a_factor_of_two():
    """100 and 400 are met, 1600 is not, then 800 is tried and met."""
    found = climb(holding(1000))
    assert [row[0] for row in found["tried"]] == [100, 400, 1600, 800]
    assert (found["met"], found["not_met"]) == (800, 1600)


def test_the_rung_between_may_not_hold():
    """Then the last that did is the answer."""
    found = climb(holding(500))
    assert (found["met"], found["not_met"]) == (400, 800)


def test_nothing_is_met_where_the_first_rung_is_not():
    """No users is the answer, and no smaller number is tried: the claim asks for a hundred."""
    assert climb(holding(10)) == {
        "met": 0,
        "not_met": 100,
        "tried": [[100, "missed", "the event loop"]],
    }


def test_what_is_unsure_is_not_met():
    """Too few samples or a generator that starved prove nothing."""
    for unproved in (Outcome.UNSURE, Outcome.UNOFFERED):
        assert climb(lambda _users, found=unproved: (found, ""))["met"] == 0


def test_the_top_of_the_ladder_is_said_to_be_no_limit():
    """Where all is met, nothing was found that is not."""
    found = climb(holding(10**9))
    assert found["met"] == 6400
    assert facts(found)["not_met"] == "not reached with 6400"


@given(st.integers(0, 7000))
def test_what_is_met_was_tried_and_holds(most):
    """No figure in between is claimed."""
    found = climb(holding(most))
    assert found["met"] == 0 or [found["met"], "met", "the event loop"] in found["tried"]
    assert found["met"] <= most
    assert found["not_met"] is None or found["not_met"] > most
