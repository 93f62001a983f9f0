"""Option prices, chains and odds agree with the formulas they come from."""

import math
from datetime import date
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perf.lab.dataset.chains import expirations, smile, strikes
from perf.lab.dataset.odds import american_odds, implied_probability
from perf.lab.dataset.pricing import RATE, black_scholes, normal_cdf

SPOTS = st.floats(8, 900)
MONEYNESS = st.floats(0.5, 2.0)
YEARS = st.floats(1 / 365, 2.0)
VOLATILITIES = st.floats(0.05, 1.5)


def value(spot, strike, years, volatility, *, call):
    one = np.ones(1)
    return black_scholes(spot, strike * one, years * one, volatility * one, np.array([call]))


def test_the_model_gives_the_textbook_price():
    """Hull's example at 4 % instead of 10 %: d1 and d2 worked out with the standard library."""
    spot, strike, years, volatility = 42.0, 40.0, 0.5, 0.2
    d1 = (math.log(spot / strike) + (RATE + volatility**2 / 2) * years) / (
        volatility * math.sqrt(years)
    )
    cdf = NormalDist().cdf
    expected = spot * cdf(d1) - strike * math.exp(-RATE * years) * cdf(
        d1 - volatility * math.sqrt(years)
    )
    assert value(spot, strike, years, volatility, call=True).price[0] == pytest.approx(expected)


@given(SPOTS, MONEYNESS, YEARS, VOLATILITIES)
def test_calls_and_puts_are_in_parity(spot, moneyness, years, volatility):
    """A call less a put is the spot less the discounted strike."""
    strike = spot * moneyness
    call = value(spot, strike, years, volatility, call=True)
    put = value(spot, strike, years, volatility, call=False)
    forward = spot - strike * math.exp(-RATE * years)
    assert call.price[0] - put.price[0] == pytest.approx(forward, abs=1e-9 * spot)
    assert call.delta[0] - put.delta[0] == pytest.approx(1)


@given(SPOTS, st.floats(0.8, 1.25), st.floats(0.1, 2), st.floats(0.15, 1), st.booleans())
def test_greeks_are_the_slopes_of_the_price(spot, moneyness, years, volatility, call):
    """Delta, gamma, vega and theta match differences of the price itself."""
    strike = spot * moneyness

    def price(*, s=0.0, t=0.0, v=0.0):
        return value(spot + s, strike, years + t, volatility + v, call=call).price[0]

    greeks = value(spot, strike, years, volatility, call=call)
    step = spot / 1000
    slope = (price(s=step) - price(s=-step)) / (2 * step)
    bend = (price(s=step) - 2 * price() + price(s=-step)) / step**2
    assert greeks.delta[0] == pytest.approx(slope, abs=1e-4)
    assert greeks.gamma[0] * spot == pytest.approx(bend * spot, abs=5e-3)
    assert greeks.vega[0] == pytest.approx((price(v=1e-4) - price(v=-1e-4)) / 0.02, abs=1e-4 * spot)
    decay = -(price(t=1e-4) - price(t=-1e-4)) / (2e-4 * 365)
    assert greeks.theta[0] == pytest.approx(decay, abs=1e-5 * spot)


@given(st.lists(st.floats(-8, 8), min_size=1))
def test_the_normal_distribution_is_the_standard_library_s(values):
    """Whole arrays of the distribution function equal its scalar form."""
    expected = [NormalDist().cdf(value) for value in values]
    assert normal_cdf(np.array(values)).tolist() == pytest.approx(expected, abs=1e-15)


@given(SPOTS, st.sampled_from([6, 10, 40]))
def test_strikes_surround_the_spot(spot, n):
    """A ladder has that many strikes, evenly spaced, above zero, on both sides of the spot."""
    ladder = strikes(round(spot, 2), n)
    assert len(ladder) == n
    assert ladder[0] > 0
    assert ladder[0] < spot < ladder[-1]
    assert np.allclose(np.diff(ladder), ladder[1] - ladder[0])


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.sampled_from([4, 10, 25]))
def test_expirations_are_fridays_ahead(today, n):
    """Expirations are distinct Fridays after today, in order, within about two years."""
    dates = expirations(np.datetime64(today), n).tolist()
    assert len(set(dates)) == n
    assert dates == sorted(dates)
    assert dates[0] > today
    assert {day.weekday() for day in dates} == {4}
    assert 365 < (dates[-1] - today).days < 800


@given(SPOTS, MONEYNESS, YEARS, st.floats(0.1, 0.8))
def test_the_smile_stays_within_reason(spot, moneyness, years, level):
    """No strike gets a volatility of nothing or of more than 300 %."""
    volatility = smile(spot, np.array([spot * moneyness]), np.array([years]), level)[0]
    assert 0.05 <= volatility <= 3


@given(st.integers(-100_000, 100_000))
def test_odds_come_back_from_their_probability(odds):
    """Odds survive the way to a probability and back, except that +100 is written -100."""
    assume(abs(odds) >= 100)
    expected = -100 if odds == 100 else odds
    assert american_odds(implied_probability(odds)) == expected


@given(st.floats(0.001, 0.999))
def test_a_probability_comes_back_from_its_odds(probability):
    """Rounding to whole odds moves a probability by less than a quarter of a point."""
    back = float(implied_probability(american_odds(probability)))
    assert back == pytest.approx(probability, abs=0.0025)


@pytest.mark.parametrize(("odds", "probability"), [(150, 0.4), (-120, 6 / 11), (-100, 0.5)])
def test_odds_mean_what_the_readme_of_the_data_says(odds, probability):
    """+150 wins 150 on 100; -120 stakes 120 to win 100."""
    assert implied_probability(odds) == pytest.approx(probability)


@pytest.mark.parametrize("odds", [0, 99, -99])
def test_odds_below_a_hundred_do_not_exist(odds):
    """What cannot be American odds is an error, not a probability."""
    with pytest.raises(ValueError, match="100 or more"):
        implied_probability(odds)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certainty_has_no_odds(probability):
    """A sure thing cannot be priced."""
    with pytest.raises(ValueError, match="strictly between"):
        american_odds(probability)
