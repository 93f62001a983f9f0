"""The state machine that finds latency spikes, on noise made here and on samples of any kind."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ava.telemetry.spikes import Series, SpikeRule, Turn, learn

RULE = SpikeRule(floor_s=0.0)
SECONDS = st.floats(1e-9, 1e5)


def noise(count, *, seed=1, sigma=0.3, usual_s=0.02):
    """Return durations with the long tail that durations have."""
    rng = random.Random(seed)
    return [usual_s * rng.lognormvariate(0, sigma) for _ in range(count)]


def turns(samples, rule=RULE, *, series=None):
    """Return (number of the sample, turn) of every turn; samples come once a second."""
    series = series or Series(rule)
    found = [(n, series.observe(seconds, float(n))) for n, seconds in enumerate(samples)]
    return [(n, turn) for n, turn in found if turn is not None]


def test_a_step_is_found_within_thirty_samples():
    """Three times the usual, of which each sample may hide in the noise."""
    samples = noise(300) + [3 * s for s in noise(30, seed=2)]
    [(found, turn)] = turns(samples)
    assert turn is Turn.STARTED
    assert 300 + 4 <= found < 330


@pytest.mark.parametrize("factor", [10, 1e3, 1e6])
def test_one_bad_sample_is_no_spike(factor):
    """However bad it is."""
    samples = noise(300)
    samples[200] *= factor
    assert turns(samples) == []


@pytest.mark.parametrize("count", [2, 3])
def test_a_few_bad_samples_are_no_spike(count):
    """A pause of the garbage collector, say."""
    samples = noise(300)
    samples[200 : 200 + count] = [10.0] * count
    assert turns(samples) == []


def test_a_spike_ends_when_it_is_over():
    """And what happened in it is not taken for usual."""
    series = Series(RULE)
    samples = noise(300) + [4 * s for s in noise(40, seed=2)] + noise(100, seed=3)
    started, ended = turns(samples, series=series)
    assert (started[1], ended[1]) == (Turn.STARTED, Turn.ENDED)
    assert 340 <= ended[0] < 350
    assert series.usual.seconds == pytest.approx(0.02, rel=0.1)


def test_a_step_that_stays_becomes_the_usual():
    """After so many samples it is no spike any more, and alarms no more."""
    series = Series(RULE)
    samples = noise(300) + [3 * s for s in noise(600, seed=2)]
    started, settled = turns(samples, series=series)
    assert (started[1], settled[1]) == (Turn.STARTED, Turn.SETTLED)
    assert settled[0] - started[0] <= RULE.settles
    assert series.usual.seconds == pytest.approx(0.06, rel=0.1)


def test_a_second_step_is_found_too():
    """The new usual is what it is measured by."""
    low, mid, high = noise(300), noise(400, seed=2), noise(60, seed=3)
    found = turns(low + [3 * s for s in mid] + [9 * s for s in high])
    assert [turn for _, turn in found] == [Turn.STARTED, Turn.SETTLED, Turn.STARTED]
    assert 700 < found[2][0] < 730


def test_a_spike_soon_after_the_last_is_the_same_trouble():
    """Nobody is told twice within the cool-down; a spike that outlasts it is told."""
    spike = [5 * s for s in noise(20, seed=2)]
    samples = noise(300) + spike + noise(20, seed=3) + spike + noise(200, seed=4)
    assert [turn for _, turn in turns(samples)] == [Turn.STARTED, Turn.ENDED]
    longer = noise(300) + spike + noise(20, seed=3) + 5 * spike
    assert [turn for _, turn in turns(longer)] == [Turn.STARTED, Turn.ENDED, Turn.STARTED]


def test_what_nobody_would_notice_is_no_spike():
    """Three times a tenth of a millisecond is below the floor of five."""
    samples = [s / 200 for s in noise(300) + [3 * s for s in noise(60, seed=2)]]
    assert turns(samples, SpikeRule(floor_s=0.005)) == []
    assert len(turns(samples, SpikeRule(floor_s=0.0))) == 1


@pytest.mark.parametrize("slow", [0.1, 0.3])
def test_a_series_of_hits_and_misses_is_not_always_an_alarm(slow):
    """A share of slow answers is usual where it always was; all of them slow is not."""
    rng = random.Random(3)
    mixed = [s * (30 if rng.random() < slow else 1) for s in noise(2000, sigma=0.2)]
    assert len(turns(mixed)) <= 2
    found = turns(mixed[:400] + [30 * s for s in noise(30, seed=9, sigma=0.2)])
    assert [turn for n, turn in found if n >= 400] == [Turn.STARTED]


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("normal logarithms", lambda rng: rng.lognormvariate(0, 0.5)),
        ("one of twenty is tenfold", lambda rng: rng.lognormvariate(0, 0.3) * _tenfold(rng)),
        ("no variance at all", lambda rng: rng.paretovariate(1.5)),
    ],
)
def test_false_alarms_are_rare_where_the_naive_rule_has_hundreds(name, draw):
    """Of 20,000 samples, two at most; mean + 2 sigma over the same window has 200 at least."""
    rng = random.Random(5)
    samples = [draw(rng) for _ in range(20_000)]
    assert len([1 for _, turn in turns(samples) if turn is Turn.STARTED]) <= 2, name
    assert naive_alarms(samples) >= 200


def _tenfold(rng):
    return 10 if rng.random() < 0.05 else 1


def naive_alarms(samples, window=256):
    """Count what lies above mean + 2 sigma of the window before it."""
    alarms, total, squares = 0, 0.0, 0.0
    for n, sample in enumerate(samples):
        if n >= window:
            mean = total / window
            sigma = math.sqrt(max(0.0, squares / window - mean * mean))
            alarms += sample > mean + 2 * sigma
            total -= samples[n - window]
            squares -= samples[n - window] ** 2
        total += sample
        squares += sample**2
    return alarms


@given(st.lists(SECONDS, max_size=RULE.least + RULE.recent - 1))
def test_nothing_alarms_before_it_has_learnt(samples):
    """Whatever the first samples are, there is no usual to be slower than."""
    assert turns(samples) == []


@given(st.floats(0.01, 1.0), st.integers(0, 100))
def test_to_become_faster_is_no_spike(factor, seed):
    """Only slower alarms."""
    samples = noise(150, seed=seed) + [factor * s for s in noise(60, seed=seed + 1)]
    assert turns(samples) == []


@settings(max_examples=30)
@given(st.lists(SECONDS, min_size=100, max_size=400))
def test_a_spike_starts_before_it_ends(samples):
    """Turns come in pairs, whatever the samples are."""
    kinds = [turn is Turn.STARTED for _, turn in turns(samples)]
    assert kinds == [n % 2 == 0 for n in range(len(kinds))]


@given(st.floats(1e-3, 1e3), st.integers(0, 20))
def test_the_unit_does_not_matter(scale, seed):
    """Without a floor, seconds and milliseconds alarm at the same samples."""
    samples = noise(120, seed=seed) + [4 * s for s in noise(40, seed=seed + 1)]
    assert turns(samples) == turns([scale * s for s in samples])


@given(st.integers(0, 1000))
def test_what_is_learnt_is_robust(seed):
    """A fifth of the samples a thousandfold moves the centre by less than a sigma."""
    clean = noise(250, seed=seed)
    spoilt = [seconds * (1000 if n % 5 == 0 else 1) for n, seconds in enumerate(clean)]
    assert abs(learn(spoilt, RULE).centre - learn(clean, RULE).centre) < 0.3


@given(st.lists(st.floats(0.001, 1.0), min_size=100, max_size=300))
def test_the_short_cut_takes_what_is_no_evidence(samples):
    """With it and without it, the same samples turn."""
    series, found = Series(RULE), []
    for n, seconds in enumerate(samples):
        turn = None if series.calm(seconds) else series.observe(seconds, float(n))
        found += [(n, turn)] if turn is not None else []
    assert found == turns(samples)


def test_most_samples_take_the_short_cut():
    """It is what the watch costs."""
    series, taken = Series(RULE), 0
    for n, seconds in enumerate(noise(2000)):
        calm = series.calm(seconds)
        taken += calm
        if not calm:
            series.observe(seconds, float(n))
    assert taken > 1300


def test_zero_seconds_are_a_sample():
    """A coarse clock says so."""
    series = Series(RULE)
    assert [series.observe(0.0, 0.0) for _ in range(200)] == [None] * 200
