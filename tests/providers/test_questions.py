"""Questions that several providers can answer, asked of real sockets through the gateway."""

import random
from datetime import date

import pytest

from ava.errors import NotFoundError
from ava.net.gateway import Gateway
from ava.platform import Providers
from ava.providers import questions
from ava.section import Secret
from ava.settings import ProviderKeys
from perf.lab.providers import Fault, Kind, Simulation

pytestmark = pytest.mark.anyio

NAMES = ("alpha_vantage", "finnhub", "massive", "yahoo")
DAYS = date(2025, 12, 1), date(2025, 12, 31)


@pytest.fixture(scope="module")
def simulation():
    with Simulation(*NAMES, today=date(2026, 1, 5), slack_s=0.05) as served:
        yield served


@pytest.fixture
async def providers(simulation, tmp_path):
    """Every provider but without Massive's key, each at the simulation, with nothing asked yet."""
    simulation.reset()
    keys = ProviderKeys(
        alpha_vantage=Secret(simulation.key("alpha_vantage")),
        finnhub=Secret(simulation.key("finnhub")),
    )
    urls = {name: simulation.url(name) for name in NAMES}
    urls["yahoo_door"] = simulation.url("yahoo")
    gateway = Gateway(keys, ledger=tmp_path / "q", urls=urls, rng=random.Random(1))
    yield Providers(gateway)
    await gateway.aclose()


async def test_the_first_who_can_answers(providers, simulation):
    """Finnhub is asked, and nobody else."""
    found = await questions.quote(providers, "AAPL")
    assert (found.provider, found.value.symbol, dict(found.passed)) == ("finnhub", "AAPL", {})
    assert simulation.counts("yahoo").requests == 0


async def test_the_next_answers_where_the_first_is_down(providers, simulation):
    """The answer says who gave it and who could not."""
    simulation.fault("finnhub", Fault(Kind.STATUS, times=None, status=503))
    found = await questions.quote(providers, "AAPL", deadline_s=6)
    assert found.provider == "yahoo"
    assert set(found.passed) == {"finnhub"}


async def test_providers_agree_on_history(providers, simulation):
    """Whoever answers, the same days have the same closes, and stamps agree."""
    yahoo = await questions.history(providers, "AAPL", *DAYS)
    assert yahoo.provider == "yahoo"
    simulation.fault("yahoo", Fault(Kind.STATUS, times=None, status=404))
    other = await questions.history(providers, "AAPL", *DAYS)
    assert other.provider == "alpha_vantage"
    closes = {bar.at: bar.close for bar in other.value}
    assert all(closes[bar.at] == bar.close for bar in yahoo.value)


async def test_who_has_no_key_is_not_asked(providers, simulation):
    """Massive would be first for history."""
    found = await questions.history(providers, "AAPL", *DAYS)
    assert (found.provider, dict(found.passed)) == ("yahoo", {})
    assert simulation.counts("massive").requests == 0


async def test_a_symbol_that_nobody_knows_is_not_found(providers):
    """Everybody was asked, and is named with a reason."""
    with pytest.raises(NotFoundError, match=r"finnhub.*yahoo.*alpha_vantage"):
        await questions.quote(providers, "NOSUCH")


async def test_an_empty_history_is_no_answer(providers):
    """Finnhub says "no data" of a symbol it does not know, which must not hide that."""
    with pytest.raises(NotFoundError, match="finnhub has no bars"):
        await questions.history(providers, "NOSUCH", *DAYS)
