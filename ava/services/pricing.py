"""What an option's price implies, by Black and Scholes: delta, and the chance to end worthless.

For providers that send an implied volatility and no greeks. European exercise, no dividends, and
one interest rate are assumed, as such tables are; the chances are those that the market prices in,
which are no forecast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ava.providers.market import Right

RATE = 0.04  # a year; a point more moves a month's delta by less than 0.005
YEAR_S = 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Chances:
    """An option's delta, and the probability that it ends out of the money."""

    delta: float
    out_of_the_money: float


def chances(  # noqa: PLR0913 - the terms of an option
    right: Right,
    *,
    spot: float,
    strike: float,
    years: float,
    volatility: float,
    rate: float = RATE,
) -> Chances:
    """Return what the market gives an option; everything but the rate must be above 0."""
    spread = volatility * math.sqrt(years)
    drift = math.log(spot / strike) + rate * years
    above = drift / spread + spread / 2  # d1
    ends_above = normal(above - spread)  # N(d2): the price ends above the strike
    if right is Right.CALL:
        return Chances(normal(above), 1.0 - ends_above)
    return Chances(normal(above) - 1.0, ends_above)


def normal(value: float) -> float:
    """Return the standard normal distribution function."""
    return math.erfc(-value / math.sqrt(2.0)) / 2.0
