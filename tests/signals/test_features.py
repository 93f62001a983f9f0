"""The measures of prices, and what the baseline makes of them."""

import numpy as np
import pytest

from ava.signals.features import LEAST, features
from ava.signals.history import History
from ava.signals.predictor import FULL, MOMENTUM, REVERSION, Baseline


def seen(*series, window=16):
    """Return the features of one symbol for each series."""
    history = History(window=window)
    names = [f"S{number}" for number in range(len(series))]
    for name, prices in zip(names, series, strict=True):
        for price in prices:
            history.append(name, price)
    return features(*history.last(names))


def test_the_measures_are_those_of_the_definitions():
    """Worked out by hand with the standard library's statistics."""
    prices = [100.0, 101, 100, 102, 103, 102, 104, 105, 104]
    found = seen(prices, window=9)
    returns = np.diff(np.log(prices))
    deviation = returns.std(ddof=1)
    assert found.volatility[0] == pytest.approx(deviation)
    assert found.momentum[0] == pytest.approx(returns[-8:].mean() / deviation * 8**0.5)
    assert found.stretch[0] == pytest.approx((104 - np.mean(prices)) / np.std(prices, ddof=1))


def test_too_few_prices_say_nothing():
    """Unknown is not zero."""
    found = seen([100.0 + n for n in range(LEAST - 1)], [])
    assert np.isnan(found.momentum).all()
    assert np.isnan(found.stretch).all()


def test_a_price_that_never_moved_has_no_momentum():
    """Nothing divided by nothing is unknown."""
    assert np.isnan(seen([100.0] * 16).momentum).all()


def test_symbols_do_not_touch_each_other():
    """The features of one are the same whoever stands beside it."""
    rising, falling = [100.0 + n**1.1 for n in range(16)], [100.0 - n**1.1 for n in range(16)]
    both, alone = seen(rising, falling), seen(rising)
    assert both.momentum[0] == alone.momentum[0]
    assert both.momentum[1] < 0 < both.momentum[0]


def test_the_baseline_cannot_say_without_prices():
    """A confidence of zero, and no price."""
    said = Baseline().predict(seen([100.0]))
    assert said.confidence.tolist() == [0.0]
    assert np.isnan(said.price).all()


def test_the_baseline_is_its_formula():
    """Momentum against stretch, one deviation of a step away."""
    found = seen([100.0, 101, 100, 102, 103, 102, 104, 105, 104, 106, 107], window=16)
    said = Baseline().predict(found)
    score = MOMENTUM * np.tanh(found.momentum / 2) - REVERSION * np.tanh(found.stretch / 2)
    assert said.score == pytest.approx(score)
    assert said.price == pytest.approx(found.price * np.exp(score * found.volatility))
    assert said.confidence == pytest.approx(np.abs(score) * 11 / FULL)


def test_noise_is_the_seeds_own():
    """The same seed says the same, and another one something else."""
    found = seen([100.0, 101, 100, 102, 103, 102, 104, 105, 104])
    first = Baseline(noise=0.1, seed=1).predict(found).score
    assert first == Baseline(noise=0.1, seed=1).predict(found).score
    assert first != Baseline(noise=0.1, seed=2).predict(found).score
