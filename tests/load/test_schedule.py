"""Tests of the schedule and of what each arrival asks."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from perf.load.scenario import CONSTANT, POISSON, Ask, Phase, Scenario
from perf.load.schedule import Arrival, arrivals, offsets, picker, share


def ask(random: Random, at_s: float) -> Ask:
    """Ask something that shows both sources of choice."""
    return Ask(f"{random.random()}", f"/{at_s}")


def scenario(seed=1, arrivals=POISSON, rate=50.0) -> Scenario:
    """Return two phases, the second with a warm-up."""
    phases = (Phase("one", 2, rate, arrivals), Phase("two", 3, 2 * rate, arrivals, warmup_s=1))
    return Scenario("s", "s", phases, ask, seed=seed)


@given(st.integers(1, 5), st.integers(0, 10), st.sampled_from([POISSON, CONSTANT]))
def test_workers_share_one_schedule(workers, seed, kind):
    """What n workers send is what one would have sent, each arrival once."""
    whole = list(arrivals(scenario(seed, kind)))
    parts = [list(share(arrivals(scenario(seed, kind)), k, workers)) for k in range(workers)]
    assert sorted((one for part in parts for one in part), key=lambda one: one.index) == whole
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_arrivals_are_in_order_and_in_their_phase():
    """Due times ascend and lie within the phase that they carry."""
    whole = list(arrivals(scenario()))
    assert all(a.due_s <= b.due_s for a, b in pairwise(whole))
    assert all((one.phase == "two") == (one.due_s >= 2) for one in whole)
    assert {one.due_s < 5 for one in whole} == {True}


def test_the_warmup_is_cut_by_the_due_time():
    """Arrivals of a phase's first second are its warm-up, and no others."""
    assert all(one.warmup == (2 <= one.due_s < 3) for one in arrivals(scenario()))


def test_constant_arrivals_come_evenly_without_drifting():
    """The last of a long phase is where multiplication puts it, not the sum of roundings."""
    due = list(offsets(Phase("long", 1000, 30, CONSTANT), "x"))
    assert len(due) == 30_000
    assert due[-1] == 29_999 / 30


def test_poisson_arrivals_have_the_rate_and_the_spread_of_independent_users():
    """Gaps are exponential: their mean is 1/rate and their deviation equals it (within 5 sigma)."""
    due = list(offsets(Phase("long", 400, 50, POISSON), "seed"))
    gaps = [b - a for a, b in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert abs(len(due) - 20_000) < 5 * 20_000**0.5
    assert abs(deviation / mean - 1) < 0.05


def test_a_seed_is_a_schedule():
    """The same seed repeats a schedule exactly, another makes another."""
    assert list(arrivals(scenario(3))) == list(arrivals(scenario(3)))
    assert list(arrivals(scenario(3))) != list(arrivals(scenario(4)))


def test_an_arrival_asks_the_same_whoever_sends_it():
    """What is asked depends on the arrival alone, not on those picked before it."""
    one, other = Arrival(7, "one", 0.5, warmup=False), Arrival(8, "one", 0.6, warmup=False)
    first, second = picker(scenario()), picker(scenario())
    second.pick(other)
    assert first.pick(one) == second.pick(one)
    assert first.pick(one) != first.pick(other)


def test_another_seed_asks_for_other_things():
    """The seed reaches what is asked, not only when."""
    one = Arrival(7, "one", 0.5, warmup=False)
    assert picker(scenario(1)).pick(one) != picker(scenario(2)).pick(one)
