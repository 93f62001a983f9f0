"""The platform put together: with and without Redis, from coroutines and from scripts."""

import threading

import pytest

from ava.blocking import open_blocking
from ava.errors import AuthenticationError, NotFoundError, WrongThreadError
from ava.net.limiter import LocalLimiter
from ava.net.shared_limiter import SharedLimiter
from ava.platform import Platform
from ava.providers.finnhub import SPEC as FINNHUB
from ava.section import Secret
from ava.settings import ProviderKeys, RedisSettings, Settings, StateSettings
from perf.lab.providers import Simulation


@pytest.fixture(scope="module")
def simulation():
    """Two simulated providers."""
    with Simulation("finnhub", "alpha_vantage", seed=1, pace=10) as running:
        yield running


@pytest.fixture
def placed(simulation):
    """How a platform finds the simulation."""
    return {"urls": {name: simulation.url(name) for name in simulation.names}, "pace": 10}


@pytest.fixture
def settings(simulation, tmp_path):
    """Make settings with the keys of the simulation, and Redis where given."""

    def settings(redis_url=None):
        return Settings(
            redis=RedisSettings(url=redis_url and Secret(redis_url), timeout_s=0.2),
            keys=ProviderKeys(
                finnhub=Secret(simulation.key("finnhub")),
                alpha_vantage=Secret(simulation.key("alpha_vantage")),
            ),
            state=StateSettings(directory=tmp_path / "state"),
        )

    return settings


@pytest.mark.anyio
async def test_without_redis_and_keys_it_opens_and_closes(tmp_path):
    """A provider that is off says which setting it lacks."""
    settings = Settings(state=StateSettings(directory=tmp_path))
    async with Platform.open(settings) as platform:
        assert platform.link is None
        with pytest.raises(AuthenticationError, match="AVA_KEY_FINNHUB"):
            _ = platform.finnhub
        assert platform.kalshi is platform.kalshi


@pytest.mark.anyio
async def test_a_provider_is_asked_through_all_of_it(settings, placed, simulation):
    """One question: limiter, quota, client, cache; a second one is a hit."""
    simulation.reset()
    async with Platform.open(settings(), **placed) as platform:
        quotes = [await platform.alpha_vantage.quote("AAPL") for _ in range(2)]
        assert quotes[0].symbol == "AAPL"
        assert quotes[0] == quotes[1]
        spend = await platform.gateway.spend()
        assert (spend["alpha_vantage"].used, simulation.counts("alpha_vantage").requests) == (1, 1)
        health = platform.gateway.health()["alpha_vantage"]
        assert (health.state, health.stats.cache_hits) == ("ok", 1)
        with pytest.raises(NotFoundError):
            await platform.finnhub.quote("NOSUCH")


@pytest.mark.anyio
async def test_processes_share_what_redis_holds(settings, placed, simulation, redis_url):
    """A second platform on the same Redis gets the first one's answer without asking."""
    simulation.reset()
    async with (
        Platform.open(settings(redis_url), **placed) as one,
        Platform.open(settings(redis_url), **placed) as two,
    ):
        assert isinstance(one.gateway.client(FINNHUB).gate.limiter, SharedLimiter)
        assert await one.finnhub.quote("AAPL") == await two.finnhub.quote("AAPL")
    assert simulation.counts("finnhub").requests == 1


@pytest.mark.anyio
async def test_a_redis_that_is_away_does_not_stop_the_start(settings, placed):
    """Memory serves, and the speed limit is a share of the provider's."""
    async with Platform.open(settings("redis://127.0.0.1:1/0"), **placed) as platform:
        assert not isinstance(platform.gateway.client(FINNHUB).gate.limiter, LocalLimiter)
        assert platform.cache.stats().to_dict()["connected"] is False


def test_a_script_asks_without_a_loop(settings, placed):
    """`run` waits for a coroutine; threads may call it at once."""
    with open_blocking(settings(), **placed) as platform:
        assert platform.run(platform.finnhub.quote("AAPL")).symbol == "AAPL"
        found = []
        threads = [
            threading.Thread(
                target=lambda: found.append(platform.run(platform.finnhub.quote("MSFT")))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {quote.symbol for quote in found} == {"MSFT"}
        assert len(found) == 4


def test_errors_reach_the_script(settings, placed):
    """What the provider says is raised where `run` was called."""
    with open_blocking(settings(), **placed) as platform, pytest.raises(NotFoundError):
        platform.run(platform.finnhub.quote("NOSUCH"))


def test_the_loops_own_thread_is_refused(settings, placed):
    """It would wait for itself."""

    async def nested(platform):
        platform.run(platform.finnhub.quote("AAPL"))

    with open_blocking(settings(), **placed) as platform, pytest.raises(WrongThreadError):
        platform.run(nested(platform))


def test_after_the_block_it_is_closed(settings, placed):
    """A call to a closed platform says so."""
    with open_blocking(settings(), **placed) as platform:
        finnhub = platform.finnhub
    with pytest.raises(RuntimeError, match="closed"):
        platform.run(finnhub.quote("AAPL"))
