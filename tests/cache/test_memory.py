"""The memory cache: what it holds, for how long, within which bounds, and what it counts."""

import pytest

from ava.cache.memory import MISSING, MemoryCache
from ava.clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def cache(clock):
    return MemoryCache(clock=clock)


async def test_a_value_put_is_got(cache):
    """By either face, and None is a value like another."""
    cache.put("k", None)
    assert await cache.get("k", "default") is None
    assert cache.peek("k") is None


async def test_what_is_not_there_is_missing(cache):
    """The coroutine gives the default, the other face MISSING."""
    assert await cache.get("k") is None
    assert await cache.get("k", 7) == 7
    assert cache.peek("k") is MISSING


def test_missing_is_falsy_and_says_its_name():
    """It reads well in a condition and in a log."""
    assert not MISSING
    assert repr(MISSING) == "MISSING"


async def test_an_entry_expires_at_its_time(cache, clock):
    """It is served up to the last moment, and not at its end."""
    cache.put("k", 1, ttl_s=10)
    await clock.advance(9.99)
    assert await cache.get("k") == 1
    await clock.advance(0.01)
    assert await cache.get("k") is None
    assert len(cache) == 0
    assert cache.stats().expirations == 1


async def test_a_stale_entry_is_a_miss_that_can_still_be_used(cache, clock):
    """Between the two times the entry is there for those who ask for it, and counts nothing."""
    cache.put("k", 1, ttl_s=10, stale_s=5)
    await clock.advance(12)
    assert cache.peek("k") is MISSING
    held = cache.entry("k")
    assert (held.value, held.fresh_until, held.usable_until) == (1, 10, 15)
    await clock.advance(3)
    assert cache.entry("k") is None
    assert (cache.stats().hits, cache.stats().misses) == (0, 1)


async def test_putting_again_replaces_value_and_times(cache, clock):
    """The later put counts, also where it is shorter."""
    cache.put("k", 1, ttl_s=100)
    cache.put("k", 2, ttl_s=5)
    assert len(cache) == 1
    assert await cache.get("k") == 2
    await clock.advance(5)
    assert await cache.get("k") is None


async def test_the_expired_go_without_being_asked_for(clock):
    """Each store looks at two entries, so what nobody asks for does not stay."""
    cache = MemoryCache(ttl_s=10, clock=clock)
    for number in range(100):
        cache.put(f"old{number}", number)
    await clock.advance(10)
    for number in range(100):
        cache.put(f"new{number}", number)
    assert sorted(cache.keys()) == sorted(f"new{number}" for number in range(100))
    assert len(cache) == 100
    assert cache.stats().expirations == 100


async def test_discarding_forgets(cache, clock):
    """It says what was held; what has expired was not."""
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("c", 3, ttl_s=1)
    await clock.advance(1)
    assert cache.discard("a") is True
    assert cache.discard("a") is False
    assert cache.discard_many(["a", "b", "c"]) == 1
    assert len(cache) == 0


async def test_clearing_forgets_all_but_the_counts(cache):
    """Also the bytes are given back."""
    cache = MemoryCache(max_bytes=10, weigh=len)
    cache.put("k", "value")
    await cache.get("k")
    cache.clear()
    stats = cache.stats()
    assert (stats.hits, stats.items, stats.bytes) == (1, 0, 0)
    assert cache.keys() == []
    cache.put("k", "again")
    assert cache.peek("k") == "again"


def test_a_new_value_is_always_held():
    """Whatever has to go for it: the caller who just put it finds it."""
    cache = MemoryCache(max_items=3)
    for number in range(100):
        cache.put("popular", 0)
        cache.peek("popular")
        cache.put(str(number), number)
        assert cache.peek(str(number)) == number


def test_what_is_too_large_is_refused():
    """It is counted, nothing makes way for it, and the older value it replaces is gone."""
    cache = MemoryCache(max_bytes=10, weigh=len)
    cache.put("a", "12345")
    cache.put("b", "1234")
    cache.put("b", "12345678901")
    assert cache.keys() == ["a"]
    stats = cache.stats()
    assert (stats.refused, stats.evictions, stats.bytes) == (1, 0, 5)


def test_what_is_just_as_large_as_the_cache_is_held():
    """Everything else makes way for it."""
    cache = MemoryCache(max_bytes=10, weigh=len)
    cache.put("a", "1")
    cache.put("b", "1234567890")
    assert cache.keys() == ["b"]


def test_a_value_that_grows_makes_others_go():
    """The bound on bytes holds for replacements too, and the grown value stays."""
    cache = MemoryCache(max_bytes=10, weigh=len)
    cache.put("a", "12345")
    cache.put("b", "12345")
    cache.put("b", "123456789")
    assert cache.keys() == ["b"]
    assert cache.stats().bytes == 9


def test_bytes_are_unknown_without_a_weigher():
    """Not zero."""
    assert MemoryCache().stats().bytes is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_items": 0},
        {"max_bytes": 0, "weigh": len},
        {"max_bytes": 5},
        {"weigh": len},
        {"ttl_s": 0},
        {"ttl_s": float("nan")},
    ],
)
def test_senseless_bounds_are_refused(wrong):
    """A cache that could hold nothing, or not know what it holds, is a mistake."""
    with pytest.raises(ValueError, match=r"positive|together"):
        MemoryCache(**wrong)


@pytest.mark.parametrize("wrong", [{"ttl_s": 0}, {"ttl_s": -1}, {"stale_s": -1}])
def test_a_refused_put_changes_nothing(cache, wrong):
    """The value held before is still there."""
    cache.put("k", 1)
    with pytest.raises(ValueError, match=r"positive|negative"):
        cache.put("k", 2, **wrong)
    assert cache.peek("k") == 1


def test_a_failing_weigher_changes_nothing():
    """Its error is the caller's, and the cache is as before."""
    cache = MemoryCache(max_bytes=10, weigh=len)
    cache.put("k", "v")
    with pytest.raises(TypeError):
        cache.put("k", 5)
    assert cache.peek("k") == "v"
    assert cache.stats().bytes == 1


def test_without_bounds_everything_is_held():
    """None lifts the bound."""
    cache = MemoryCache(max_items=None)
    for number in range(20_000):
        cache.put(str(number), number)
    assert len(cache) == 20_000
    assert cache.stats().evictions == 0
