"""Watchlists on a real database and a real Redis."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ava.core import Core
from ava.errors import ConstraintError, DuplicateKeyError, UnknownRowError
from ava.services.watchlists import Added, NewItem, Watchlists

pytestmark = pytest.mark.anyio


@pytest.fixture
def watchlists(core):
    """The watchlists of a platform of its own."""
    return core.service(Watchlists)


def symbols(fresh):
    """Return the symbols of a page."""
    return [item.symbol for item in fresh.value.items]


def new(*names):
    """Return items to be added."""
    return [NewItem(symbol=name) for name in names]


async def test_an_owner_sees_their_own_lists_by_name(watchlists):
    """Whose lists is a parameter of the question."""
    for owner, name in (("ann", "b"), ("bob", "c"), ("ann", "a")):
        await watchlists.create(owner, name)
    first = await watchlists.owned("ann", limit=1)
    second = await watchlists.owned("ann", limit=1, cursor=first.value.next_cursor)
    assert [found.name for found in (*first.value.items, *second.value.items)] == ["a", "b"]
    assert second.value.next_cursor is None


async def test_a_name_is_taken_once_by_an_owner(watchlists):
    """Another owner may have a list of the same name."""
    await watchlists.create("ann", "wheel")
    await watchlists.create("bob", "wheel")
    with pytest.raises(ConstraintError):
        await watchlists.create("ann", "wheel")


async def test_a_batch_says_what_was_there_already(watchlists):
    """A symbol on the list stays as it was, notes included."""
    made = await watchlists.create("ann", "wheel")
    await watchlists.add(made.id, [NewItem(symbol="AAPL", notes="first")])
    assert await watchlists.add(made.id, new("AAPL", "MSFT")) == Added(added=1, present=1)
    items = (await watchlists.items(made.id, limit=10)).value.items
    assert [(item.symbol, item.notes) for item in items] == [("MSFT", ""), ("AAPL", "first")]


async def test_a_symbol_twice_in_a_batch_is_refused(watchlists):
    """Nothing of that batch is written."""
    made = await watchlists.create("ann", "wheel")
    with pytest.raises(DuplicateKeyError):
        await watchlists.add(made.id, new("AAPL", "MSFT", "AAPL"))
    assert symbols(await watchlists.items(made.id, limit=10)) == []


async def test_a_removed_symbol_is_gone(watchlists):
    """It is returned as it was, and a second removal finds nothing."""
    made = await watchlists.create("ann", "wheel")
    await watchlists.add(made.id, new("AAPL", "MSFT"))
    assert (await watchlists.remove(made.id, "AAPL")).symbol == "AAPL"
    assert symbols(await watchlists.items(made.id, limit=10)) == ["MSFT"]
    with pytest.raises(UnknownRowError, match="no AAPL"):
        await watchlists.remove(made.id, "AAPL")


async def test_a_list_there_is_not_is_no_empty_list(watchlists):
    """Neither reading nor writing takes it for one."""
    with pytest.raises(UnknownRowError, match="no watchlist 99"):
        await watchlists.items(99, limit=10)
    with pytest.raises(UnknownRowError, match="no watchlist 99"):
        await watchlists.add(99, new("AAPL"))


async def test_writes_reach_another_process(watchlists, settings, eventually):
    """The other one holds both the owner's lists and the list's symbols in its memory."""
    made = await watchlists.create("ann", "wheel")
    async with Core.open(settings) as other:
        theirs = other.service(Watchlists)

        async def seen():
            names = [found.name for found in (await theirs.owned("ann", limit=10)).value.items]
            return names, symbols(await theirs.items(made.id, limit=10))

        async def both():
            return await seen() == (["dividends", "wheel"], ["AAPL"])

        assert await seen() == (["wheel"], [])
        await watchlists.create("ann", "dividends")
        await watchlists.add(made.id, new("AAPL"))
        await eventually(both)


async def test_a_write_leaves_other_lists_where_they_are_kept(watchlists, core):
    """A batch on one list does not empty the cache of all."""
    one, two = [await watchlists.create("ann", name) for name in ("one", "two")]
    await watchlists.items(two.id, limit=10)
    fetches = core.platform.cache.stats().fetches
    await watchlists.add(one.id, new("AAPL"))
    await watchlists.items(two.id, limit=10)
    assert core.platform.cache.stats().fetches == fetches


@examples(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    held=st.lists(st.sampled_from("ABCDEFGH"), min_size=1, unique=True),
    meanwhile=st.lists(st.sampled_from("STUVWXYZ"), min_size=1, unique=True),
    limit=st.integers(1, 3),
)
async def test_pages_go_on_exactly_though_symbols_are_added(
    watchlists, core, held, meanwhile, limit
):
    """Each symbol of the start is on one page, in order, whatever comes in between."""
    await core.database.execute("TRUNCATE watchlists CASCADE")
    made = await watchlists.create("ann", "wheel")
    await watchlists.add(made.id, new(*held))
    page = await watchlists.items(made.id, limit=limit)
    seen = symbols(page)
    for name in meanwhile:
        await watchlists.add(made.id, new(name))
    while page.value.next_cursor is not None:
        page = await watchlists.items(made.id, limit=limit, cursor=page.value.next_cursor)
        seen += symbols(page)
    assert seen == sorted(held, reverse=True)
