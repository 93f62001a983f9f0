"""Thresholds are judged as claims are: the whole interval on one side, or it is not known."""

from __future__ import annotations

from random import Random

import pytest
from load_samples import recording, result, server

from perf.load import judged
from perf.load.scenario import error_rate, hit_rate, memory, p50, p95, p99, throughput
from perf.load.thresholds import Seen, broken
from perf.load.wanted import WantedError, parse
from perf.verdict import Verdict


def verdict(threshold, **changes):
    """Return the verdict on one threshold of a run."""
    [only] = judged.judge(result(thresholds=[threshold], **changes))
    return only.judgement.verdict


def mixed(slow):
    """Return a thousand times of which so many are slow, here and there."""
    times = bunched(slow)
    Random(1).shuffle(times)
    return times


def bunched(slow):
    """Return them with all that are slow one after the other, as in a stall."""
    return [5.0] * (1000 - slow) + [200.0] * slow


@pytest.mark.parametrize(
    ("threshold", "changes", "expected"),
    [
        (p95(100), {"times_ms": mixed(20)}, "met"),
        (p95(100), {"times_ms": mixed(100)}, "missed"),
        (p95(100), {"times_ms": mixed(50)}, "inconclusive"),
        (p95(100), {"times_ms": bunched(100)}, "inconclusive"),
        (p50(100, request="page", phase="steady"), {}, "met"),
        (error_rate(0), {}, "met"),
        (error_rate(0), {"errors": 1}, "missed"),
        (error_rate(1), {"errors": 1}, "met"),
        (error_rate(1), {"errors": 10}, "inconclusive"),
        (error_rate(1), {"errors": 50}, "missed"),
        (throughput(80), {}, "met"),
        (throughput(100), {}, "inconclusive"),
        (throughput(200), {}, "missed"),
        (throughput(80, request="page"), {}, "met"),
        (hit_rate(85), {"server": server(1000, 950, 50)}, "met"),
        (hit_rate(85), {"server": server(1000, 500, 500)}, "missed"),
        (hit_rate(85), {"server": server(1000, 85, 15)}, "inconclusive"),
        (memory(300), {"server": server(1000, rss_mb=120)}, "met"),
        (memory(300), {"server": server(1000, rss_mb=299.5)}, "inconclusive"),
        (memory(300), {"server": server(1000, rss_mb=400)}, "missed"),
    ],
)
def test_the_whole_interval_decides(threshold, changes, expected):
    """A threshold is met or missed only where all of its interval lies on that side."""
    assert verdict(threshold, **changes) == expected


@pytest.mark.parametrize("threshold", [hit_rate(85), memory(300), p95(10, request="nobody's")])
def test_what_is_not_known_is_not_measured(threshold):
    """A server that tells nothing and a request that nobody made have no figure."""
    assert verdict(threshold, server=()) is Verdict.NOT_MEASURED


def test_an_invalid_run_has_no_figures():
    """Where the server counted other requests than were sent, no threshold is judged."""
    [only] = judged.judge(result(thresholds=[p95(100)], server=server(990)))
    assert only.judgement.verdict is Verdict.NOT_MEASURED
    assert "the server counted 990 requests" in only.judgement.reason


def test_the_bound_that_ended_a_run_stays_missed():
    """A run that was ended early because a bound was broken is missed, not merely invalid."""
    bound = p95(100, abort=True)
    run = result(
        [200.0] * 50, thresholds=[bound, error_rate(0)], stopped=True, broken=(bound,), server=()
    )
    first, second = judged.judge(run)
    assert first.judgement.verdict is Verdict.MISSED
    assert "the run was ended for it" in first.judgement.reason
    assert second.judgement.verdict is Verdict.MET


def test_a_run_that_was_stopped_by_hand_is_invalid():
    """Half a run is not the run that was asked for."""
    assert result(stopped=True).reasons() == ("the run was stopped early",)


def test_only_a_bound_broken_beyond_doubt_ends_a_run():
    """Neither what may not end a run nor what is inconclusive does."""
    phases = result().scenario["phases"]
    slow = Seen(phases, recording([200.0] * 100))
    few = Seen(phases, recording([200.0]))
    bounds = [p99(100), p95(100, abort=True)]
    assert broken(bounds, slow) == bounds[1:]
    assert broken(bounds, few) == []


@pytest.mark.parametrize(
    ("words", "threshold"),
    [
        ("p95 <= 100 ms", p95(100)),
        ("p99<=2.5", p99(2.5)),
        ("error_rate <= 0 %, abort", error_rate(0, abort=True)),
        ("throughput >= 80 req/s, phase=steady", throughput(80, phase="steady")),
        ("p50 <= 1 ms, request=two words, phase=a", p50(1, request="two words", phase="a")),
    ],
)
def test_a_threshold_can_be_said_in_words(words, threshold):
    """What the settings say is what a scenario's file would."""
    assert parse(words) == threshold


@pytest.mark.parametrize(
    "words", ["p95", "p95 < 100", "p42 <= 1 ms", "p95 <= 1 s", "p95 <= 1 ms, where=x", "", "p95 <="]
)
def test_other_words_are_the_users_mistake(words):
    """A threshold that is not understood is never left out."""
    with pytest.raises(WantedError):
        parse(words)
