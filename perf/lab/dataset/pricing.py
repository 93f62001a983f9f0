"""Black-Scholes prices and greeks of European options, for whole chains at once.

One volatility serves the call and the put of a strike, so put-call parity holds to the last bit
that rounding leaves. Dividends and early exercise are left out: the lab needs consistent chains,
not a trading model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perf.lab.dataset.table import Floats

RATE = 0.04
_DAYS = 365.0


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Model values: `theta` a day, `vega` for one point (0.01) of volatility."""

    price: Floats
    delta: Floats
    gamma: Floats
    theta: Floats
    vega: Floats


def normal_cdf(values: Floats) -> Floats:
    """Return the standard normal distribution function of each value."""
    scaled = (values / -math.sqrt(2)).ravel().tolist()
    return np.fromiter(map(math.erfc, scaled), float, values.size).reshape(values.shape) / 2


def black_scholes(
    spot: float, strikes: Floats, years: Floats, volatility: Floats, calls: npt.NDArray[np.bool_]
) -> Quotes:
    """Value options of the given strikes, years to expiry, and annual volatilities."""
    root = np.sqrt(years)
    discounted = strikes * np.exp(-RATE * years)
    d1 = (np.log(spot / discounted) / (volatility * root)) + volatility * root / 2
    sign = np.where(calls, 1.0, -1.0)
    near, far = normal_cdf(sign * d1), normal_cdf(sign * (d1 - volatility * root))
    density = np.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    decay = spot * density * volatility / (2 * root)
    return Quotes(
        price=np.maximum(sign * (spot * near - discounted * far), 0.0),
        delta=sign * near,
        gamma=density / (spot * volatility * root),
        theta=-(decay + sign * RATE * discounted * far) / _DAYS,
        vega=spot * density * root / 100,
    )
