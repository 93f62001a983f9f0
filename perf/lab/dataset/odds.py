"""American odds and the probabilities they stand for.

+150 wins 150 on a stake of 100, -120 stakes 120 to win 100. The probabilities of both sides of a
game sum to more than one; the excess is the bookmaker's margin. Between -100 and +100 there are no
odds, and an even chance is written -100.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perf.lab.dataset.table import Floats, Ints

_EVEN = 100


def implied_probability(odds: npt.ArrayLike) -> Floats:
    """Return the probability that American odds stand for, margin included.

    Raises ValueError for odds that do not exist, such as 0 or 50.
    """
    stakes = np.asarray(odds, dtype=np.float64)
    if np.any(np.abs(stakes) < _EVEN):
        raise ValueError("American odds are 100 or more, or -100 or less")
    size = np.abs(stakes)
    return np.where(stakes > 0, _EVEN / (size + _EVEN), size / (size + _EVEN))


def american_odds(probability: npt.ArrayLike) -> Ints:
    """Return the American odds nearest to a probability strictly between 0 and 1."""
    p = np.asarray(probability, dtype=np.float64)
    if np.any((p <= 0) | (p >= 1)):
        raise ValueError("a probability that odds can express lies strictly between 0 and 1")
    odds = np.where(p < 0.5, _EVEN * (1 - p) / p, -_EVEN * p / (1 - p))  # noqa: PLR2004 - even
    return np.rint(odds).astype(np.int64)
