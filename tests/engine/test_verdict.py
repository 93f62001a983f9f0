"""The judge: tables of measurements and targets, and what must come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.claim import at_least, at_most, counter_example, exactly
from perf.sample import Kind, Measurement, Scale, failure
from perf.verdict import Verdict, judge


def comparison(before, after, **fields):
    """Return an equal-result comparison of the given seconds."""
    unit = "%" if fields.get("scale") is Scale.SAVING else "x"
    samples = {"before": before, "after": after}
    return Measurement(Kind.COMPARISON, unit, samples, **{"equal": True, **fields})


STEADY = comparison([5.0] * 10, [1.0] * 10)
WIDE = comparison([4.0, 6.0] * 5, [1.0] * 10)


@pytest.mark.parametrize(
    ("target", "measurement", "verdict"),
    [
        (at_least(4, "x"), STEADY, Verdict.MET),
        (at_least(6, "x"), STEADY, Verdict.MISSED),
        (at_least(5, "x"), WIDE, Verdict.INCONCLUSIVE),
        (at_most(6, "x"), STEADY, Verdict.MET),
        (at_least(5, "x"), STEADY, Verdict.MET),
        (exactly(1, "statements"), Measurement(Kind.COUNT, "statements", {"count": [1, 1]}), "met"),
        (
            exactly(1, "statements"),
            Measurement(Kind.COUNT, "statements", {"count": [2, 2]}),
            "missed",
        ),
        (
            exactly(1, "statements"),
            Measurement(Kind.COUNT, "statements", {"count": [1, 2]}),
            "inconclusive",
        ),
        (counter_example(), Measurement(Kind.WITNESS, "", {"occurred": [1, 1]}), "refuted"),
        (counter_example(), Measurement(Kind.WITNESS, "", {"occurred": [0, 0]}), "missed"),
        (counter_example(), Measurement(Kind.WITNESS, "", {"occurred": [0, 1]}), "inconclusive"),
        (at_most(10, "ms"), Measurement(Kind.TIMING, "ms", {"time": [0.001] * 20}), "met"),
        (at_most(10, "ms"), Measurement(Kind.TIMING, "ms", {"time": [0.020] * 20}), "missed"),
        (at_most(10, "ms"), Measurement(Kind.TIMING, "ms", {"time": [0.001] * 3}), "inconclusive"),
        (at_least(1, "x"), failure("it broke"), Verdict.NOT_MEASURED),
        (at_least(1, "x"), comparison([9.0], [1.0], equal=False), Verdict.NOT_MEASURED),
        (at_least(1, "x"), comparison([], []), Verdict.NOT_MEASURED),
        (at_least(20, "%"), STEADY, Verdict.NOT_MEASURED),
        (at_least(20, "%"), comparison([5.0] * 9, [1.0] * 9, scale=Scale.SAVING), Verdict.MET),
    ],
)
def test_the_whole_interval_is_held_against_the_bound(target, measurement, verdict):
    """Met and missed need all of the interval on one side."""
    assert judge(target, measurement, seed="s").verdict == verdict


def test_a_failure_keeps_its_reason():
    """Readers see why nothing was measured."""
    assert judge(at_least(1, "x"), failure("no server"), seed="s").reason == "no server"


def test_a_margin_within_the_noise_is_inconclusive():
    """5.0 against 4.9 is 2 % away: not told apart by a machine with 5 % noise."""
    assert judge(at_least(4.9, "x"), STEADY, seed="s", noise=0.05).verdict == "inconclusive"


def test_noise_does_not_touch_counts():
    """A counted number has no noise."""
    counted = Measurement(Kind.COUNT, "rows", {"count": [10, 10]})
    assert judge(exactly(10, "rows"), counted, seed="s", noise=0.5).verdict == "met"


def test_an_undecided_comparison_says_how_many_rounds_would_tell():
    """The reader is told what to do next."""
    measurement = comparison([4.0, 6.0, 5.1] * 5, [1.0] * 15)
    assert "rounds would tell" in judge(at_least(5, "x"), measurement, seed="s").reason


@given(
    st.lists(st.floats(min_value=1e-4, max_value=10), min_size=8, max_size=30),
    st.floats(min_value=0.01, max_value=100),
    st.floats(min_value=1.0, max_value=10),
)
def test_a_slower_after_never_improves_the_verdict(after, bound, factor):
    """Slowing `after` down cannot turn missed or inconclusive into met."""
    before = [1.0] * len(after)
    fast = judge(at_least(bound, "x"), comparison(before, after), seed="s")
    slowed = [value * factor for value in after]
    slow = judge(at_least(bound, "x"), comparison(before, slowed), seed="s")
    order = [Verdict.MET, Verdict.INCONCLUSIVE, Verdict.MISSED]
    assert order.index(slow.verdict) >= order.index(fast.verdict)


@given(st.sampled_from([at_least(1, "x"), at_most(1, "ms"), exactly(1, "x"), counter_example()]))
def test_nothing_measured_is_never_met(target):
    """No target is met by a failure."""
    assert judge(target, failure("why"), seed="s").verdict is Verdict.NOT_MEASURED


def test_a_measurement_survives_its_file():
    """What is judged again from disk is what was measured."""
    measurement = comparison([1.5, 2.5], [0.5, 0.25], facts={"rows": 3}, warnings=("w",))
    assert Measurement.from_json(measurement.to_json()).to_json() == measurement.to_json()


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": "nonsense"}', "not json"])
def test_a_foreign_file_is_not_a_measurement(text):
    """Anything else is a ValueError, which callers turn into 'not measured'."""
    with pytest.raises(ValueError, match=r"measurement|nonsense|Expecting"):
        Measurement.from_json(text)
