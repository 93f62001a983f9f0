"""Metadata of many symbols at simulated providers: batched, kept, and honest about failures."""

import pytest
from market_desk import opened, paths, simulated

from ava.errors import NotFoundError, OutageError
from ava.services.metadata import MetadataService
from perf.lab.providers import Fault, Kind

pytestmark = pytest.mark.anyio

TEN = ("AAPL", "AMZN", "GOOG", "JPM", "UNH", "BA", "XOM", "WMT", "NEE", "LIN")
QUOTE, FUNDAMENTALS = "/v7/finance/quote", "/fundamentals/"
DOWN = Fault(Kind.STATUS, times=None, status=503)


@pytest.fixture(scope="module")
def simulation():
    """The providers of this module."""
    with simulated() as running:
        yield running


@pytest.fixture(autouse=True)
def well(simulation):
    """Providers without faults, which have counted nothing."""
    simulation.reset()


@pytest.fixture
async def core(simulation, tmp_path):
    """A platform with a brokerage and Finnhub."""
    async with opened(simulation, tmp_path, keys=("robinhood", "finnhub")) as made:
        yield made


@pytest.fixture
def service(core):
    return core.service(MetadataService)


async def test_ten_symbols_cost_two_calls(service, simulation):
    """Names and sizes from one batch, sectors from another."""
    found = await service.batch(TEN)
    assert list(found.value.items) == list(TEN)
    assert found.value.failed == {}
    assert paths(simulation) == {QUOTE: 1}
    assert paths(simulation, "robinhood") == {FUNDAMENTALS: 1}
    apple = found.value.items["AAPL"]
    assert (apple.name, apple.sector, apple.currency) == ("Apple", "Information Technology", "USD")
    assert apple.sources == ("yahoo", "robinhood")
    assert apple.market_cap > 1e11


async def test_it_is_kept_for_an_hour_symbol_by_symbol(service, simulation):
    """Another selection asks for what is new in it, and says how long the whole of it lasts."""
    await service.batch(TEN)
    found = await service.batch(("AAPL", "MSFT"))
    assert paths(simulation) == {QUOTE: 2}
    assert 3000 < found.fresh_s <= 3600
    assert found.tags == ("metadata",)


async def test_without_a_brokerage_sectors_come_from_summaries(simulation, tmp_path):
    """One call each, five at once, and the same answer."""
    async with opened(simulation, tmp_path, keys=("robinhood",)) as core:
        batched = (await core.service(MetadataService).batch(TEN)).value.items
    simulation.reset()
    async with opened(simulation, tmp_path) as core:
        found = (await core.service(MetadataService).batch(TEN)).value.items
    assert sum(paths(simulation).values()) == 11
    assert simulation.counts("yahoo").peak_at_once <= 5
    assert {s: (m.name, m.sector) for s, m in found.items()} == {
        s: (m.name, m.sector) for s, m in batched.items()
    }


async def test_an_unknown_symbol_is_its_own_problem(service):
    """The others are answered; alone, it is the whole answer's."""
    found = await service.batch(("AAPL", "NOSUCH"))
    assert list(found.value.items) == ["AAPL"]
    assert found.value.failed["NOSUCH"].kind == "not_found"
    assert found.fresh_s == 0.0
    with pytest.raises(NotFoundError):
        await service.batch(("NOSUCH",))


async def test_a_failing_brokerage_is_stood_in_for(service, simulation):
    """Summaries have sectors too."""
    simulation.fault("robinhood", DOWN)
    found = await service.batch(TEN)
    assert found.value.failed == {}
    assert all(m.sector and m.sources == ("yahoo",) for m in found.value.items.values())


async def test_finnhub_stands_in_for_yahoo(service, simulation):
    """A profile has a name and a size; the sector is the brokerage's."""
    simulation.fault("yahoo", DOWN)
    found = await service.batch(("AAPL", "MSFT"))
    apple = found.value.items["AAPL"]
    assert (apple.sources, apple.name) == (("finnhub", "robinhood"), "Apple")
    assert apple.sector == "Information Technology"


async def test_with_everything_down_the_failure_is_raised(service, simulation):
    """And nothing is kept: with the providers back there is an answer."""
    simulation.fault(None, DOWN)
    with pytest.raises(OutageError):
        await service.batch(("AAPL", "MSFT"))
    simulation.reset()
    assert len((await service.batch(("AAPL",))).value.items) == 1


async def test_a_summary_that_fails_fails_its_symbol(simulation, tmp_path):
    """A company without the sector that was not learnt would look like one without a sector."""
    async with opened(simulation, tmp_path) as core:
        only = Fault(Kind.STATUS, times=None, status=503, path="*/quoteSummary/JPM")
        simulation.fault("yahoo", only)
        found = await core.service(MetadataService).batch(("AAPL", "JPM"))
    assert list(found.value.items) == ["AAPL"]
    assert found.value.failed["JPM"].kind == "outage"


async def test_an_old_answer_stands_in_and_says_so(core, service, simulation):
    """An hour later the provider is down; a name does not change in an hour."""
    await service.batch(("AAPL",))
    await core.clock.advance(3700)
    simulation.fault(None, DOWN)
    found = await service.batch(("AAPL",))
    assert found.value.items["AAPL"].name == "Apple"
    assert found.stale


async def test_processes_share_it_through_redis(simulation, tmp_path, redis_url):
    """The second process asks nobody."""
    for process in ("one", "two"):
        async with opened(simulation, tmp_path / process, redis=redis_url) as core:
            found = await core.service(MetadataService).batch(("AAPL", "MSFT"))
            assert len(found.value.items) == 2
    assert paths(simulation)[QUOTE] == 1
