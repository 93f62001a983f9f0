"""The portfolio: exact and honest about what is unknown; few calls, to a simulated brokerage."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from ava.clock import ManualClock
from ava.core import Core
from ava.errors import AuthenticationError
from ava.providers.holdings import (
    Holding,
    OptionHolding,
    OptionMark,
    OptionPosition,
    OptionTerms,
    Portfolio,
    Position,
    StockQuote,
)
from ava.providers.market import Right
from ava.section import Secret
from ava.services.portfolio import Portfolios
from ava.services.valuation import PortfolioView, total, valued
from ava.settings import ProviderKeys, ProviderSettings, RedisSettings, Settings, StateSettings
from perf.lab.providers import Fault, Grade, Kind, Simulation

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)
MONEY = st.decimals("0", "9999", places=4)


def stock(symbol="AAA", quantity="10", cost="9.50", price="11.25"):
    """Return shares held; None for a price or a cost that is not known."""
    quote = StockQuote(symbol=symbol, last_trade_price=price and Decimal(price), updated_at=AT)
    return Holding(
        position=Position(
            instrument=f"https://x/instruments/{symbol}/",
            quantity=Decimal(quantity),
            average_buy_price=cost and Decimal(cost),
        ),
        symbol=symbol,
        quote=quote,
    )


def option(side="short", premium="85", price="0.50", occ="AAA   260220P00010000"):
    """Return two contracts held or owed; None for a mark that is not known."""
    mark = OptionMark(
        instrument_id="o1", occ_symbol=occ, adjusted_mark_price=price and Decimal(price),
        delta=Decimal("-0.27"),
    )  # fmt: skip
    return OptionHolding(
        position=OptionPosition(
            id="u1", chain_symbol="AAA", option_id="o1", type=side, quantity=Decimal(2),
            average_price=Decimal(premium),
        ),
        mark=None if price is None else mark,
        underlying=None,
    )  # fmt: skip


def view(stocks=(), options=()):
    """Return the view of holdings."""
    return valued(Portfolio(stocks=tuple(stocks), options=tuple(options)))


def test_shares_are_valued_to_the_last_digit():
    """Value, cost and profit are products of what was sent, not of floats."""
    (shares,) = view([stock(price="11.2501")]).stocks
    assert (shares.value, shares.cost) == (Decimal("112.501"), Decimal(95))
    assert (shares.profit, shares.quoted_at) == (Decimal("17.501"), AT)


@pytest.mark.parametrize("premium", ["85", "-85"])
def test_a_short_contract_earns_as_it_gets_cheaper(premium):
    """The premium was received and the contracts are owed, with whichever sign it is told."""
    (owed,) = view(options=[option(premium=premium)]).options
    assert (owed.value, owed.cost, owed.profit) == (Decimal(-100), Decimal(-170), Decimal(70))


def test_a_long_contract_earns_as_it_gets_dearer():
    """The same with the premium paid."""
    (held,) = view(options=[option(side="long")]).options
    assert (held.value, held.cost, held.profit) == (Decimal(100), Decimal(170), Decimal(-70))


def test_a_contract_says_what_it_is():
    """Terms come from its name, and greeks that are not known are None."""
    (owed,) = view(options=[option()]).options
    assert owed.terms == OptionTerms(
        underlying="AAA", expires=date(2026, 2, 20), right=Right.PUT, strike=Decimal(10)
    )
    assert (owed.greeks.delta, owed.greeks.gamma) == (Decimal("-0.27"), None)


def test_a_contract_with_an_odd_name_is_still_valued():
    """Terms that cannot be read are unknown; the money is not."""
    (owed,) = view(options=[option(occ="adjusted")]).options
    assert (owed.terms, owed.value) == (None, Decimal(-100))


def test_one_unpriced_holding_makes_the_total_unknown():
    """It is named, and the totals that do not need it stand."""
    seen = view([stock(), stock("BBB", price=None)], [option()])
    assert seen.totals.unpriced == ("BBB",)
    assert (seen.totals.value, seen.totals.profit) == (None, None)
    assert seen.totals.cost == Decimal(95 + 95 - 170)
    assert seen.option_totals.value == Decimal(-100)


def test_one_unknown_cost_leaves_the_value_known():
    """Profit needs both."""
    seen = view([stock(), stock("BBB", cost=None)])
    assert (seen.totals.value, seen.totals.cost) == (Decimal(225), None)
    assert (seen.totals.profit, seen.totals.uncosted) == (None, ("BBB",))


def test_an_unpriced_contract_is_named_by_its_position():
    """Without a mark there is no other name."""
    assert view(options=[option(price=None)]).totals.unpriced == ("u1",)


def test_nothing_held_is_worth_nothing():
    """That is known."""
    seen = view()
    assert (seen.totals.value, seen.totals.profit, seen.totals.unpriced) == (0, 0, ())


@given(st.lists(st.tuples(MONEY, st.none() | MONEY, st.none() | MONEY), max_size=8))
def test_a_total_is_the_exact_sum_or_unknown(held):
    """In any portfolio, and never a sum of some."""
    found = view([stock(f"S{n}", *row) for n, row in enumerate(held)])
    values = [None if price is None else quantity * price for quantity, _, price in held]
    costs = [None if cost is None else quantity * cost for quantity, cost, _ in held]
    assert found.totals.value == (None if None in values else sum(values))
    assert found.totals.cost == (None if None in costs else sum(costs))
    assert len(found.totals.unpriced) == values.count(None)
    assert found.totals == total((*found.stocks, *found.options))


def test_the_view_travels_through_json_unchanged():
    """Money is written as text, so that no reader rounds it."""
    seen = view([stock()], [option()])
    text = msgspec.json.encode(seen)
    assert b'"value":"112.50"' in text
    assert msgspec.json.decode(text, type=PortfolioView) == seen


@pytest.fixture(scope="module")
def brokerage():
    """A simulated brokerage, a thousand times as fast."""
    with Simulation("robinhood", seed=1, pace=1000) as running:
        yield running


@pytest.fixture
def clock():
    """A clock that stands still, except for whoever sleeps by it."""
    return ManualClock(jump=True)


@pytest.fixture
def settings(brokerage, tmp_path):
    """Make settings with a token, and nothing else but the brokerage."""

    def settings(token):
        return Settings(
            keys=ProviderKeys(robinhood=Secret(token)),
            state=StateSettings(directory=tmp_path),
            providers=ProviderSettings(urls=f"robinhood={brokerage.url('robinhood')}", pace=1000),
        )

    return settings


@pytest.fixture
async def core(brokerage, clock, settings):
    """A platform that has nothing but the brokerage."""
    brokerage.reset()
    async with Core.open(settings(brokerage.key("robinhood")), clock=clock) as opened:
        yield opened


@pytest.mark.anyio
async def test_fifty_who_ask_at_once_cost_one_load_of_at_most_five_calls(core, brokerage):
    """All get the same 45 positions, each with a value."""
    asked = core.service(Portfolios).portfolio
    answers = await asyncio.gather(*(asked() for _ in range(50)))
    assert 2 <= brokerage.counts("robinhood").requests <= 5
    assert len({id(answer.value) for answer in answers}) == 1
    seen = answers[0].value
    assert (len(seen.stocks), len(seen.options)) == (25, 20)
    assert seen.totals.unpriced == ()
    assert seen.totals.profit == seen.totals.value - seen.totals.cost


@pytest.mark.anyio
async def test_a_portfolio_is_kept_for_thirty_seconds(core, brokerage, clock):
    """001.1; then it is loaded anew, prices included."""
    asked = core.service(Portfolios).portfolio
    fresh = await asked()
    assert 27 <= fresh.fresh_s <= 30
    calls = brokerage.counts("robinhood").requests
    await clock.advance(20)
    await asked()
    assert brokerage.counts("robinhood").requests == calls
    await clock.advance(11)
    await asked()
    assert brokerage.counts("robinhood").requests == 2 * calls


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/positions/", "/marketdata/options/", "/quotes/"])
async def test_no_older_portfolio_stands_in_for_one_that_cannot_be_had(
    core, brokerage, clock, path
):
    """Not even older prices: an old balance that looks new does harm."""
    asked = core.service(Portfolios).portfolio
    await asked()
    await clock.advance(31)
    brokerage.fault("robinhood", Fault(Kind.STATUS, times=None, status=401, path=path))
    with pytest.raises(AuthenticationError):
        await asked()


@pytest.mark.anyio
async def test_a_token_never_opens_what_another_one_loaded(brokerage, settings, redis_url):
    """Two platforms share a Redis, which holds a portfolio and no token."""
    brokerage.reset()
    tokens = [brokerage.key("robinhood", grade) for grade in (Grade.FULL, Grade.BLOCKED)]
    redis_of = {"redis": RedisSettings(url=Secret(redis_url), timeout_s=60)}
    async with (
        Core.open(replace(settings(tokens[0]), **redis_of)) as one,
        Core.open(replace(settings(tokens[1]), **redis_of)) as two,
    ):
        await one.service(Portfolios).portfolio()
        with pytest.raises(AuthenticationError):
            await two.service(Portfolios).portfolio()
    with redis.Redis.from_url(redis_url) as client:
        names = [name.decode() for name in client.scan_iter()]
    assert any("portfolio:" in name for name in names)
    assert not any(token in name for token in tokens for name in names)


@pytest.mark.anyio
async def test_without_a_token_the_missing_setting_is_named():
    """The brokerage is off."""
    async with Core.open(Settings()) as core:
        with pytest.raises(AuthenticationError, match="AVA_KEY_ROBINHOOD"):
            await core.service(Portfolios).portfolio()
