"""The score: unknown is not better, weights are equal, counter-examples do not count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.report.score import Mark, score

VERDICTS = ("met", "missed", "inconclusive", "not_measured", "refuted")


def document(*claims):
    """Return results of (category, verdict) pairs."""
    return {
        "schema": 1,
        "results": [
            {
                "id": f"D1.claim-{turn}",
                "category": category,
                "verdict": verdict,
                "target": {
                    "kind": "counter_example" if verdict == "refuted" else "at_most",
                    "bound": 1,
                    "unit": "ms",
                },
            }
            for turn, (category, verdict) in enumerate(claims)
        ],
    }


def category(found, name):
    return next(part for part in found.categories if part.category == name)


def test_points_are_targets_met_of_those_required():
    """Three of four met are 75 points, a B."""
    found = score(document(*[("latency", "met")] * 3, ("latency", "missed")))
    assert category(found, "latency").mark.points == 75
    assert category(found, "latency").mark.grade == "B"


def test_inconclusive_counts_as_not_met():
    """Half inconclusive is half the points."""
    found = score(document(("latency", "met"), ("latency", "inconclusive")))
    assert found.mark.points == 50


def test_one_unmeasured_target_makes_its_category_unknown():
    """A category is not graded on the part of it that happened to work."""
    mark = category(
        score(document(("latency", "met"), ("latency", "not_measured"))), "latency"
    ).mark
    assert (mark.points, mark.grade) == (None, None)
    assert (mark.low, mark.high) == (50, 100)


def test_an_unknown_category_makes_the_total_unknown():
    """The total is a range as long as one of its parts is."""
    found = score(document(("latency", "met"), ("caching", "not_measured")))
    assert found.mark == Mark(50, 100)


def test_categories_weigh_the_same_however_many_targets_they_have():
    """Ten met and one missed in two categories are 50 points, not 91."""
    found = score(document(*[("latency", "met")] * 10, ("caching", "missed")))
    assert found.mark.points == 50


def test_a_category_without_targets_has_no_mark_and_no_weight():
    """What nobody required is neither good nor bad."""
    found = score(document(("latency", "met")))
    empty = category(found, "caching")
    assert (empty.mark, empty.weight) == (None, 0)


def test_refuted_claims_are_left_out():
    """A wrong document is no merit and no fault of the system."""
    found = score(document(("latency", "met"), ("latency", "refuted")))
    assert category(found, "latency").required == 1


def test_a_run_that_required_nothing_has_no_score():
    """Without targets there is no total, rather than a zero."""
    assert score(document()).mark is None


def test_a_category_of_another_project_is_kept():
    """Categories beyond ours are scored after them."""
    found = score(document(("billing", "met")))
    assert found.categories[-1].category == "billing"


@pytest.mark.parametrize(("points", "grade"), [(100, "A+"), (70, "B-"), (69.9, "B-"), (0, "F")])
def test_grades_follow_the_printed_scale(points, grade):
    """70 is a B-, as in the audit report; what is written 70 is graded as 70."""
    assert Mark(points, points).grade == grade


@given(st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=30), st.data())
def test_learning_a_verdict_stays_within_the_range(verdicts, data):
    """Measuring what was not measured never leaves the range that was given before."""
    learned = [
        data.draw(st.sampled_from(["met", "missed"])) if v == "not_measured" else v
        for v in verdicts
    ]
    before = score(document(*(("latency", v) for v in verdicts))).mark
    after = score(document(*(("latency", v) for v in learned))).mark
    if before is None:
        assert after is None
    else:
        assert before.low <= after.points <= before.high


@given(st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=12))
def test_weights_sum_to_one(verdicts):
    """The printed weights share out the whole, or there is nothing to weigh."""
    names = ("latency", "caching", "database", "billing")
    found = score(document(*((names[turn % 4], v) for turn, v in enumerate(verdicts))))
    total = sum(part.weight for part in found.categories)
    assert total == pytest.approx(0 if found.mark is None else 1)
