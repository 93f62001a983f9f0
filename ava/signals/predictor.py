"""What a model says of the next price: a small interface, and the baseline that keeps it honest.

The baseline follows momentum and leans against stretch: `score = MOMENTUM * tanh(momentum / 2) -
REVERSION * tanh(stretch / 2)`, between -1 and 1. The price it predicts is one step of the symbol's
own volatility away, scaled by the score; its confidence is the score's size, shrunk while few
prices are known. It is no advice: it exists so that the loop has a model whose every figure can be
checked by hand, and so that a better one has something to be better than.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ava.signals.features import Features
from ava.signals.history import Floats

MOMENTUM = 0.6
REVERSION = 0.4
FLAT = 0.1  # scores nearer to zero say neither up nor down
FULL = 32  # prices from which confidence is no longer shrunk


@dataclass(frozen=True, slots=True)
class Predictions:
    """One value a symbol: the predicted price, the score (below zero is down), and confidence.

    NaN is "cannot say", with a confidence of 0.
    """

    price: Floats
    score: Floats
    confidence: Floats


class Predictor(Protocol):
    """A model; `name` goes with everything it says."""

    name: str

    def predict(self, seen: Features) -> Predictions:
        """Return what it says of each symbol, in the order of the features."""
        ...


class Baseline:
    """Momentum against mean reversion; the same for the same prices and seed.

    `noise` is the deviation of a random part of the score, from a generator of its own (004
    PERF-007): 0 for none.
    """

    name = "baseline-1"

    def __init__(self, *, noise: float = 0.0, seed: int = 0) -> None:
        self._noise = noise
        self._rng = np.random.default_rng(seed)

    def predict(self, seen: Features) -> Predictions:
        """Score all symbols at once."""
        score = MOMENTUM * np.tanh(seen.momentum / 2) - REVERSION * np.tanh(seen.stretch / 2)
        if self._noise:
            score = np.clip(score + self._rng.normal(0, self._noise, score.shape), -1, 1)
        price = seen.price * np.exp(score * seen.volatility)
        known = np.isfinite(price)
        confidence = np.where(known, np.abs(score) * np.minimum(1.0, seen.count / FULL), 0.0)
        return Predictions(price, score, confidence)
