"""Volatility ranks: noted by scans, day by day, and unknown rather than wrong."""

import logging
from datetime import date, timedelta

import pytest
from market_desk import opened, simulated

from ava.providers.market import OptionChain, OptionContract, Right
from ava.section import Secret
from ava.services.premium_scanner import PremiumQuestion, PremiumScanner
from ava.services.volatilities import Range, Volatilities, level_of, rank_of
from ava.settings import DatabaseSettings

pytestmark = pytest.mark.anyio

TODAY = date(2026, 1, 5)


def year(days=20, lowest=0.2, highest=0.4, latest=0.3):
    return Range(symbol="AAA", days=days, lowest=lowest, highest=highest, latest=latest)


@pytest.mark.parametrize(
    ("seen", "rank"),
    [
        (year(), 0.5),
        (year(latest=0.2), 0.0),
        (year(latest=0.4), 1.0),
        (year(days=19), None),
        (year(lowest=0.3, highest=0.3), None),
    ],
)
def test_a_rank_is_a_place_in_the_year(seen, rank):
    """Nineteen days are too few, and what never moved has no rank."""
    assert rank_of(seen) == pytest.approx(rank)


def chain(*quotes, price=100.0):
    """Return a chain of (strike, days, volatility)."""
    contracts = tuple(
        OptionContract(
            symbol=f"{strike}",
            underlying="AAA",
            right=Right.PUT,
            strike=strike,
            expires=TODAY + timedelta(days=days),
            implied_volatility=volatility,
        )
        for strike, days, volatility in quotes
    )
    return OptionChain(
        underlying="AAA", underlying_price=price, expirations=(), contracts=contracts
    )


@pytest.mark.parametrize(
    ("made", "level"),
    [
        (chain((90, 30, 0.5), (99, 30, 0.3), (110, 30, 0.6)), 0.3),
        (chain((99, 30, 0.3), (101, 30, 0.4)), 0.35),  # equally near
        (chain((99, 30, 0.00001), (90, 30, 0.5)), 0.5),  # Yahoo's "unknown"
        (chain((99, 30, None)), None),
        (chain((99, 7, 0.3)), None),  # a week's swings by itself
        (chain((99, 90, 0.3)), None),
        (chain((99, 30, 0.3), price=None), None),
        (chain(), None),
    ],
)
def test_a_chains_level_is_at_the_money_in_about_a_month(made, level):
    """Unknown where the chain is of another time, or says nothing."""
    assert level_of(made, TODAY) == pytest.approx(level)


async def test_a_value_a_day_is_kept(core):
    """The last one seen; twenty days of it make a rank, of this stock alone."""
    volatilities = core.service(Volatilities)
    for ago in range(20):
        await volatilities.note({"AAPL": 0.2 + ago / 100, "NEW": 0.3}, TODAY - timedelta(days=ago))
    await volatilities.note({"AAPL": 0.295}, TODAY)  # seen again on the last day
    ranks = await volatilities.ranks(["AAPL", "NEW", "NOSUCH"], TODAY)
    assert ranks == {"AAPL": pytest.approx((0.295 - 0.21) / (0.39 - 0.21))}


async def test_what_is_older_than_a_year_is_out(core):
    """A crash of two years ago does not make today look calm."""
    volatilities = core.service(Volatilities)
    await volatilities.note({"AAPL": 2.0}, TODAY - timedelta(days=366))
    for ago in range(20):
        await volatilities.note({"AAPL": 0.2 + ago / 100}, TODAY - timedelta(days=ago))
    assert await volatilities.ranks(["AAPL"], TODAY) == {"AAPL": 0.0}


async def test_a_scan_notes_what_it_sees_and_shows_the_rank(platform_dsn, tmp_path):
    """Nineteen days are there; the twentieth is the scan's own, which the next one knows."""
    database = DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=2)
    question = PremiumQuestion(symbols=frozenset({"AAPL"}))
    with simulated() as simulation:
        async with opened(simulation, tmp_path, database=database) as core:
            volatilities, scanner = core.service(Volatilities), core.service(PremiumScanner)
            for ago in range(1, 20):
                await volatilities.note({"AAPL": 1 + ago / 100}, TODAY - timedelta(days=ago))
            first = (await scanner.scan(question)).value.candidates
            await core.platform.cache.invalidate_tags("scans")
            second = (await scanner.scan(question)).value.candidates
    assert {one.volatility_rank for one in first} == {None}
    assert {one.volatility_rank for one in second} == {0.0}  # calmer than all days before


async def test_a_database_that_fails_costs_only_the_ranks(core, caplog):
    """It is logged, and the scan goes on."""
    await core.database.execute("DROP TABLE volatility_history")
    volatilities = core.service(Volatilities)
    with caplog.at_level(logging.WARNING):
        assert await volatilities.ranks(["AAPL"], TODAY) == {}
        await volatilities.note({"AAPL": 0.3}, TODAY)
    assert len(caplog.records) == 2


async def test_without_a_database_ranks_are_unknown(tmp_path):
    """And nothing is complained about."""
    with simulated() as simulation:
        async with opened(simulation, tmp_path) as core:
            assert await core.service(Volatilities).ranks(["AAPL"], TODAY) == {}
            await core.service(Volatilities).note({"AAPL": 0.3}, TODAY)
