"""Intervals of percentiles hold what they promise, also where a server stalls."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.load.blocks import FEWEST, MOST, Blocks, enclosing_ranks, worth_of
from perf.load.histogram import bounding_ranks
from perf.load.recording import Key, Recording
from perf.load.scenario import p95
from perf.load.thresholds import Seen, measured
from perf.stats import summarise

KEY = Key("steady", "page")
RUN_S, RATE, STALL_S, EVERY_S = 30.0, 60, 1.0, 5.0
RUNS = 120
Stalls = list[float]


def regular(rng: Random) -> Stalls:
    """Return when a server stops that stops each five seconds, from a random moment on."""
    first = rng.uniform(-EVERY_S, 0)
    return [first + EVERY_S * turn for turn in range(8)]


def anywhere(rng: Random) -> Stalls:
    """Return when a server stops that runs for four seconds in the mean, but by chance."""
    stalls = [-20.0]
    while stalls[-1] < RUN_S:
        stalls.append(stalls[-1] + STALL_S + rng.expovariate(1 / (EVERY_S - STALL_S)))
    return stalls


def recorded(rng: Random, stalls: Stalls, run_s: float = RUN_S) -> Recording:
    """Return a run of Poisson arrivals: who comes in a stall waits for its end."""
    made, due_s = Recording(), rng.expovariate(RATE)
    while due_s < run_s:
        waits = [start + STALL_S - due_s for start in stalls if 0 <= due_s - start < STALL_S]
        end_s = due_s + sum(waits) + rng.uniform(0.001, 0.003)
        made.finish(KEY, due_s, due_s, end_s)
        due_s += rng.expovariate(RATE)
    return made


def covered(stopping, q: float, run_s: float = RUN_S) -> tuple[float, float]:
    """Return the share of runs whose interval holds the truth: as it was, and by blocks.

    A fifth of the arrivals wait up to a second, so a share q waits for less than 1 - 5 (1 - q).
    """
    truth_us, hits = 1e6 * (1 - (1 - q) * EVERY_S / STALL_S), [0, 0]
    for seed in range(RUNS):
        rng = Random(seed)
        series = recorded(rng, stopping(rng), run_s).select()
        for way, reading in enumerate((series.response.reading(q), series.reading(q))):
            hits[way] += reading.low <= truth_us <= reading.high + 3000
    return hits[0] / RUNS, hits[1] / RUNS


@pytest.mark.parametrize("q", [0.95, 0.99])
def test_an_interval_by_blocks_holds_the_truth_where_a_server_stalls(q):
    """Of intervals at 95 %, nearly as many are right; of those for independent requests, few."""
    before, after = covered(anywhere, q)
    assert before < 0.85
    assert after >= 0.9


@pytest.mark.parametrize("q", [0.95, 0.99])
def test_stalls_that_do_not_divide_the_run_are_covered_too(q):
    """Stalls every five seconds in a run of 28: five or six of them, as it happens."""
    assert covered(regular, q, 28.0)[1] >= 0.9


def test_independent_requests_lose_little():
    """Without stalls the ranks are those of the binomial in nearly every run."""
    same = 0
    for seed in range(RUNS):
        rng = Random(seed)
        block = [number for number in range(12) for _ in range(200)]
        rng.shuffle(block)
        counts = np.equal.outer(range(12), block).astype(int)
        same += enclosing_ranks(0.95, counts) == bounding_ranks(2400, 0.95)
    assert same >= 0.9 * RUNS


def test_the_worth_is_that_of_the_published_formula():
    """Half the blocks all below, half at 0.9: var = k/(k-1) sum e^2/n^2, worth = n/deff (z/t)^2."""
    below, sizes = np.array([[100]] * 6 + [[90]] * 6), np.array([100] * 12)
    variance = 12 / 11 * 12 * 5**2 / 1200**2
    effect = variance / (0.95 * 0.05 / 1200)
    assert worth_of(below, sizes) == [math.floor(1200 / effect * (1.96 / 2.201) ** 2)]


def test_what_was_never_slow_is_bounded_however_uneven_the_rest():
    """A slow first second among fast ones says nothing of a value that no answer came near."""
    made = Recording()
    for number in range(480):
        due_s = number / 80
        made.finish(KEY, due_s, due_s, due_s + (0.006 if due_s < 1 else 0.002))
    reading = made.select().reading(0.95)
    assert (reading.estimate, reading.high) == pytest.approx((6000, 6000), rel=0.01)


def test_with_too_few_blocks_there_is_no_interval():
    """Neither side is bounded by what came within five seconds."""
    series = recorded(Random(1), [], run_s=FEWEST - 1.0).select()
    assert (series.reading(0.5).low, series.reading(0.5).high) == (-math.inf, math.inf)


def test_a_measurement_keeps_what_its_interval_needs():
    """The interval of a threshold's measurement is the one of the recording."""
    made = recorded(Random(3), anywhere(Random(3)))
    reading = made.select().reading(0.95)
    found = summarise(measured(p95(100), Seen([], made)), seed="any")
    ends = [found.estimate, found.low, found.high]
    assert ends == pytest.approx(
        [us / 1000 for us in (reading.estimate, reading.low, reading.high)]
    )


def test_a_long_run_is_kept_in_few_blocks():
    """An hour is held in stretches of about a minute, and nothing of it is lost."""
    made = Blocks()
    for second in range(3600):
        made.record(second, 1000.0)
    assert (made.width_s, len(made.parts)) == (64, 57)
    assert sum(part.n for part in made.grouped()) == 3600
    assert len(made.grouped()) == MOST


@given(st.lists(st.integers(0, 2000), max_size=600), st.lists(st.integers(0, 2000), max_size=600))
def test_blocks_of_different_width_add_up(some, others):
    """Whatever the widths, the sum counts all and comes back from JSON as it was."""
    one, two = Blocks(), Blocks()
    for blocks, seconds in ((one, some), (two, others)):
        for second in seconds:
            blocks.record(second, 5.0)
    one.add(two)
    assert sum(part.n for part in one.parts.values()) == len(some) + len(others)
    assert Blocks.from_json(one.to_json()) == one
