"""Many single look-ups with nothing kept: a few calls for all, and a portfolio that is not held up.

The platform keeps to the brokerage's one call a second on a clock that jumps over waits; the
simulated brokerage itself has no limit, so that only ours is met.
"""

import asyncio
from contextlib import nullcontext
from dataclasses import replace

import pytest
from market_desk import NAMES, paths, settings, simulated

from ava.cache.tiered import Cache
from ava.clock import ManualClock
from ava.core import Core
from ava.errors import OutageError
from ava.net.spec import Priority
from ava.providers.asking import Partial, unhurried
from ava.providers.holdings import StockFigures
from ava.providers.market import Fundamentals
from ava.services.metadata import DEADLINE_S, MetadataService
from ava.services.portfolio import Portfolios
from ava.settings import Settings
from perf.lab.providers import Fault, Kind
from perf.lab.providers.market import day_of, market

pytestmark = pytest.mark.anyio

QUOTE, FUNDAMENTALS = "/v7/finance/quote", "/fundamentals/"
CALLS = 5  # of a portfolio, a second each at most


@pytest.fixture(scope="module")
def simulation():
    """The providers of this module, as fast as they are asked."""
    with simulated() as running:
        for name in NAMES:
            running.set_limits(name)
        yield running


@pytest.fixture(autouse=True)
def well(simulation):
    """Providers without faults, which have counted nothing."""
    simulation.reset()


@pytest.fixture
async def core(simulation, tmp_path):
    """A platform whose limits are the real ones, on a clock that jumps."""
    made = settings(simulation, tmp_path, keys=("robinhood",))
    real = replace(made, providers=replace(made.providers, pace=1.0))
    async with Core.open(real, clock=ManualClock(jump=True)) as running:
        yield running


@pytest.fixture
def two_hundred(core):
    """Symbols that the providers know."""
    known = market(1, day_of(core.clock.now().timestamp())).symbols
    return tuple(known)[:200]


async def single(core, symbols):
    """Ask for each by itself, all at once."""
    service = core.service(MetadataService)
    return await asyncio.gather(*(service.batch((symbol,)) for symbol in symbols))


async def test_two_hundred_look_ups_cost_four_calls(core, two_hundred, simulation):
    """Two a provider, where each look-up made two of its own; everybody has the own answer."""
    found = await single(core, two_hundred)
    assert [list(one.value.items) for one in found] == [[symbol] for symbol in two_hundred]
    assert paths(simulation) == {QUOTE: 2}
    assert paths(simulation, "robinhood") == {FUNDAMENTALS: 2}


async def test_a_portfolio_in_the_middle_is_in_time(core, two_hundred):
    """It waits for permits of its own and not behind two hundred; alone they took 23 s."""
    clock = core.clock
    filling = asyncio.create_task(single(core, two_hundred))
    await asyncio.sleep(0)
    began = clock.monotonic()
    view = (await core.service(Portfolios).portfolio()).value
    assert clock.monotonic() - began <= CALLS
    assert view.stocks
    await filling


async def test_an_unknown_symbol_is_only_its_askers_problem(core, two_hundred):
    """Those who were in the same call are answered."""
    known = two_hundred[:20]
    service = core.service(MetadataService)
    asked = [*known[:10], "NOSUCH", *known[10:]]
    found = await asyncio.gather(*(service.batch((s,)) for s in asked), return_exceptions=True)
    failed = [name for name, one in zip(asked, found, strict=True) if isinstance(one, Exception)]
    assert failed == ["NOSUCH"]


class Desk:
    """A platform of one company, which notes how it is asked."""

    def __init__(self):
        self.cache = Cache()
        self.how = {}
        self.gateway = self.yahoo = self.robinhood = self

    def offers(self, _name):
        return True

    async def listings(self, symbols, **how):
        self.how["yahoo"] = how
        return {symbol: Fundamentals(symbol=symbol) for symbol in symbols}

    async def fundamentals(self, symbols, **how):
        self.how["robinhood"] = how
        return {symbol: StockFigures(sector="Energy") for symbol in symbols}

    async def summaries(self, _symbols, **_how):
        return Partial({}, {})


@pytest.mark.parametrize("priority", Priority)
async def test_the_brokerage_is_asked_after_people(priority):
    """A portfolio's calls go first; Yahoo, which has none, is asked as the asker is in a hurry."""
    desk = Desk()
    service = MetadataService(Core(Settings(), desk, clock=ManualClock()))
    with unhurried() if priority is Priority.BACKGROUND else nullcontext():
        await service.batch(("XOM",))
    assert desk.how["robinhood"]["priority"] is Priority.BACKGROUND
    assert desk.how["yahoo"]["priority"] is priority
    assert all(how["deadline_s"] < DEADLINE_S for how in desk.how.values())


async def test_a_failed_call_is_everybodys_own_failure(core, two_hundred, simulation):
    """And nothing of it is kept."""
    simulation.fault(None, Fault(Kind.STATUS, times=None, status=503))
    service = core.service(MetadataService)
    asked = two_hundred[:5]
    found = await asyncio.gather(*(service.batch((s,)) for s in asked), return_exceptions=True)
    assert all(isinstance(one, OutageError) for one in found)
    simulation.reset()
    await core.clock.advance(61)  # the breakers try again
    assert len(await single(core, asked)) == len(asked)
