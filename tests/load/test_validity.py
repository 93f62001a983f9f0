"""Tests of when a run may not be judged."""

import json
from dataclasses import replace

import pytest

from perf.load.calibration import Calibration
from perf.load.histogram import Histogram
from perf.load.recording import Key, Recording, status_kind
from perf.load.scenario import error_rate, p50, p95, p99, p999
from perf.load.validity import Cause, Generator, Worker, assess, samples_needed

TRUE = Calibration(known_ms=5.0, known_p99_ms=5.1, p50_ms=5.3, p99_ms=6.0)
CALM = Worker("worker 1", 0.2, 0.05, 0.4, (TRUE,))
HEALTHY = Generator("open", (CALM,), limit=4096)
KEY = Key("steady", "page")


def run(n=1000, *, lag_s=0.0002, service_s=0.005, error=None, seconds=10.0) -> Recording:
    """Return a recording of n requests alike."""
    made = Recording()
    for number in range(n):
        due_s = seconds * number / n
        made.schedule(KEY, due_s)
        made.send(KEY, due_s, due_s + lag_s)
        made.finish(KEY, due_s, due_s + lag_s, due_s + lag_s + service_s, error)
    return made


def causes(generator=HEALTHY, recording=None, thresholds=(), counted=None) -> list[Cause]:
    """Return the causes that are found."""
    found = assess(generator, run() if recording is None else recording, thresholds, counted)
    return [one.cause for one in found]


def test_a_healthy_run_is_valid():
    """Nothing is found where nothing is wrong, with every check made."""
    assert causes(thresholds=(p99(100), error_rate(0)), counted=1000) == []


@pytest.mark.parametrize("service_s", [0.005, 1.0, 30.0])
def test_a_slow_server_does_not_make_a_run_invalid(service_s):
    """However late the answers are, they were asked for on time."""
    assert causes(recording=run(service_s=service_s, error="timeout"), counted=0) == []


@pytest.mark.parametrize("service_s", [0.0005, 0.005, 0.5])
def test_a_late_generator_starved(service_s):
    """Lag that is a good part of the response time is the generator's and not the server's."""
    assert causes(recording=run(lag_s=0.6, service_s=service_s)) == [Cause.STARVED]


def test_lag_is_weighed_against_the_response_time():
    """Forty milliseconds late changes a p99 of a second by 4 %, and one of 50 ms by most of it."""
    assert causes(recording=run(lag_s=0.04, service_s=1.0)) == []
    assert causes(recording=run(lag_s=0.04, service_s=0.01)) == [Cause.STARVED]


@pytest.mark.parametrize("shares", [(0.99, 0.0), (0.4, 0.58)])
def test_a_worker_without_time_to_spare_starved(shares):
    """Running all the time, or waiting for a core when not, is the same for what it sends."""
    busy = replace(CALM, cpu_share=shares[0], runqueue_share=shares[1])
    assert causes(replace(HEALTHY, workers=(CALM, busy))) == [Cause.STARVED]


def test_running_out_of_files_or_ports_is_not_the_servers_fault():
    """Such a request never left the generator's machine."""
    assert causes(recording=run(error="EMFILE")) == [Cause.STARVED]
    assert causes(recording=run(error="ConnectionRefusedError")) == []


def test_the_closed_model_has_no_lag_but_can_starve():
    """A closed run is judged by its workers' time alone."""
    busy = replace(CALM, cpu_share=0.99)
    assert causes(Generator("closed", (CALM,))) == []
    assert causes(Generator("closed", (busy,))) == [Cause.STARVED]


def test_unknown_shares_are_no_evidence():
    """Where the system does not tell, the lag still does."""
    unknown = replace(CALM, cpu_share=None, runqueue_share=None, busiest_second=None)
    generator = replace(HEALTHY, workers=(unknown,))
    assert causes(generator) == []
    assert causes(generator, run(lag_s=1)) == [Cause.STARVED]


def test_what_was_given_up_makes_a_run_invalid():
    """A dropped request would have been a slow one."""
    recording = run()
    recording.schedule(KEY, 1.0)
    recording.drop(KEY, 1.0)
    assert causes(recording=recording) == [Cause.DROPPED]


def test_what_was_never_sent_makes_a_run_invalid():
    """A generator that gave up its schedule did not make the load that it was asked for."""
    recording = run()
    for _ in range(10):
        recording.schedule(KEY, 1.0)
    assert causes(recording=recording) == [Cause.BEHIND]


@pytest.mark.parametrize("counted", [999, 1001])
def test_the_servers_count_must_agree(counted):
    """One request more or less than was sent and answered is a disagreement."""
    assert causes(counted=counted) == [Cause.COUNT]


@pytest.mark.parametrize(("counted", "found"), [(1000, []), (0, []), (1001, [Cause.COUNT])])
def test_the_server_may_not_know_of_what_it_never_answered(counted, found):
    """Refused and timed-out requests may have been counted or not."""
    assert causes(recording=run(error="timeout"), counted=counted) == found


def test_an_answer_of_failure_is_counted_by_the_server():
    """A status 500 is an answer, so the server has counted it."""
    assert causes(recording=run(error=status_kind(500)), counted=999) == [Cause.COUNT]


def test_a_lost_worker_makes_a_run_invalid():
    """Its part of the schedule was not made."""
    assert causes(replace(HEALTHY, lost=("worker 2",))) == [Cause.LOST]


def test_a_generator_that_failed_makes_a_run_invalid():
    """An exception in a scenario is told as it was."""
    found = assess(replace(HEALTHY, failures=("worker 1: KeyError: 'x'",)), run())
    assert [str(one) for one in found] == ["worker 1: KeyError: 'x'"]


@pytest.mark.parametrize(
    "off",
    [
        replace(TRUE, p50_ms=6.5),
        replace(TRUE, p99_ms=40.0),
        replace(TRUE, p50_ms=4.5),
    ],
)
def test_a_generator_that_cannot_tell_a_known_delay_is_not_believed(off):
    """Too slow, too slow at times, or faster than is possible: its figures are not the server's."""
    assert causes(replace(HEALTHY, workers=(replace(CALM, calibrations=(off,)),))) == [
        Cause.CALIBRATION
    ]


def test_a_later_calibration_counts():
    """An attempt that a noisy moment spoilt is made good by the next."""
    twice = replace(CALM, calibrations=(replace(TRUE, p50_ms=9.0), TRUE))
    assert causes(replace(HEALTHY, workers=(twice,))) == []


def test_a_percentile_needs_its_samples():
    """Hundred requests bound a p95 and not a p99; the number that would is told."""
    found = assess(HEALTHY, run(100), (p95(100), p99(100, request="page")))
    assert [one.cause for one in found] == [Cause.FEW]
    assert "368" in found[0].text


def test_a_percentile_needs_seconds_too():
    """However many requests came in five seconds, how those differ is not seen; in six it is."""
    found = assess(HEALTHY, run(5000, seconds=5.0), (p95(100), error_rate(0)))
    assert [one.cause for one in found] == [Cause.FEW]
    assert "6 s" in found[0].text
    assert not assess(HEALTHY, run(5000, seconds=6.0), (p95(100),))


@pytest.mark.parametrize(
    ("threshold", "needed"), [(p50(1), 6), (p95(1), 72), (p99(1), 368), (p999(1), 3688)]
)
def test_the_number_needed_is_the_smallest_that_bounds_both_sides(threshold, needed):
    """From 1 - q^n >= 0.975: n >= ln 0.025 / ln q (Hahn and Meeker, section 5.2)."""
    q = threshold.metric.quantile
    assert samples_needed(q) == needed
    made = Histogram()
    made.record(1, needed - 1)
    assert made.reading(q).high == float("inf")


def test_the_evidence_can_be_read_again():
    """What a result says of its generator is judged again as it was."""
    generator = replace(HEALTHY, lost=("worker 2",), failures=("a",))
    assert Generator.from_json(json.loads(json.dumps(generator.to_json()))) == generator
