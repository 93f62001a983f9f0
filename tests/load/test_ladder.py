"""The ladder of users: how far it is climbed, as a pure function of what each rung came to."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from load_samples import result

from perf.claims.load.ladder import RUNGS, climb, facts, rung
from perf.load.capacity import Outcome


def climbed(most):
    """Climb on a platform that holds so many users."""

    def attempt(users):
        return Outcome.MET if users <= most else Outcome.MISSED, "the event loop"

    return climb(attempt(RUNGS[0]), attempt)


def test_the_answer_is_known_to_a_factor_of_two():
    """What is possible is halved by each run: seven rungs take three."""
    found = climbed(1000)
    assert [row[0] for row in found["tried"]] == [100, 800, 3200, 1600]
    assert (found["met"], found["not_met"]) == (800, 1600)


def test_one_rung_beyond_the_limit_is_tried():
    """There what is full shows, and it is what a reader is told."""
    found = climbed(2000)
    assert (found["met"], found["not_met"]) == (1600, 3200)
    assert [row[0] for row in found["tried"]] == [100, 800, 3200, 1600, 6400]
    assert facts(found)["full with 6400 users"] == "the event loop"


def test_each_rung_is_twice_the_one_below():
    """So the answer is known to a factor of two."""
    assert all(above == 2 * below for below, above in pairwise(RUNGS))


def test_nothing_is_met_where_the_first_rung_is_not():
    """No users is the answer, and no smaller number is tried: the claim asks for a hundred."""
    assert climbed(10) == {
        "met": 0,
        "not_met": 100,
        "tried": [[100, "missed", "the event loop"]],
    }


def test_what_is_unsure_is_not_met():
    """Too few samples or a generator that starved prove nothing."""
    for unproved in (Outcome.UNSURE, Outcome.UNOFFERED):
        found = climb((Outcome.MET, ""), lambda _, found=unproved: (found, ""))
        assert (found["met"], found["not_met"]) == (100, 200)


def test_the_top_of_the_ladder_is_said_to_be_no_limit():
    """Where all is met, nothing was found that is not."""
    found = climbed(10**9)
    assert found["met"] == 6400
    assert facts(found)["not_met"] == "not reached with 6400"


@given(st.integers(0, 7000))
def test_what_is_met_was_tried_and_holds(most):
    """No figure in between is claimed."""
    found = climbed(most)
    assert found["met"] == 0 or [found["met"], "met", "the event loop"] in found["tried"]
    assert found["met"] <= most
    assert found["not_met"] is None or found["not_met"] > most


def test_a_rung_is_held_to_all_answers_of_its_phase():
    """Six of a hundred late or one error are no rung met, whatever a run's own thresholds."""
    assert rung(result(), "steady")[0] is Outcome.MET
    assert rung(result(errors=1), "steady")[0] is Outcome.MISSED
    assert rung(result([200.0] * 1000), "steady")[0] is Outcome.MISSED
    assert rung(result(), "another")[0] is Outcome.UNSURE
