"""What stays when the cache is full: scans, loops, recency and popularity, weights, ageing."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.cache.eviction import Entry, Eviction
from ava.cache.memory import MISSING, MemoryCache


def hits(keys, capacity):
    """Replay `keys` as a caller does: look up, and put what is missing."""
    cache, got = MemoryCache(max_items=capacity, ttl_s=1e9), 0
    for key in map(str, keys):
        if cache.peek(key) is not MISSING:
            got += 1
        else:
            cache.put(key, key)
    return got


def test_a_scan_does_not_flush_what_is_popular():
    """Ten keys asked for again and again survive a thousand asked for once."""
    popular = [f"p{n}" for n in range(10)]
    keys = popular * 5 + [f"s{n}" for n in range(1000)] + popular
    assert hits(keys, 100) == 5 * 10


@pytest.mark.parametrize(
    ("keys", "share"),
    [(110, 0.8), (120, 0.75), (130, 0.65), (150, 0.55), (170, 0.45), (200, 0.4), (300, 0.2)],
)
def test_a_loop_larger_than_the_cache_keeps_hitting(keys, share):
    """LRU would hit nothing; of what could be hit with room for a hundred, most is.

    The keys that have no room return soon, which must not be taken for a want of a window.
    """
    loop = list(range(keys)) * 100
    assert hits(loop, 100) > share * len(loop)


def test_keys_asked_for_twice_shortly_after_are_hit():
    """The window grows to the distance of 60 keys that this traffic needs, and hits nearly half."""
    keys = [key for n in range(20_000) for key in (n, n - 30)]
    assert hits(keys, 100) > 0.45 * len(keys)


@pytest.mark.parametrize("apart", [30, 48])
def test_a_border_moved_by_one_traffic_is_moved_back_by_another(apart):
    """After traffic that wants a window, even of the whole cache, a loop is hit as if alone."""
    recent = [key for n in range(20_000) for key in (n, n - apart)]
    loop = [f"l{n}" for n in range(150)] * 100
    assert hits(recent + loop, 100) - hits(recent, 100) > 0.8 * hits(loop, 100)


def test_old_fame_fades():
    """Keys asked for hundreds of times long ago do not keep a later loop out of the main space."""
    famous = [f"f{n}" for n in range(100)] * 300
    passing = list(range(5000))
    loop = [f"l{n}" for n in range(150)] * 100
    before = hits(famous + passing, 100)
    assert hits(famous + passing + loop, 100) - before > 0.8 * hits(loop, 100)


def test_a_key_that_returns_is_known():
    """Asked for between scans of twice the cache, it is admitted for what it was."""
    keys, scanned = [], 0
    for _ in range(30):
        keys += [*(f"s{scanned + n}" for n in range(200)), "k"]
        scanned += 200
    assert hits(keys, 100) >= 25


_FIGURE = """
import random
from ava.cache.memory import MISSING, MemoryCache
rng, cache = random.Random(7), MemoryCache(max_items=50)
for _ in range(5000):
    key = str(int(rng.paretovariate(0.4)))
    if cache.peek(key) is MISSING:
        cache.put(key, key)
print(cache.stats().hits)
"""


def test_hit_ratios_do_not_depend_on_the_process():
    """Two processes that hash strings differently count the same hits."""
    counted = [
        subprocess.run(
            [sys.executable, "-c", _FIGURE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert counted[0] == counted[1]
    assert 1000 < int(counted[0]) < 4500


def entries(order, weights):
    made = [Entry(str(n), None, 1.0, 1.0, weight) for n, weight in enumerate(weights)]
    for entry in made:
        order.add(entry)
    return made


def test_a_large_entry_must_be_worth_the_small_ones_it_displaces():
    """Asked for thrice, but of weight ten, it leaves before one of weight one asked for once."""
    order = Eviction()
    made = entries(order, [1] * 9 + [10])
    made[9].credit = 3
    assert order.evict() is made[9]


def test_an_even_match_keeps_what_is_held():
    """The newcomer must be asked for more often, not as often."""
    order = Eviction()
    made = entries(order, [1] * 10)
    assert order.evict() is made[9]


def test_a_hit_gives_a_second_chance():
    """The oldest was asked for since, so the next one goes for a popular newcomer."""
    order = Eviction()
    made = entries(order, [1] * 10)
    made[9].credit = 5
    made[0].asked += 1
    assert order.evict() is made[1]
    assert len(order) == 9


@given(st.lists(st.integers(0, 3), max_size=200))
def test_every_entry_stands_in_one_queue_until_it_leaves(steps):
    """Adding, asking, removing and evicting in any order: none is lost, none is evicted twice."""
    order, held, made = Eviction(), [], 0
    for step in steps:
        if step == 0 or not held:
            entry = Entry(str(made % 20), None, 1.0, 1.0)
            made += 1
            order.add(entry)
            held.append(entry)
        elif step == 1:
            held[made % len(held)].asked += 1
        elif step == 2:
            entry = held.pop(made % len(held))
            entry.queue.remove(entry)
        else:
            held.remove(order.evict())
        assert len(order) == len(held)
    while held:
        held.remove(order.evict())
    assert len(order) == 0


@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_the_smallest_caches_work(capacity):
    """One key asked for again and again is hit in a cache of any size."""
    assert hits([1] * 10, capacity) == 9
    assert hits(list(range(50)), capacity) == 0
