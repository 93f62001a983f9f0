"""What the last prices say, for many symbols at once.

Three measures, each without a unit so that symbols compare: momentum (the recent mean return in
standard errors), stretch (how many deviations the price is above its own mean) and volatility (the
deviation of one step's return). Where there are too few prices, or a price never moved, a measure
is NaN: unknown, not zero.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ava.signals.history import Floats, Ints

LEAST = 8  # prices; fewer returns say nothing about their deviation
RECENT = 8  # returns whose mean is the momentum


@dataclass(frozen=True, slots=True)
class Features:
    """One value a symbol of each measure; `price` is the last one, `count` how many there are."""

    price: Floats
    momentum: Floats
    stretch: Floats
    volatility: Floats
    count: Ints


def features(prices: Floats, counts: Ints) -> Features:
    """Return the measures of windows of prices, a row a symbol, oldest first, NaN before them."""
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # of rows without a price: they end as NaN
        returns = np.diff(np.log(prices), axis=1)
        volatility = np.nanstd(returns, axis=1, ddof=1)
        recent = returns[:, -RECENT:]
        momentum = np.nanmean(recent, axis=1) / volatility * np.sqrt(recent.shape[1])
        spread = np.nanstd(prices, axis=1, ddof=1)
        stretch = (prices[:, -1] - np.nanmean(prices, axis=1)) / spread
    unknown = (counts < LEAST) | ~(volatility > 0)
    for measure in (momentum, stretch, volatility):
        measure[unknown] = np.nan
    return Features(prices[:, -1].copy(), momentum, stretch, volatility, counts)
