"""Timing instruments on a clock that only moves when the work says so."""

import random

import pytest

from perf.claim import at_least
from perf.instruments import Arm, Bench, Compare, Latency
from perf.instruments.bench import ManualClock
from perf.sample import Scale
from perf.verdict import judge


@pytest.fixture
def clock():
    """Return a clock at zero."""
    return ManualClock()


@pytest.fixture
def bench(clock):
    """Return a bench on the manual clock."""
    return Bench(clock=clock, rng=random.Random(1), budget_s=10)


def taking(clock, seconds, result=None):
    """Return work that takes `seconds` of the manual clock."""

    def run():
        clock.advance(seconds)
        return result

    return run


def test_the_times_of_both_arms_are_recorded(clock, bench):
    """0.4 s before and 0.1 s after are four times."""
    plan = Compare(Arm(taking(clock, 0.4)), Arm(taking(clock, 0.1)))
    samples = plan.measure(bench).samples
    assert set(samples["before"]) == {0.4}
    assert set(samples["after"]) == {0.1}


def test_different_results_end_the_measurement(clock, bench):
    """A fast wrong answer is not a faster answer."""
    plan = Compare(Arm(taking(clock, 0.4, "right")), Arm(taking(clock, 0.1, "wrong")))
    measurement = plan.measure(bench)
    assert measurement.equal is False
    assert not measurement.samples
    assert judge(at_least(2, "x"), measurement, seed="s").verdict == "not_measured"


def test_a_result_that_goes_wrong_later_ends_the_measurement(clock, bench):
    """A cache that answers rightly once and then stays behind is not faster either."""
    calls = []

    def stale():
        calls.append(1)
        clock.advance(0.1)
        return "right" if len(calls) == 1 else "stale"

    measurement = Compare(Arm(taking(clock, 0.4, "right")), Arm(stale)).measure(bench)
    assert measurement.equal is False


def test_the_outcome_can_be_read_from_the_world(clock, bench):
    """What an arm left behind is compared where it returns nothing."""
    world = []
    before = Arm(lambda: world.append(1) or clock.advance(0.1), world.clear, lambda: list(world))
    after = Arm(lambda: world.append(2) or clock.advance(0.1), world.clear, lambda: list(world))
    assert Compare(before, after).measure(bench).equal is False


def test_reset_is_not_timed(clock, bench):
    """A reset of a second leaves a call of 0.1 s at 0.1 s."""
    arm = Arm(taking(clock, 0.1), reset=lambda: clock.advance(1))
    assert set(Compare(arm, arm).measure(bench).samples["after"]) == {0.1}


def test_a_fast_arm_is_called_many_times_a_slice(clock, bench):
    """A call of 10 us is repeated until the slice is worth timing."""
    arm = Arm(taking(clock, 10e-6))
    measurement = Compare(arm, arm).measure(bench)
    assert measurement.facts["loops"]["before"] >= 100
    assert measurement.samples["before"][0] == pytest.approx(10e-6)


def test_the_order_within_a_round_is_random(clock):
    """Neither arm always goes first."""
    order = []
    before = Arm(lambda: order.append("b") or clock.advance(0.01))
    after = Arm(lambda: order.append("a") or clock.advance(0.01))
    bench = Bench(clock=clock, rng=random.Random(3), budget_s=100, precision=0)
    Compare(before, after, max_rounds=60).measure(bench)
    rounds = ["".join(order[i : i + 2]) for i in range(len(order) - 120, len(order), 2)]
    assert 15 < rounds.count("ba") < 45


def test_rounds_stop_at_the_budget(clock, bench):
    """Ten seconds hold ten rounds of one second."""
    arm = Arm(taking(clock, 0.5))
    noisy = Compare(arm, arm, max_rounds=100)
    bench.precision = -1
    assert len(noisy.measure(bench).samples["before"]) == 10


def test_a_slow_arm_still_gets_the_least_number_of_rounds(clock, bench):
    """The budget never leaves an interval without enough rounds to stand on."""
    arm = Arm(taking(clock, 60))
    assert len(Compare(arm, arm).measure(bench).samples["before"]) == 8


def test_a_wide_interval_says_how_many_rounds_it_would_take(clock, bench):
    """The warning carries the cure."""
    noise = random.Random(5)
    arm = Arm(lambda: clock.advance(noise.uniform(0.5, 1.5)))
    warnings = Compare(arm, arm).measure(bench).warnings
    assert len(warnings) == 1
    assert "would take about" in warnings[0]


def test_a_saving_is_measured_in_percent(clock, bench):
    """The unit follows the scale."""
    plan = Compare(Arm(taking(clock, 0.4)), Arm(taking(clock, 0.3)), scale=Scale.SAVING)
    assert judge(at_least(20, "%"), plan.measure(bench), seed="s").estimate == pytest.approx(25)


def test_coroutines_are_run_to_their_end(clock, bench):
    """An async arm is timed like any other."""

    async def work():
        clock.advance(0.2)
        return "done"

    measurement = Compare(Arm(work), Arm(taking(clock, 0.2, "done"))).measure(bench)
    bench.close()
    assert measurement.equal is True
    assert set(measurement.samples["before"]) == {0.2}


def test_a_latency_with_a_wrong_result_is_not_measured(clock, bench):
    """The check comes before the first timed call."""
    plan = Latency(Arm(taking(clock, 0.1, 3)), check=lambda rows: rows == 4)
    measurement = plan.measure(bench)
    assert measurement.equal is False
    assert not measurement.samples


def test_a_doubled_after_misses_what_it_met_before(clock, bench):
    """A sleep as long as the work halves a factor of 3 to 1.5 and misses a target of 2."""
    fast = Compare(Arm(taking(clock, 0.3)), Arm(taking(clock, 0.1))).measure(bench)
    slow = Compare(Arm(taking(clock, 0.3)), Arm(taking(clock, 0.2))).measure(bench)
    verdicts = [judge(at_least(2, "x"), m, seed="s").verdict for m in (fast, slow)]
    assert verdicts == ["met", "missed"]


def test_an_error_in_an_arm_is_not_swallowed(clock, bench):
    """The worker turns it into a failure; the instrument does not guess."""

    def broken():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        Compare(Arm(broken), Arm(broken)).measure(bench)
