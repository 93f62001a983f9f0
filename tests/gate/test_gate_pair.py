"""Two workers in one benchmark: whose turn it is, how much is asked, and what can go wrong."""

from dataclasses import replace
from random import Random

import pytest
from gate_fakes import CALL_NS, FakeWorker
from hypothesis import given
from hypothesis import strategies as st

from perf.gate.pace import (
    BUDGET_S,
    CONFIRMING,
    FEW,
    LARGE_BUDGET_S,
    SLICE_S,
    SLICES,
    calibrated,
    limited,
    pace_of,
)
from perf.gate.pair import Limited, Lost, Pair, Taken, order
from perf.gate.sample import Metric, Side

NAME = "test_a.py::test_a"


def met(base=None, head=None, metric=Metric.WALL, head_ns=CALL_NS, log=None, cores=()):  # noqa: PLR0917
    """Return a pair that has begun to run one benchmark, with an oddity on either side."""
    odd = {Side.BASE: {NAME: base}, Side.HEAD: {NAME: head}}
    costs = {Side.BASE: CALL_NS, Side.HEAD: head_ns}
    workers = {s: FakeWorker([NAME], costs[s], odd[s], log=log) for s in Side}
    pair = Pair(workers, metric, Random(1), 1.0, cores)
    pair.collect()
    pair.run([NAME])
    return pair


@given(st.integers(0, 40), st.integers())
def test_both_sides_have_equally_many_turns(slices, seed):
    """However many slices, base and head have the same number."""
    turns = order(slices, Random(seed))
    assert turns.count(Side.BASE) == turns.count(Side.HEAD) == slices


@given(st.integers(1, 20), st.integers())
def test_a_drift_falls_on_both_sides_alike(groups, seed):
    """Within each group of four the places of base sum up to those of head."""
    turns = order(2 * groups, Random(seed))
    for start in range(0, len(turns), 4):
        places = [at for at in range(4) if turns[start + at] is Side.BASE]
        assert sum(places) == 3


def test_neither_side_comes_always_first():
    """Who begins is chance, so a fixed order cannot favour one."""
    firsts = {order(2, Random(seed))[0] for seed in range(20)}
    assert firsts == set(Side)


@given(st.floats(1e-8, 1e-3))
def test_a_slice_of_quick_calls_takes_two_milliseconds(call_s):
    """The number of calls fills a slice."""
    assert pace_of(call_s).calls * call_s == pytest.approx(SLICE_S, rel=0.5)


@given(st.floats(1e-9, 100.0))
def test_a_pair_stays_within_its_budget_or_takes_few_slices(call_s):
    """Slow calls get fewer slices, down to a few, and the slowest one."""
    pace = pace_of(call_s)
    assert 1 <= pace.slices <= SLICES
    took_s = pace.slices * pace.calls * call_s
    assert took_s <= BUDGET_S * 1.001 or pace.slices <= FEW
    assert took_s <= LARGE_BUDGET_S * 1.001 or pace.slices == 1


@given(st.integers(1, 10_000))
def test_a_limited_benchmark_is_never_called_more_often_than_its_author_allowed(calls):
    """The first call, and all slices, fit into the number."""
    pace = limited(calls)
    assert 1 + pace.slices * (pace.warm + pace.calls) <= calls or pace.slices == 0


def test_a_confirmation_has_more_slices_where_calls_are_quick_and_unlimited():
    """Slow calls pay for more slices themselves, and a limit is a limit."""
    assert pace_of(1e-4).confirming.slices == CONFIRMING * SLICES
    assert pace_of(1.0).confirming == pace_of(1.0)
    assert limited(1000).confirming == limited(1000)


def test_calls_are_counted_up_until_a_slice_can_be_timed():
    """A call far shorter than a slice is calibrated in a few steps, from the time of many."""
    asked = []

    def seconds(wish):
        asked.append(wish.calls)
        return wish.calls * 1e-7

    assert calibrated(seconds, 5e-6).calls == pytest.approx(20_000, rel=0.01)
    assert len(asked) <= 5
    assert asked == sorted(asked)


def test_a_slow_call_is_not_repeated_to_find_its_pace():
    """Its first call says enough."""
    pace = calibrated(lambda _: pytest.fail("it was asked"), 0.5)
    assert (pace.calls, pace.slices, pace.collector) == (1, 1, True)


def test_the_slices_of_both_sides_are_seconds_a_call():
    """A benchmark of a millisecond is told from one of a millisecond and a half."""
    taken = met(head_ns=1_500_000).measure(NAME, None)
    assert isinstance(taken, Taken)
    assert set(taken.sample.base) == {0.001}
    assert set(taken.sample.head) == {0.0015}


def test_both_sides_are_asked_for_the_same_slices():
    """The pace that base was calibrated to is used for head, which is never calibrated."""
    log = []
    pair = met(log=log, head_ns=3_000_000)
    taken = pair.measure(NAME, None)
    asked = {s: [w for who, w in log if who is pair.workers[s]] for s in Side}
    assert asked[Side.HEAD] == [taken.pace.wish(Metric.WALL)] * taken.pace.slices
    assert asked[Side.BASE][-taken.pace.slices :] == asked[Side.HEAD]


@pytest.mark.parametrize("oddity", ["fails", "fails in a slice", "fails at the end"])
@pytest.mark.parametrize("side", list(Side))
def test_a_failure_is_lost_with_its_side_and_reason(oddity, side):
    """Whenever a test fails there are no slices of it, however many were taken before."""
    lost = met(**{str(side): oddity}).measure(NAME, None)
    assert isinstance(lost, Lost)
    assert (lost.side, lost.outcome) == (side, "failed")
    assert lost.reason


@pytest.mark.parametrize("side", list(Side))
def test_a_worker_that_dies_is_a_crash_of_its_side(side):
    """Its last words are the reason."""
    lost = met(**{str(side): "crashes"}).measure(NAME, None)
    assert lost == Lost(side, "crashed", "it ended with signal SIGSEGV")


def test_a_skipped_benchmark_is_no_failure():
    """It is lost as skipped, which the coordinator does not call broken."""
    assert met(base="skips", head="skips").measure(NAME, None).outcome == "skipped"


@pytest.mark.parametrize("allowed", [1, 2, 5, 23])
def test_what_cannot_be_repeated_is_measured_within_its_number_of_calls(allowed):
    """The first attempt finds the limit, the second keeps to it."""
    first = met(base=allowed, head=allowed).measure(NAME, None)
    assert isinstance(first, Limited)
    second = met(base=allowed, head=allowed).measure(NAME, first.pace)
    assert isinstance(second, Taken)
    assert len(second.sample.base) == len(second.sample.head) >= 1


def test_bytes_are_not_scaled_as_time_is():
    """A peak of one byte a call is one."""
    taken = met(metric=Metric.MEMORY).measure(NAME, None)
    assert taken.sample.base == taken.sample.head == (1.0, 1.0)


def cores_of(pair, log):
    """Return the cores that the slices of a pair were asked for on, without the calibration."""
    pair.measure(NAME, pace_of(CALL_NS / 1e9))
    return {wish.core for _, wish in log}


def test_both_sides_run_on_the_same_core():
    """One core is slower than another for a while, and that shall fall on both."""
    log = []
    assert len(cores_of(met(log=log, cores=(2, 5)), log)) == 1


def test_the_core_is_drawn_for_each_pair():
    """No core is all that is ever looked at."""
    drawn = set()
    for seed in range(20):
        log = []
        pair = replace(met(log=log, cores=(2, 5)), rng=Random(seed))
        drawn |= cores_of(pair, log)
    assert drawn == {2, 5}


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_benchmark_of_several_cores_is_left_free(side):
    """With one core, what it does at the same time would be done in turn."""
    log = []
    assert cores_of(met(**{side: "threads"}, log=log, cores=(2, 5)), log) == {None}


def test_what_is_counted_needs_no_core():
    """Bytes are the same on each."""
    log = []
    assert cores_of(met(metric=Metric.MEMORY, log=log, cores=(2, 5)), log) == {None}
