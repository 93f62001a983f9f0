"""Popular keys and next keys: what is learnt, what is forgotten, what is let out."""

import random
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.cache.next_key import FOLLOWERS, NextKeys
from ava.cache.popularity import Popularity
from ava.clock import ManualClock


def nothing(_key):
    """Hold no key."""
    return False


def replay(model, keys, held=nothing):
    """Show the keys in turn; return what was suggested after each."""
    return [model.saw(key, held) for key in keys]


def test_a_loop_is_learnt_and_each_key_suggests_the_next():
    """After enough right guesses the gate opens and every suggestion is the key that comes."""
    model = NextKeys()
    keys = list(islice(cycle([f"k{n}" for n in range(50)]), 1000))
    suggested = replay(model, keys)
    assert suggested[:100] == [()] * 100
    assert [s[0] for s in suggested[-51:-1]] == keys[-50:]
    assert model.stats().on
    assert model.stats().precision > 0.95


def test_a_stream_without_order_suggests_nothing():
    """Chance followers are wrong too often to be let out."""
    rng = random.Random(7)
    model = NextKeys(confidence=0.2)
    suggested = replay(model, [f"k{rng.randrange(100)}" for _ in range(5000)])
    assert suggested == [()] * 5000
    assert model.stats().judged > 100
    assert not model.stats().on


def test_the_gate_closes_when_the_order_ends():
    """What was learnt from a loop is withdrawn once it is wrong."""
    rng = random.Random(7)
    model = NextKeys()
    names = [f"k{n}" for n in range(50)]
    replay(model, islice(cycle(names), 1000))
    assert model.stats().on
    replay(model, rng.choices([*names, *(f"other{n}" for n in range(1000))], k=3000))
    assert not model.stats().on


def test_what_is_held_is_not_suggested_and_earns_no_credit():
    """A model must not shine by expecting what is cached anyway."""
    model = NextKeys()
    keys = list(islice(cycle("abcdefgh"), 500))
    assert replay(model, keys, held=lambda _key: True) == [()] * 500
    assert model.stats().judged == 0


def test_a_suggestion_counts_as_right_only_within_the_horizon():
    """B follows A at once, but in this stream it comes after the horizon as well as before."""
    model = NextKeys(horizon=2, memory=1, precision=0.5)
    replay(model, ["a", "b", "x", "a", "b", "x", "a"])
    before = model.stats()
    replay(model, ["y", "z", "v"])
    assert model.stats().judged > before.judged
    assert model.stats().right == before.right


def test_streams_do_not_follow_from_one_another():
    """Two people's sequences, interleaved at random, are each learnt."""
    rng = random.Random(3)
    sequences = {"ann": cycle("abcdefghij"), "bob": cycle("klmnopqrst")}
    apart, mixed = NextKeys(), NextKeys()
    for _ in range(5000):
        who = rng.choice(["ann", "bob"])
        key = next(sequences[who])
        apart.saw(key, nothing, who)
        mixed.saw(key, nothing)
    assert apart.stats().precision > 0.9
    assert mixed.stats().precision < apart.stats().precision


def test_a_changed_habit_is_learnt_anew():
    """Counts fade, so a new follower takes over from an old one."""
    model = NextKeys(precision=0.1, memory=1)
    replay(model, ["a", "b", "c"] * 100)
    replay(model, ["a", "d", "c"] * 100)
    assert replay(model, ["a"]) == [("d",)]


@given(
    st.lists(st.integers(0, 60), max_size=400),
    st.integers(1, 8),
    st.integers(1, 5),
    st.integers(1, 4),
)
def test_memory_is_bounded_whatever_is_asked_for(keys, most, horizon, streams):
    """Keys, followers, streams and open suggestions keep their limits."""
    model = NextKeys(keys=most, horizon=horizon, streams=streams, precision=0.1)
    for n, key in enumerate(keys):
        model.saw(str(key), nothing, str(n % 7))
        assert len(model._habits) <= most
        assert len(model._last) <= streams
        assert all(len(habit.counts) <= FOLLOWERS for habit in model._habits.values())
        assert len(model._pending) <= len(model._deadlines) <= FOLLOWERS * (horizon + 1)


def test_the_figures_add_up():
    """No more is right than judged, and what is given out was suggested."""
    model = NextKeys()
    given_out = sum(map(len, replay(model, islice(cycle("abcdefghijklm"), 800))))
    stats = model.stats()
    assert stats.given == given_out > 0
    assert 0 < stats.right <= stats.judged


@pytest.mark.parametrize(
    "wrong", [{"keys": 0}, {"horizon": 0}, {"confidence": 0}, {"precision": 2}]
)
def test_a_model_that_cannot_learn_is_refused(wrong):
    """Nonsense is said at once."""
    with pytest.raises(ValueError, match=r"learnt|shares"):
        NextKeys(**wrong)


async def popular(requests, *, gap_s=1.0, **how):
    """Return what is popular after the requests, `gap_s` apart, and the clock."""
    clock = ManualClock()
    counted = Popularity(clock=clock, **how)
    for key in requests:
        counted.saw(key)
        await clock.advance(gap_s)
    return counted, clock


@pytest.mark.anyio
async def test_the_most_asked_for_come_first():
    """Three a, two b, one c."""
    counted, _ = await popular("abcaba", gap_s=0.0)
    assert counted.top(2) == [("a", 3.0), ("b", 2.0)]


@pytest.mark.anyio
async def test_a_count_halves_in_its_half_life():
    """Four requests, two half-lives ago, count as one."""
    counted, clock = await popular("aaaa", gap_s=0.0, half_life_s=60)
    await clock.advance(120)
    assert counted.top(1) == [("a", pytest.approx(1.0))]


@pytest.mark.anyio
async def test_todays_favourite_overtakes_yesterdays():
    """One request now outweighs a hundred of ten half-lives ago."""
    counted, clock = await popular("a" * 100, gap_s=0.0, half_life_s=60)
    await clock.advance(600)
    counted.saw("b")
    assert [key for key, _ in counted.top(2)] == ["b", "a"]


@pytest.mark.anyio
async def test_a_crowd_of_strangers_does_not_push_out_the_popular():
    """Memory stays under twice the capacity, and what is asked for often is in it."""
    keys = [key for n in range(500) for key in (f"once{n}", "often")]
    counted, _ = await popular(keys, gap_s=0.0, capacity=10)
    assert len(counted) < 20
    assert counted.top(1) == [("often", 500.0)]


@pytest.mark.anyio
async def test_years_of_running_do_not_overflow():
    """After ten thousand half-lives counts are still counts."""
    counted, clock = await popular("a", half_life_s=1.0)
    for _ in range(50):
        await clock.advance(200)
        counted.saw("b")
    assert counted.top(1)[0] == ("b", pytest.approx(1.0))


@pytest.mark.parametrize("wrong", [{"capacity": 0}, {"half_life_s": 0}])
def test_counts_without_room_or_time_are_refused(wrong):
    """Nonsense is said at once."""
    with pytest.raises(ValueError, match="above 0"):
        Popularity(**wrong)
