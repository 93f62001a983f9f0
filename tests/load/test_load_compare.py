"""Two load runs are compared percentile by percentile, with intervals."""

from __future__ import annotations

import math
from random import Random

import pytest
from load_samples import result

from perf.load.compare import Way, _interval, caveats, compare
from perf.load.histogram import Reading


def times(seed, scale=1.0, n=2000):
    """Return exponential response times with a mean of 20 ms times `scale`."""
    rng = Random(seed)
    return [1 + rng.expovariate(1 / (20 * scale)) for _ in range(n)]


def ways(before, after):
    """Return what is said of p50, p95 and p99."""
    return [one.way for one in compare(before, after)]


def test_a_slower_run_is_called_slower():
    """Half as much again is seen at every percentile."""
    assert ways(result(times(1)), result(times(2, 1.5))) == [Way.SLOWER] * 3


def test_the_way_turns_with_the_runs():
    """What is slower one way is faster the other."""
    assert ways(result(times(2, 1.5)), result(times(1))) == [Way.FASTER] * 3


def test_equal_runs_seldom_differ():
    """Of runs of one distribution, about one percentile in twenty is called different."""
    found = [
        way for seed in range(40) for way in ways(result(times(seed)), result(times(seed + 99)))
    ]
    assert sum(way is not Way.NO_DIFFERENCE for way in found) <= 0.1 * len(found)


def test_the_interval_holds_the_true_change():
    """An interval of a run twice as slow holds the true ratio of the medians."""
    [median, *_] = compare(result(times(3)), result(times(4, 2.0)))
    truth = (1 + 40 * 0.6931) / (1 + 20 * 0.6931) - 1
    assert median.interval[0] < truth < median.interval[1]


def test_too_few_requests_say_so():
    """A percentile beyond which there is hardly a request has no interval: of a p99 368 do."""
    found = compare(result(times(1, n=100)), result(times(2, n=100)))
    assert [one.way for one in found][1:] == [Way.NO_DIFFERENCE, Way.TOO_FEW]
    assert found[2].interval is None


def test_a_stall_in_one_of_two_runs_is_no_difference_shown():
    """A hundred slow answers in one stall are one event: chance may have put it into that run."""
    stalled = times(2)[:1900] + [400.0] * 100
    scattered = [400.0 if turn % 20 == 0 else ms for turn, ms in enumerate(times(2))]
    assert ways(result(times(1)), result(stalled))[1] is not Way.SLOWER
    assert ways(result(times(1)), result(scattered))[1] is Way.SLOWER


def test_the_interval_of_a_ratio_is_the_published_one():
    """MOVER: ends of 10 [8, 13] and 20 [18, 25] give 2 times exp of hypotenuses of logarithms."""
    then, now = Reading(10.0, 8.0, 13.0, 9), Reading(20.0, 18.0, 25.0, 9)
    low, high = _interval(then, now)
    assert low == pytest.approx(2 * math.exp(-math.hypot(math.log(20 / 18), math.log(1.3))) - 1)
    assert high == pytest.approx(2 * math.exp(math.hypot(math.log(1.25), math.log(10 / 8))) - 1)


def test_what_keeps_runs_from_being_compared_is_said():
    """Other rates and an invalid run are told with the comparison."""
    run = result()
    faster = {**run.scenario, "phases": [{**run.scenario["phases"][0], "rate": 200.0}]}
    told = caveats(result(stopped=True), result(scenario=faster))
    assert len(told) == 2
    assert caveats(run, run) == []


def test_a_difference_reads_as_a_sentence():
    """The line names request, phase, percentile and way."""
    text = str(compare(result(times(1)), result(times(2, 1.5)))[0])
    assert text.startswith("page, steady, p50: ")
    assert text.endswith("slower")


@pytest.mark.parametrize("seed", range(3))
def test_a_comparison_repeats(seed):
    """The same two runs give the same intervals."""
    runs = result(times(seed)), result(times(seed + 1))
    assert compare(*runs) == compare(*runs)
