"""Look-ups of many symbols: asked for together, kept one by one, failures apart."""

import asyncio

import pytest

from ava.cache.keep import Keep
from ava.clock import ManualClock
from ava.core import Core
from ava.errors import NotFoundError, OutageError
from ava.providers.asking import Partial
from ava.services.by_symbol import Gathering, look_up
from ava.settings import Settings

pytestmark = pytest.mark.anyio

KEEP = Keep(300, negative_s=60, jitter=0.0, tags=("t",))


@pytest.fixture
async def core():
    """A platform without anything outside."""
    clock = ManualClock()
    async with Core.open(Settings(), clock=clock) as opened:
        yield opened


class Source:
    """Answers names with their lengths; those in `fails` with their errors."""

    def __init__(self):
        self.asked = []
        self.fails = {}
        self.unknown = set()

    async def __call__(self, names):
        self.asked.append(names)
        await asyncio.sleep(0)
        errors = {name: error for name, error in self.fails.items() if name in names}
        rest = [n for n in names if n not in errors and n not in self.unknown]
        return Partial({name: len(name) for name in rest}, errors)


def look(core, source, *names):
    return look_up(core, {n: f"n:{n}" for n in names}, source, kind=int, keep=KEEP)


async def test_what_is_missing_is_asked_for_at_once(core):
    """One call for all; the answers are in the order asked."""
    source = Source()
    found = await look(core, source, "bb", "a", "ccc")
    assert source.asked == [("bb", "a", "ccc")]
    assert {n: f.value for n, f in found.values.items()} == {"bb": 2, "a": 1, "ccc": 3}
    assert list(found.values) == ["bb", "a", "ccc"]
    assert found.whole().fresh_s == 300


async def test_each_symbol_is_kept_by_itself(core):
    """Another selection asks for what is new in it."""
    source = Source()
    await look(core, source, "a", "bb")
    await look(core, source, "bb", "ccc")
    assert source.asked == [("a", "bb"), ("ccc",)]


async def test_one_failure_is_one_symbols(core):
    """The others are answered and kept; the failed one is asked for again."""
    source = Source()
    source.fails["bb"] = OutageError("down", provider="p")
    found = await look(core, source, "a", "bb")
    assert ([*found.values], found.errors) == (["a"], source.fails)
    assert found.whole().fresh_s == 0.0
    source.fails = {}
    assert [*(await look(core, source, "a", "bb")).values] == ["a", "bb"]
    assert source.asked[-1] == ("bb",)


async def test_an_unknown_symbol_is_remembered_as_such(core):
    """It is an answer, for a minute."""
    source = Source()
    source.unknown.add("zz")
    for _ in range(2):
        found = await look(core, source, "a", "zz")
        assert isinstance(found.errors["zz"], NotFoundError)
    assert source.asked == [("a", "zz")]


async def test_what_all_share_is_raised(core):
    """An outage says more than a symbol that is not known."""
    source = Source()
    source.unknown.add("zz")
    source.fails["bb"] = OutageError("down", provider="p")
    found = await look(core, source, "zz", "bb")
    with pytest.raises(OutageError):
        found.by_symbol()


async def test_callers_at_the_same_time_share_one_batch(core):
    """A hundred requests for two symbols are one call."""
    source = Source()
    found = await asyncio.gather(*(look(core, source, "a", "bb") for _ in range(100)))
    assert source.asked == [("a", "bb")]
    assert all({n: f.value for n, f in one.values.items()} == {"a": 1, "bb": 2} for one in found)


async def test_an_error_nobody_expected_is_raised(core):
    """It is a fault of ours, and no symbol's."""

    async def broken(_names):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await look(core, broken, "a", "bb")


async def test_a_gathering_does_not_wait_for_all():
    """Of three look-ups one is answered elsewhere and late; the two that miss are asked for."""
    source = Source()
    gathering = Gathering(3, source)
    assert await asyncio.gather(gathering.of("a"), gathering.of("bb")) == [1, 2]
    assert source.asked == [("a", "bb")]
    assert await gathering.of("ccc") == 3
    assert source.asked[1:] == [("ccc",)]


@pytest.mark.parametrize("turns", range(6))
async def test_a_caller_who_leaves_takes_nobody_along(core, turns):
    """Cancelled at any await, it leaves the other with an answer."""
    source = Source()
    leaving = asyncio.create_task(look(core, source, "a", "bb"))
    staying = asyncio.create_task(look(core, source, "a", "bb"))
    for _ in range(turns):
        await asyncio.sleep(0)
    leaving.cancel()
    found = await staying
    assert {n: f.value for n, f in found.values.items()} == {"a": 1, "bb": 2}
