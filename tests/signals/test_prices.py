"""Prices of now: one call for many symbols, kept as long as the market says."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from ava.cache.freshness import never
from ava.clock import ManualClock
from ava.platform import Platform
from ava.section import Secret
from ava.settings import ProviderKeys, Settings, StateSettings
from ava.signals.prices import MarketPrices
from perf.lab.providers import Fault, Grade, Kind, Simulation

pytestmark = pytest.mark.anyio
OPEN = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
CLOSED = datetime(2026, 1, 5, 23, 0, tzinfo=UTC)


NAMES = ("AAPL", "MSFT", "JPM")


@pytest.fixture(scope="module")
def simulated():
    """Massive, whose full key pays for snapshots, and Yahoo."""
    with Simulation("massive", "yahoo", seed=1, pace=1000, today=OPEN.date()) as running:
        yield running


@pytest.fixture
def providers(simulated):
    """The same, without faults and with nothing counted."""
    simulated.reset()
    return simulated


@pytest.fixture
async def priced(providers, tmp_path):
    """Open a source at a time, with a key of Massive or none."""
    async with AsyncExitStack() as stack:

        async def make(start=OPEN, *, paid=True, grade=Grade.FULL, is_volatile=never, jump=False):
            clock = ManualClock(start, jump=jump)
            key = Secret(providers.key("massive", grade)) if paid else None
            settings = Settings(
                keys=ProviderKeys(massive=key), state=StateSettings(directory=tmp_path)
            )
            urls = {name: providers.url(name) for name in providers.names}
            urls["yahoo_door"] = urls["yahoo"]
            opening = Platform.open(settings, clock=clock, urls=urls, pace=1000)
            platform = await stack.enter_async_context(opening)
            return MarketPrices(platform, is_volatile=is_volatile, clock=clock), clock

        yield make


async def test_many_symbols_are_one_call(priced, providers):
    """And the next cycle within their time is none."""
    source, clock = await priced()
    first = await source.snapshot(NAMES)
    await clock.advance(5)
    second = await source.snapshot(NAMES)
    assert set(first.ticks) == set(NAMES)
    assert {s: t.price for s, t in second.ticks.items()} == {
        s: t.price for s, t in first.ticks.items()
    }
    assert (first.calls, second.calls) == (1, 0)


async def test_a_volatile_symbol_is_asked_for_sooner(priced):
    """Ten seconds instead of twenty."""
    source, clock = await priced(is_volatile=lambda symbol: symbol == "JPM")
    await source.snapshot(NAMES)
    await clock.advance(11)
    again = await source.snapshot(NAMES)
    assert again.calls == 1
    await clock.advance(5)
    assert (await source.snapshot(["JPM"])).calls == 0


async def test_prices_are_kept_longer_while_the_market_is_closed(priced):
    """Five minutes, less a little so that not all end at once."""
    source, clock = await priced(CLOSED)
    await source.snapshot(NAMES)
    await clock.advance(200)
    assert (await source.snapshot(NAMES)).calls == 0


async def test_without_a_key_yahoo_is_asked(priced, providers):
    """It needs none."""
    source, _ = await priced(paid=False)
    found = await source.snapshot(NAMES)
    assert set(found.ticks) == set(NAMES)
    assert providers.counts("massive").by_path == {}


async def test_a_plan_without_such_prices_is_asked_once_an_hour(priced, providers):
    """A free key has few calls, and each of these is refused."""
    source, clock = await priced(grade=Grade.FREE)
    for _ in range(3):
        assert set((await source.snapshot(NAMES)).ticks) == set(NAMES)
        await clock.advance(60)
    assert providers.counts("massive").requests == 1
    await clock.advance(3600)
    await source.snapshot(NAMES)
    assert providers.counts("massive").requests == 2


async def test_what_one_does_not_know_the_other_is_asked(priced, providers):
    """Massive is away, Yahoo answers."""
    providers.fault("massive", Fault(Kind.STATUS, times=50, status=503))
    source, _ = await priced(jump=True)  # over the waits between Massive's retries
    found = await source.snapshot(NAMES)
    assert set(found.ticks) == set(NAMES)
    assert found.missing == {}


async def test_a_symbol_nobody_knows_says_so(priced):
    """The others have their prices."""
    source, _ = await priced()
    found = await source.snapshot([*NAMES, "NOSUCH"])
    assert set(found.ticks) == set(NAMES)
    assert found.missing == {"NOSUCH": "massive does not know it; yahoo does not know it"}


async def test_a_coin_without_a_key_has_no_price(priced):
    """Only Massive has such prices, and the reason says what is lacking."""
    source, _ = await priced(paid=False)
    found = await source.snapshot(["X:BTCUSD"])
    assert found.missing == {"X:BTCUSD": "no provider of such prices has a key"}
