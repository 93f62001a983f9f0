"""Look-ups that share calls: what goes when, who is told what, and who disturbs nobody."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.clock import ManualClock
from ava.errors import DeadlineError, OutageError
from ava.net.deadline import left_s, within
from ava.services.joined import Joined, Pile

pytestmark = pytest.mark.anyio


class Provider:
    """Answers names with their lengths when told to; those in `fails` fail their call."""

    def __init__(self):
        self.asked = []
        self.ended = []
        self.cancelled = []
        self.fails = {}
        self.unknown = set()

    async def __call__(self, names):
        self.asked.append(names)
        end = asyncio.get_running_loop().create_future()
        self.ended.append(end)
        try:
            await end
        except asyncio.CancelledError:
            self.cancelled.append(names)
            raise
        for name in names:
            if name in self.fails:
                raise self.fails[name]
        return {name: len(name) for name in names if name not in self.unknown}

    async def answer(self, call=-1):
        """Let a call end, the last one unless said otherwise."""
        self.ended[call].set_result(None)
        await settle()


async def settle():
    """Let everybody run until they wait."""
    for _ in range(8):
        await asyncio.sleep(0)


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
async def joined(provider):
    """Look-ups at that provider, three names a call."""
    return Joined(provider, size=3, provider="p", clock=ManualClock())


@pytest.fixture
async def look(joined):
    """Start a look-up, and let it get as far as it can; those left over are ended."""
    started = []

    async def start(*names):
        started.append(asyncio.create_task(joined.ask(names)))
        await settle()
        return started[-1]

    yield start
    for task in started:
        task.cancel()
    await asyncio.gather(*started, return_exceptions=True)


async def test_a_lone_look_up_goes_at_once(look, provider):
    """Nothing is waited for but the provider."""
    one = await look("a")
    assert provider.asked == [("a",)]
    await provider.answer()
    assert one.result().values == {"a": 1}


async def test_what_comes_meanwhile_goes_together(look, provider):
    """Two who came during a call share the next, which begins when that one ends."""
    await look("a")
    askers = [await look("bb"), await look("c")]
    assert provider.asked == [("a",)]
    await provider.answer()
    assert provider.asked[1:] == [("bb", "c")]
    await provider.answer()
    assert [asker.result().values for asker in askers] == [{"bb": 2}, {"c": 1}]


async def test_who_asks_in_the_same_turn_comes_along(joined, provider):
    """Of five at once three fill a call, and the others follow beside it."""
    askers = [asyncio.create_task(joined.ask((name,))) for name in "abcde"]
    await settle()
    assert provider.asked == [("a", "b", "c"), ("d", "e")]
    for end in provider.ended:
        end.set_result(None)
    assert [(await asker).values for asker in askers] == [{name: 1} for name in "abcde"]


async def test_a_whole_call_waits_for_nobody(look, provider):
    """Waiting would not make it any larger."""
    await look("a")
    for name in "bcde":
        await look(name)
    assert provider.asked == [("a",), ("b", "c", "d")]
    await provider.answer(0)
    assert provider.asked[2:] == [("e",)]


async def test_one_name_is_asked_for_once(look, provider):
    """However many wait for it."""
    await look("a")
    askers = [await look("b"), await look("b", "c")]
    await provider.answer()
    assert provider.asked[1:] == [("b", "c")]
    await provider.answer()
    assert [asker.result().values for asker in askers] == [{"b": 1}, {"b": 1, "c": 1}]


async def test_a_failure_is_told_to_those_in_the_call(look, provider):
    """Each of them, and nobody else; who asked for more has the rest."""
    provider.fails["d"] = OutageError("down", provider="p")
    askers = [await look("a", "b", "c", "d"), await look("e"), await look("f")]
    for call in (0, 1, 2):
        await provider.answer(call)
    assert provider.asked == [("a", "b", "c"), ("d",), ("e", "f")]
    found = [asker.result() for asker in askers]
    assert found[0].errors == provider.fails
    assert [one.values for one in found] == [{"a": 1, "b": 1, "c": 1}, {"e": 1}, {"f": 1}]


async def test_what_a_provider_does_not_know_is_no_failure(look, provider):
    """It is in neither: the asker decides what that means."""
    provider.unknown.add("zz")
    one = await look("a", "zz")
    await provider.answer()
    assert (one.result().values, one.result().errors) == ({"a": 1}, {})


async def test_an_error_nobody_expected_is_raised_to_all(look, provider):
    """It is a fault of ours, and the next call is made all the same."""
    provider.fails["a"] = ZeroDivisionError()
    one, other = await look("a"), await look("b")
    await provider.answer()
    assert isinstance(one.exception(), ZeroDivisionError)
    await provider.answer()
    assert other.result().values == {"b": 1}


async def test_who_leaves_while_waiting_is_not_asked_for(look, provider):
    """Unless another waits for the same name."""
    await look("a")
    leaving, staying = await look("b", "c"), await look("c")
    leaving.cancel()
    await settle()
    await provider.answer()
    assert provider.asked[1:] == [("c",)]
    await provider.answer()
    assert staying.result().values == {"c": 1}


async def test_a_call_goes_on_for_who_stays(look, provider):
    """It ends with the last who leaves, and then the next begins."""
    await look("a")
    askers = [await look("b"), await look("c")]
    await provider.answer()
    await look("d")
    askers[0].cancel()
    await settle()
    assert provider.cancelled == []
    askers[1].cancel()
    await settle()
    assert provider.cancelled == [("b", "c")]
    assert provider.asked[2:] == [("d",)]


@pytest.mark.parametrize("turns", range(7))
async def test_an_asker_may_leave_at_any_moment(joined, turns):
    """Cancelled at any await, it leaves the others with their answers."""

    async def call(names):
        await asyncio.sleep(0)
        return dict.fromkeys(names, 1)

    joined = Joined(call, size=3, provider="p", clock=ManualClock())
    askers = [asyncio.create_task(joined.ask((name,))) for name in "abcd"]
    for _ in range(turns):
        await asyncio.sleep(0)
    askers[1].cancel()
    found = await asyncio.gather(*askers, return_exceptions=True)
    assert [one.values for place, one in enumerate(found) if place != 1] == [
        {"a": 1}, {"c": 1}, {"d": 1},
    ]  # fmt: skip


async def test_each_asker_has_its_own_deadline():
    """Who has none left is told so; the call is bounded by nobody's and answers the other."""
    clock, left, go = ManualClock(), [], asyncio.Event()

    async def call(names):
        left.append(left_s(clock))
        await go.wait()
        return dict.fromkeys(names, 1)

    joined = Joined(call, size=3, provider="p", clock=clock)
    with within(-1, clock):  # long past, so that no time is waited
        late = asyncio.create_task(joined.ask(("a",)))
    other = asyncio.create_task(joined.ask(("b",)))
    found = await late
    assert isinstance(found.errors["a"], DeadlineError)
    go.set()
    assert (await other).values == {"b": 1}
    assert left == [float("inf")]


async def test_nothing_is_asked_for_no_name(joined, provider):
    """And nothing is waited for."""
    assert (await joined.ask(())).values == {}
    assert provider.asked == []


def test_a_call_of_nothing_is_refused():
    """It would never end."""
    with pytest.raises(ValueError, match="at least"):
        Pile(0)


@given(
    names=st.lists(st.integers(0, 40), min_size=1, max_size=60),
    size=st.integers(1, 9),
    busy=st.booleans(),
)
def test_every_name_goes_once_in_order(names, size, busy):
    """Whole calls at any time, the rest when nothing is under way, and nothing twice."""
    pile = Pile(size)
    for name in names:
        pile.add(str(name), object())
    calls = pile.take(busy=busy)
    distinct = list(dict.fromkeys(map(str, names)))
    gone = len(distinct) // size * size if busy else len(distinct)
    assert [name for call in calls for name in call] == distinct[:gone]
    assert all(len(call) == size for call in calls[:-1])
    later = [name for call in pile.take(busy=False) for name in call]
    assert later == distinct[gone:]
