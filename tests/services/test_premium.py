"""One option as a seller sees it: figures worked out by hand, reasons, and laws that hold."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ava.providers.market import OptionChain, OptionContract, Right
from ava.services.premium import (
    Candidate,
    Criteria,
    Drop,
    Strategy,
    Underlying,
    days_to,
    judge,
    sift,
    underlying_of,
)
from ava.services.pricing import YEAR_S, chances, normal

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
ANY = Criteria(
    min_delta=0.0, max_delta=1.0, min_open_interest=0, min_volume=0, max_spread=2.0,
    min_credit=0.0, max_days=10_000,
)  # fmt: skip
STOCK = Underlying("AAA", 100.0, NOW)


def contract(**how):
    """Return a put at 95 that expires on the 20th of February, with some of it changed."""
    usual = {
        "symbol": "AAA260220P00095000",
        "underlying": "AAA",
        "right": Right.PUT,
        "strike": 95.0,
        "expires": date(2026, 2, 20),
        "bid": 1.9,
        "ask": 2.0,
        "volume": 200.0,
        "open_interest": 500.0,
        "implied_volatility": 0.30,
        "traded_at": NOW - timedelta(hours=1),
    }
    return OptionContract(**(usual | how))


def call(**how):
    """Return a call at 105, else the same."""
    return contract(**({"right": Right.CALL, "strike": 105.0} | how))


def test_a_cash_secured_put_is_figured_out():
    """The bid is the premium, and the strike is what is tied up."""
    found = judge(contract(), Strategy.PUT, STOCK, ANY)
    assert isinstance(found, Candidate)
    assert (found.days, found.credit, found.collateral) == (46, 190.0, 9500.0)
    assert found.premium == pytest.approx(1.9 / 95, abs=1e-6)
    assert found.annualised == pytest.approx(1.9 / 95 * 365 / 46, abs=1e-6)
    assert (found.break_even, found.cushion, found.if_called) == (93.1, 0.069, None)
    assert found.spread == pytest.approx(0.1 / 1.95, abs=1e-6)


def test_a_covered_call_is_figured_out():
    """The shares are what is tied up; called away, they bring the way to the strike as well."""
    found = judge(call(), Strategy.CALL, STOCK, ANY)
    assert found.premium == pytest.approx(1.9 / 100, abs=1e-6)
    assert (found.collateral, found.break_even, found.cushion) == (10_000.0, 98.1, 0.019)
    assert found.if_called == pytest.approx(0.069)


def test_the_intrinsic_value_of_a_call_is_no_yield():
    """A call at 90 bid 11.5 holds 10 that are handed over with the shares."""
    found = judge(call(strike=90.0, bid=11.5, ask=11.7), Strategy.CALL, STOCK, ANY)
    assert found.premium == pytest.approx(1.5 / 100)
    assert found.if_called == pytest.approx(0.015)


def test_the_score_is_that_of_options_wheel():
    """(1 - |delta|) x 250 / (days + 5) x bid / strike."""
    found = judge(contract(delta=-0.25), Strategy.PUT, STOCK, ANY)
    assert found.score == pytest.approx(0.75 * 250 / 51 * 1.9 / 95, abs=1e-6)


def test_the_providers_delta_is_preferred():
    """It knows dividends and early exercise, which the formula does not."""
    told = judge(contract(delta=-0.21), Strategy.PUT, STOCK, ANY)
    computed = judge(contract(), Strategy.PUT, STOCK, ANY)
    assert told.delta == -0.21
    assert computed.delta == pytest.approx(-0.276, abs=0.01)
    assert told.probability_otm == computed.probability_otm


DROPS = [
    ({"strike": 0.0}, {}, Drop.GARBLED),
    ({"bid": None}, {}, Drop.ZERO_BID),
    ({"bid": 0.0}, {}, Drop.ZERO_BID),
    ({"ask": None}, {}, Drop.CROSSED),
    ({"ask": 1.8}, {}, Drop.CROSSED),
    ({"traded_at": NOW - timedelta(days=6)}, {}, Drop.STALE),
    ({"expires": date(2026, 1, 2)}, {}, Drop.EXPIRED),
    ({"implied_volatility": None}, {}, Drop.NO_VOLATILITY),
    ({"implied_volatility": 0.00001}, {}, Drop.NO_VOLATILITY),
    ({"bid": 95.0, "ask": 96.0}, {}, Drop.ARBITRAGE),
    ({"strike": 110.0}, {}, Drop.NO_TIME_VALUE),
    ({}, {"max_days": 45}, Drop.DAYS),
    ({}, {"min_days": 47}, Drop.DAYS),
    ({}, {"max_delta": 0.2}, Drop.DELTA),
    ({}, {"min_delta": 0.4}, Drop.DELTA),
    ({}, {"min_open_interest": 501}, Drop.OPEN_INTEREST),
    ({"open_interest": None}, {"min_open_interest": 1}, Drop.OPEN_INTEREST),
    ({}, {"min_volume": 201}, Drop.VOLUME),
    ({"volume": None}, {"min_volume": 1}, Drop.VOLUME),
    ({}, {"max_spread": 0.05}, Drop.SPREAD),
    ({}, {"min_credit": 1.91}, Drop.CREDIT),
    ({}, {"max_collateral": 9499.0}, Drop.COLLATERAL),
    ({}, {"min_premium": 0.021}, Drop.PREMIUM),
    ({}, {"skip_earnings": True}, Drop.EARNINGS),  # nobody knows that there are none
]


@pytest.mark.parametrize(("changed", "wanted", "reason"), DROPS)
def test_a_contract_is_dropped_for_its_reason(changed, wanted, reason):
    """Everything else about it would do."""
    assert judge(contract(**changed), Strategy.PUT, STOCK, replace(ANY, **wanted)) is reason


def test_every_reason_has_a_case():
    """A reason that nothing leads to would be dead."""
    assert {reason for _, _, reason in DROPS} == set(Drop)


@pytest.mark.parametrize(
    ("reports_at", "flag"),
    [
        (datetime(2026, 2, 19, 21, tzinfo=UTC), True),
        (datetime(2026, 2, 20, 21, tzinfo=UTC), True),
        (datetime(2026, 2, 23, 21, tzinfo=UTC), False),
        (datetime(2025, 11, 3, 21, tzinfo=UTC), None),  # made: the next one is not known
        (None, None),
    ],
)
def test_earnings_before_expiry_are_flagged(reports_at, flag):
    """The day of expiry counts as before it."""
    stock = Underlying("AAA", 100.0, NOW, reports_at)
    assert judge(contract(), Strategy.PUT, stock, ANY).earnings_before_expiry is flag


def test_an_expiry_counts_its_days_in_new_york():
    """At 03:00 UTC on the 20th it is still the 19th there."""
    assert days_to(date(2026, 2, 20), datetime(2026, 2, 20, 3, tzinfo=UTC)) == 1
    assert days_to(date(2026, 2, 20), datetime(2026, 2, 20, 15, tzinfo=UTC)) == 0


def test_an_option_on_its_last_day_is_one_until_the_close():
    """21:00 UTC is four in the afternoon in winter."""
    last = Underlying("AAA", 100.0, datetime(2026, 2, 20, 20, 59, tzinfo=UTC))
    late = Underlying("AAA", 100.0, datetime(2026, 2, 20, 21, tzinfo=UTC))
    fresh = {"traded_at": None}
    assert judge(contract(**fresh), Strategy.PUT, last, ANY).days == 0
    assert judge(contract(**fresh), Strategy.PUT, late, ANY) is Drop.EXPIRED


def test_the_stocks_rank_is_passed_on():
    """It is of the stock and its year, whatever the contract."""
    ranked = Underlying("AAA", 100.0, NOW, volatility_rank=0.5)
    assert judge(contract(), Strategy.PUT, ranked, ANY).volatility_rank == 0.5
    assert judge(contract(), Strategy.PUT, STOCK, ANY).volatility_rank is None


def test_a_chain_is_sifted_into_candidates_and_reasons():
    """Contracts of the other right are no failures; each dropped one is counted once."""
    contracts = (contract(), contract(bid=0.0), contract(bid=0.0), call())
    chain = OptionChain(
        underlying="AAA", underlying_price=100.0, expirations=(), contracts=contracts
    )
    found, dropped = sift(chain, Strategy.PUT, STOCK, ANY)
    assert ([one.contract for one in found], dropped) == (
        ["AAA260220P00095000"],
        {Drop.ZERO_BID: 2},
    )
    assert underlying_of("AAA", chain, NOW) == STOCK


@pytest.mark.parametrize("price", [None, 0.0, -1.0])
def test_a_chain_without_a_price_has_no_stock(price):
    """A price of nothing is not a price."""
    chain = OptionChain(underlying="A", underlying_price=price, expirations=(), contracts=())
    assert underlying_of("A", chain, NOW) is None


positive = st.floats(0.5, 1_000)
terms = st.fixed_dictionaries(
    {
        "spot": positive,
        "strike": positive,
        "years": st.floats(1 / 365, 3),
        "volatility": st.floats(0.02, 3),
    }
)


@given(terms)
def test_a_call_and_a_put_share_one_stock(terms):
    """Their deltas differ by one share, and exactly one of them ends in the money."""
    a_call, a_put = chances(Right.CALL, **terms), chances(Right.PUT, **terms)
    assert a_call.delta - a_put.delta == pytest.approx(1)
    assert a_call.out_of_the_money + a_put.out_of_the_money == pytest.approx(1)
    assert 0 <= a_call.delta <= 1


def test_a_textbook_option_has_the_textbook_delta():
    """Hull, Options, Futures and Other Derivatives, chapter 19: 49, 50, 5 %, 20 %, 20 weeks."""
    found = chances(Right.CALL, spot=49, strike=50, years=0.3846, volatility=0.20, rate=0.05)
    assert found.delta == pytest.approx(0.522, abs=5e-4)


@given(st.floats(-8, 8))
def test_the_normal_distribution_is_symmetric(value):
    """What lies below a value and above its negative is the same."""
    assert normal(value) + normal(-value) == pytest.approx(1)


quotes = st.fixed_dictionaries(
    {
        "right": st.sampled_from(Right),
        "strike": positive,
        "bid": st.floats(0.01, 500),
        "over": st.floats(0, 5),
        "implied_volatility": st.floats(0.02, 3),
        "days": st.integers(1, 1_000),
        "spot": positive,
    }
)


@given(quotes)
def test_a_candidates_figures_fit_each_other(quote):
    """No premium beyond the bid, no probability outside 0 to 1, a cushion that the bid pays for."""
    made = contract(
        right=quote["right"],
        strike=quote["strike"],
        bid=quote["bid"],
        ask=quote["bid"] + quote["over"],
        implied_volatility=quote["implied_volatility"],
        expires=NOW.date() + timedelta(days=quote["days"]),
    )
    strategy = Strategy.PUT if made.right is Right.PUT else Strategy.CALL
    found = judge(made, strategy, Underlying("AAA", quote["spot"], NOW), ANY)
    if isinstance(found, Drop):
        assert found in {Drop.NO_TIME_VALUE, Drop.ARBITRAGE}
        return
    assert 0 < found.premium <= found.credit / found.collateral + 1e-6
    assert 0 <= found.probability_otm <= 1
    assert 0 <= abs(found.delta) <= 1
    assert found.annualised >= found.premium * 365 / 1_000 - 1e-5
    assert found.cushion <= 1
    assert all(math.isfinite(value) for value in (found.score, found.break_even, found.cushion))


@given(quotes, st.floats(0.001, 0.5))
def test_a_higher_bid_never_makes_a_worse_candidate(quote, more):
    """With the same ask far above, premium, cushion and score grow with the bid."""
    stock = Underlying("AAA", quote["spot"], NOW)
    how = {
        "strike": quote["strike"],
        "ask": 1_001.0,
        "expires": NOW.date() + timedelta(days=quote["days"]),
        "implied_volatility": quote["implied_volatility"],
    }
    one = judge(contract(bid=quote["bid"], **how), Strategy.PUT, stock, ANY)
    other = judge(contract(bid=quote["bid"] + more, **how), Strategy.PUT, stock, ANY)
    if isinstance(one, Candidate):
        if other is Drop.ARBITRAGE:
            return
        assert other.premium >= one.premium
        assert other.cushion >= one.cushion
        assert other.score >= one.score


def test_a_year_has_365_days():
    """As the yields have that are stated beside it."""
    assert YEAR_S == 31_536_000
