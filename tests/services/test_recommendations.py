"""Recommendations at simulated providers: one batch of closes, kept by case, comments apart."""

from datetime import date

import pytest
from market_desk import opened, paths, simulated

from ava.errors import BadValueError, NotFoundError, OutageError
from ava.providers.market import Right
from ava.services.advice import Action, HeldOption, HeldShares
from ava.services.recommendations import Case, Recommendations
from perf.lab.providers import Fault, Kind

pytestmark = pytest.mark.anyio

SPARK, CHAT = "/v7/finance/spark", "/chat/completions"
DOWN = Fault(Kind.STATUS, times=None, status=503)
PUT = HeldOption(quantity=-1.0, right=Right.PUT, strike=100.0, expires=date(2026, 2, 20))
TWENTY_FIVE = [
    "AAPL", "AMZN", "GOOG", "JPM", "UNH", "BA", "XOM", "WMT", "NEE", "LIN", "AMT", "MSFT", "TSLA",
    "META", "BAC", "JNJ", "CAT", "CVX", "KO", "DUK", "FCX", "PLD", "NVDA", "HD", "NFLX",
]  # fmt: skip


def cases(*symbols, position=None):
    return [Case(symbol=symbol, position=position) for symbol in symbols]


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
    """A platform with both language models."""
    async with opened(simulation, tmp_path, keys=("xai", "perplexity")) as made:
        yield made


@pytest.fixture
def service(core):
    return core.service(Recommendations)


async def test_twenty_symbols_are_one_call(service, simulation):
    """Twenty-five are two, and each has its answer in the order asked."""
    found = (await service.advise(cases(*TWENTY_FIVE))).value.items
    assert [item.symbol for item in found] == TWENTY_FIVE
    assert all(item.recommendation.figures.price > 0 for item in found)
    assert paths(simulation) == {SPARK: 2}


async def test_positions_of_a_symbol_share_its_closes(service, simulation):
    """Three questions about one stock are one call, and each is kept by itself."""
    held = [Case(symbol="AAPL", position=p) for p in (None, PUT, HeldShares(quantity=10.0))]
    fresh = await service.advise(held)
    assert [item.position for item in fresh.value.items] == [case.position for case in held]
    assert 270 <= fresh.fresh_s <= 300
    await service.advise(held[1:])
    assert paths(simulation) == {SPARK: 1}


async def test_another_position_is_another_recommendation(service, simulation):
    """It is kept by symbol and position (000.23), and the position is in the key."""
    low = HeldShares(quantity=10.0, cost=1.0)
    high = HeldShares(quantity=10.0, cost=1e6)
    found = await service.advise([*cases("AAPL", position=low), *cases("AAPL", position=high)])
    first, second = (item.recommendation for item in found.value.items)
    assert first.figures == second.figures
    assert cases("AAPL", position=low)[0].key != cases("AAPL", position=high)[0].key
    assert cases("AAPL", position=PUT)[0].key != cases("AAPL")[0].key


async def test_an_option_past_its_expiry_is_told_so(service):
    """By the exchange's day, not by the provider's closes."""
    gone = HeldOption(quantity=-1.0, right=Right.PUT, strike=100.0, expires=date(2026, 1, 2))
    (item,) = (await service.advise(cases("AAPL", position=gone))).value.items
    assert item.recommendation.action is Action.EXPIRED


async def test_an_unknown_symbol_is_its_own_problem(service):
    """Alone, it is the whole answer's."""
    fresh = await service.advise(cases("AAPL", "NOSUCH"))
    known, unknown = fresh.value.items
    assert known.problem is None
    assert (unknown.recommendation, unknown.problem.kind) == (None, "not_found")
    assert fresh.fresh_s == 0.0
    with pytest.raises(NotFoundError):
        await service.advise(cases("NOSUCH"))


async def test_a_batch_that_fails_fails_its_own_symbols(service, simulation):
    """Of twenty-five, the twenty of one call have a problem each, or the five of the other."""
    simulation.fault("yahoo", Fault(Kind.STATUS, times=1, status=400, path=SPARK))
    found = (await service.advise(cases(*TWENTY_FIVE))).value.items
    failed = [item for item in found if item.problem is not None]
    assert len(failed) in {5, 20}
    assert all(item.problem.kind == "bad_request" for item in failed)
    assert all(item.recommendation for item in found if item not in failed)


async def test_with_the_provider_down_the_failure_is_raised(service, simulation):
    """No recommendation is made of nothing."""
    simulation.fault("yahoo", DOWN)
    with pytest.raises(OutageError):
        await service.advise(cases("AAPL", "MSFT"))


async def test_a_model_comments_where_it_is_asked_to(service, simulation):
    """Once for as long as the recommendation is kept; without being asked, never."""
    await service.advise(cases("AAPL"))
    assert simulation.counts("xai").requests == 0
    for _ in range(2):
        (item,) = (await service.advise(cases("AAPL"), comments=True)).value.items
        assert item.comment.data.provider == "xai"
        assert item.comment.data.text
    assert simulation.counts("xai").by_path == {CHAT: 1}


async def test_the_second_model_comments_for_the_first(service, simulation):
    """The answer says whose words they are."""
    simulation.fault("xai", DOWN)
    (item,) = (await service.advise(cases("AAPL"), comments=True)).value.items
    assert item.comment.data.provider == "perplexity"


async def test_a_comment_that_fails_leaves_the_recommendation_whole(service, simulation):
    """It says that the comment failed, and is not kept as an answer without one."""
    simulation.fault("xai", DOWN)
    simulation.fault("perplexity", DOWN)
    fresh = await service.advise(cases("AAPL"), comments=True)
    (item,) = fresh.value.items
    assert item.recommendation.figures is not None
    assert (item.problem, item.comment.data) == (None, None)
    assert item.comment.problem.kind == "outage"
    assert fresh.fresh_s == 0.0


async def test_without_a_key_a_comment_says_which_is_missing(simulation, tmp_path):
    """Nothing outside is asked."""
    async with opened(simulation, tmp_path) as core:
        fresh = await core.service(Recommendations).advise(cases("AAPL"), comments=True)
    problem = fresh.value.items[0].comment.problem
    assert problem.kind == "authentication"
    assert "AVA_KEY_XAI" in problem.detail


async def test_comments_are_bounded(service):
    """Each is a call and its price."""
    with pytest.raises(BadValueError, match="10"):
        await service.advise(cases(*TWENTY_FIVE[:11]), comments=True)
