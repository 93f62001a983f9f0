"""The experiment on the load generator: its pure parts, and one short real trial."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.experiments.load_truth import trials
from perf.experiments.load_truth.report import markdown
from perf.experiments.load_truth.truth import held, percentile, percentiles, worst
from perf.lab.guard import Guard


def test_a_percentile_is_a_value_that_occurred():
    """Rank ceil(q n): the 95th of a hundred, the tenth of ten."""
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile(range(1, 11), 0.95) == 10


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 0.99))
def test_so_large_a_share_does_not_exceed_a_percentile(values, q):
    """The definition, over any samples: not fewer than q n values are at or below it."""
    found = percentile(values, q)
    assert sum(value <= found for value in values) >= math.ceil(q * len(values) - 1e-9)


def test_nothing_has_no_percentile():
    """An empty run is no run of zeros."""
    with pytest.raises(ValueError, match="sample"):
        percentile([], 0.5)


def test_names_keep_their_percentiles():
    """The table's rows are found by name."""
    assert percentiles(range(1, 101)) == {"p50": 50, "p95": 95, "p99": 99}


def test_the_tolerance_is_the_wider_of_both():
    """A tenth of 100 ms is wider than 5 ms, a tenth of 1 ms is not."""
    wide, small = held({"p99": 100.0, "p50": 1.0}, {"p99": 108.0, "p50": 7.0})
    assert (wide.tolerance_ms, wide.used) == (10.0, 0.8)
    assert (small.tolerance_ms, small.used) == (5.0, 1.2)
    assert worst([wide, small]) is small


def test_a_part_that_failed_is_not_measured():
    """Its reason stands where its table would."""
    document = {"machine": "m", "parts": {"stall": {"error": "no server"}}}
    assert "## stall: not measured\n\nno server" in markdown(document)


def test_a_part_that_does_not_hold_says_no():
    """A reader must not have to look at the rows for it."""
    part = {"sentence": "it holds", "holds": False, "columns": ["a"], "rows": [[0.123456], [True]]}
    text = markdown({"machine": "m", "parts": {"known": {"started": "then", **part}}})
    assert "## known: NO, it holds" in text
    assert "| 0.1235 |" in text
    assert "| yes |" in text


def test_two_workers_lose_no_request_and_no_sample():
    """A real run: the server's count, the workers' and the raw samples are one number."""
    with Guard() as guard:
        trial = trials.shared(guard, rate=100, seconds=1.0)
    assert trial.sent == trial.counted == trial.facts["raw_samples"] == 100
    assert [one.name for one in trial.compared if one.used > 1] == []
