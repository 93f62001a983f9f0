"""The reference policies: against the obvious, the papers' examples, and each other."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.lab.policies import replay
from perf.lab.policies.optimum import optimum
from perf.lab.policies.recency import Lru, S3Fifo, Sieve
from perf.lab.policies.tinylfu import WTinyLfu

POLICIES = {
    "lru": Lru,
    "sieve": Sieve,
    "s3-fifo": S3Fifo,
    "w-tinylfu": WTinyLfu,
    "adaptive": lambda capacity: WTinyLfu(capacity, adaptive=True),
}
TRACES = st.lists(st.integers(0, 9), max_size=80)
ROOM = st.integers(1, 6)


def best_of_all(keys, capacity):
    """Return the most hits there can be, by trying everything that may be held after each."""
    states = {frozenset(): 0}
    for key in keys:
        after = {}
        for held, hits in states.items():
            now = held | {key}
            got = hits + (key in held)
            kept = [now] if len(now) <= capacity else [now - {out} for out in now]
            for each in kept:
                after[each] = max(after.get(each, 0), got)
        states = after
    return max(states.values())


def sieve_by_list(keys, capacity):
    """Replay SIEVE on a plain list, oldest first, as its paper's figure tells it."""
    queue, visited, hand, hits = [], set(), 0, 0
    for key in keys:
        if key in queue:
            visited.add(key)
            hits += 1
            continue
        if len(queue) == capacity:
            hand %= len(queue)
            while queue[hand] in visited:
                visited.discard(queue[hand])
                hand = (hand + 1) % len(queue)
            del queue[hand]
            hand = 0 if hand == len(queue) else hand  # past the newest, before the next comes
        queue.append(key)
    return hits


def lru_by_list(keys, capacity):
    """Replay LRU: a hit is a key among the last so many distinct ones."""
    return sum(
        key in list(dict.fromkeys(reversed(keys[:at])))[:capacity] for at, key in enumerate(keys)
    )


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 3))
def test_the_optimum_is_the_best_there_is(keys, capacity):
    """As many hits as the best of every sequence of choices."""
    assert optimum(keys, capacity) == best_of_all(keys, capacity)


@given(TRACES, ROOM)
def test_lru_is_the_last_distinct_keys(keys, capacity):
    """The same hits as its definition."""
    assert replay(Lru(capacity), keys) == lru_by_list(keys, capacity)


@given(TRACES, ROOM)
def test_sieve_is_a_hand_over_a_list(keys, capacity):
    """The same hits as the figure in its paper, done the slow way."""
    assert replay(Sieve(capacity), keys) == sieve_by_list(keys, capacity)


@pytest.mark.parametrize("name", POLICIES)
@given(keys=TRACES, capacity=ROOM)
def test_no_policy_holds_too_much_or_beats_the_optimum(name, keys, capacity):
    """At each step within the bound; hits are repeats, and no more than can be."""
    policy, seen, hits = POLICIES[name](capacity), set(), 0
    for key in keys:
        hit = policy.request(key)
        assert not hit or key in seen
        seen.add(key)
        hits += hit
        assert len(policy) <= capacity
    assert hits <= optimum(keys, capacity)


@pytest.mark.parametrize("name", POLICIES)
@given(keys=TRACES)
def test_with_room_for_all_every_repeat_is_a_hit(name, keys):
    """Nothing has to go, so all that misses is the first request of each key.

    The small queue of S3-FIFO and the window of W-TinyLFU are no bounds of their own.
    """
    assert replay(POLICIES[name](10), keys) == len(keys) - len(set(keys))


def test_s3_fifo_lets_a_scan_pass():
    """Keys asked for once leave by the small queue; the two asked for again stay."""
    keys = [1, 2] * 3 + list(range(100, 200)) + [1, 2]
    policy = S3Fifo(20)
    replay(policy, keys[:-2])
    assert [policy.request(key) for key in keys[-2:]] == [True, True]
    assert replay(Lru(20), keys) == 4


@pytest.mark.parametrize(("asked", "held"), [(1, False), (2, True)])
def test_s3_fifo_admits_what_was_asked_for_twice_more(asked, held):
    """One hit in the small queue is not enough to pass to the main one."""
    policy = S3Fifo(10)
    replay(policy, ["k"] * (1 + asked) + list(range(30)))
    assert policy.request("k") is held


def test_s3_fifo_spends_one_count_a_round():
    """A key of the main queue that was hit three times survives as many rounds of it."""
    policy = S3Fifo(4)
    policy._main.extend("abcd")
    policy._seen.update(a=3, b=0, c=0, d=0)
    replay(policy, ["w"])
    assert policy._seen == {"a": 2, "c": 0, "d": 0, "w": 0}


def test_s3_fifo_remembers_whom_it_turned_away():
    """A key that returns while it is remembered goes to the main queue, past the small one."""
    policy = S3Fifo(10)
    replay(policy, list(range(11)))  # key 0 has left and is remembered
    assert not policy.request(0)
    replay(policy, list(range(100, 108)))
    assert policy.request(0)


@pytest.mark.parametrize("adaptive", [False, True])
def test_w_tinylfu_holds_a_part_of_a_loop(adaptive):
    """Of a loop over twice the room, LRU hits nothing; admission by frequency keeps a part."""
    keys = list(range(200)) * 9
    assert replay(Lru(100), keys) == 0
    assert replay(WTinyLfu(100, adaptive=adaptive), keys) > 0.4 * len(keys)


def test_the_climber_finds_a_trace_that_wants_a_window():
    """Each key asked for twice, 20 apart: a window of 1 hits nothing, a grown one nearly all."""
    keys = list(itertools.chain.from_iterable((n, n - 20) for n in range(20_000)))
    fixed = replay(WTinyLfu(100), keys)
    assert replay(WTinyLfu(100, adaptive=True), keys) > fixed + 0.25 * len(keys)
