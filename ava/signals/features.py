"""What the last prices say, for many symbols at once.

Three measures, each without a unit so that symbols compare: momentum (the recent mean return in
standard errors), stretch (how many deviations the price is above its own mean) and volatility (the
deviation of one step's return). Where there are too few prices, or a price never moved, a measure
is NaN: unknown, not zero.
"""

from __future__ import annotations

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
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.diff(np.log(prices), axis=1)
        recent = returns[:, -RECENT:]
        _, volatility = _moments(returns)
        drift, _ = _moments(recent)
        momentum = drift / volatility * np.sqrt(recent.shape[1])
        middle, spread = _moments(prices)
        stretch = (prices[:, -1] - middle) / spread
    unknown = (counts < LEAST) | ~(volatility > 0)
    for measure in (momentum, stretch, volatility):
        measure[unknown] = np.nan
    return Features(prices[:, -1].copy(), momentum, stretch, volatility, counts)


def _moments(rows: Floats) -> tuple[Floats, Floats]:
    """Return mean and deviation of each row's numbers; NaN where there are too few.

    numpy's own functions for rows with gaps cost ten times as much on the few symbols of a loop.
    """
    known = np.isfinite(rows)
    count = known.sum(axis=1)
    mean = np.where(known, rows, 0.0).sum(axis=1) / count
    away = np.where(known, rows - mean[:, None], 0.0)
    return mean, np.sqrt((away * away).sum(axis=1) / (count - 1))
