"""The memory cache against a model, for any sequence of calls, and against a flood of keys."""

import random

from hypothesis import given
from hypothesis import strategies as st

from ava.cache.memory import MISSING, MemoryCache


class Hand:
    """A clock that synchronous tests set."""

    def __init__(self):
        self.at = 0.0

    def monotonic(self):
        return self.at


KEYS = st.sampled_from([f"k{number}" for number in range(12)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("peek"), KEYS),
        st.tuples(st.just("put"), KEYS, st.integers(0, 9), st.integers(1, 20)),
        st.tuples(st.just("discard"), KEYS),
        st.tuples(st.just("wait"), st.integers(1, 8)),
        st.tuples(st.just("clear")),
    ),
    max_size=150,
)


@given(STEPS, st.integers(1, 8), st.integers(5, 30))
def test_it_holds_nothing_but_what_was_put_and_never_too_much(steps, items, size):
    """Any sequence: within both bounds, every hit is the last value put and fresh, counts add up.

    The model is a dictionary of what was put last and until when.
    """
    clock, model, asked = Hand(), {}, 0
    cache = MemoryCache(max_items=items, max_bytes=size, weigh=lambda v: v, clock=clock)
    for verb, *rest in steps:
        if verb == "put":
            key, value, ttl = rest
            cache.put(key, value, ttl)
            model[key] = (value, clock.at + ttl)
        elif verb == "discard":
            cache.discard(rest[0])
            model.pop(rest[0], None)
        elif verb == "wait":
            clock.at += rest[0]
        elif verb == "clear":
            cache.clear()
            model.clear()
        else:
            asked += 1
            got = cache.peek(rest[0])
            value, until = model.get(rest[0], (MISSING, 0))
            assert got is MISSING or (got == value and clock.at < until)
        stats = cache.stats()
        assert len(cache) == stats.items <= items
        held = map(cache.entry, cache.keys())
        assert sum(entry.value for entry in held) <= stats.bytes <= size
        assert stats.hits + stats.misses == asked
    assert cache.stats().bytes == sum(entry.weight for entry in cache._ring)


@given(STEPS)
def test_with_room_for_all_it_is_a_dictionary_with_expiry(steps):
    """What was put and neither discarded nor expired is returned."""
    clock, model = Hand(), {}
    cache = MemoryCache(max_items=100, clock=clock)
    for verb, *rest in steps:
        if verb == "put":
            key, value, ttl = rest
            cache.put(key, value, ttl)
            model[key] = (value, clock.at + ttl)
        elif verb == "discard":
            held = rest[0] in model and clock.at < model.pop(rest[0])[1]
            assert cache.discard(rest[0]) == held
        elif verb == "wait":
            clock.at += rest[0]
        elif verb == "clear":
            cache.clear()
            model.clear()
        else:
            value, until = model.get(rest[0], (MISSING, 0))
            assert cache.peek(rest[0]) == (value if clock.at < until else MISSING)
    assert sorted(cache.keys()) == sorted(k for k, (_, until) in model.items() if clock.at < until)


def test_many_distinct_keys_leave_nothing_behind():
    """After a hundred thousand keys, no part of the cache has grown with their number."""
    cache = MemoryCache(max_items=100)
    rng = random.Random(1)
    for _ in range(100_000):
        key = str(rng.randrange(10**9))
        cache.peek(key)
        cache.put(key, 1)
    order = cache._eviction
    assert len(cache) == len(cache._ring) == len(order) == 100
    assert len(order._past._words) <= 1024
