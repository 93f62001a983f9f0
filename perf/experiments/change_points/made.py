"""Series with known steps, and series that have none, out of seeds.

Kinds of noise are what benchmarks show: heavy tails, spikes, two modes, few distinct values, runs
that resemble their neighbours, drift. Levels are in noise deviations around 100.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int], Floats]

LENGTHS = (20, 30, 60, 120, 240)
APART = 8  # figures between two steps at least
LEAST, MOST = 2.0, 6.0  # deviations of a step
_RUNS_A_STEP = 25
_TRIES = 40


@dataclass(frozen=True, slots=True)
class Made:
    """A series of one kind and the first figure after each of its steps."""

    kind: str
    values: tuple[float, ...]
    steps: tuple[int, ...]


def _spiky(rng: np.random.Generator, n: int) -> Floats:
    values = rng.normal(0, 1, n)
    spikes = rng.random(n) < 0.05  # noqa: PLR2004 - one in twenty
    values[spikes] += rng.exponential(10, int(spikes.sum()))
    return values


def _neighbourly(rng: np.random.Generator, n: int) -> Floats:
    values = rng.normal(0, 1, n)
    for turn in range(1, n):
        values[turn] = 0.4 * values[turn - 1] + 0.9 * values[turn]
    return values


def _restless(rng: np.random.Generator, n: int) -> Floats:
    """Noise that is three times as wide in every second stretch of fifteen."""
    return rng.normal(0, 1, n) * np.where(np.arange(n) // 15 % 2, 3.0, 1.0)


CHOSEN_ON: dict[str, Noise] = {
    "normal": lambda rng, n: rng.normal(0, 1, n),
    "heavy tails": lambda rng, n: rng.standard_t(3, n),
    "spikes": _spiky,
    "two modes": lambda rng, n: rng.normal(0, 0.3, n) + 2.0 * (rng.random(n) < 0.3),  # noqa: PLR2004
    "skewed": lambda rng, n: 1.2 * (rng.lognormal(0, 0.6, n) - 1),
    "like neighbours": _neighbourly,
    "few values": lambda rng, n: np.round(rng.normal(0, 1, n)),
    "drift": lambda rng, n: rng.normal(0, 1, n) + np.cumsum(rng.normal(0, 0.2, n)),
    "slope": lambda rng, n: rng.normal(0, 1, n) + np.linspace(0, 8, n),
}
UNSEEN: dict[str, Noise] = {
    "double exponential": lambda rng, n: rng.laplace(0, 0.7, n),
    "flat": lambda rng, n: rng.uniform(-1.7, 1.7, n),
    "restless": _restless,
    "weekly": lambda rng, n: rng.normal(0, 0.8, n) + np.sin(np.arange(n) * 2 * np.pi / 7),
    "spikes down": lambda rng, n: -_spiky(rng, n),
}


def make(kinds: dict[str, Noise], each: int, *, seed: int, stepped: bool) -> list[Made]:
    """Return `each` series of every kind, with steps of 2 to 6 deviations or with none."""
    rng = np.random.default_rng(seed)
    return [
        _series(rng, kind, noise, stepped) for kind, noise in kinds.items() for _ in range(each)
    ]


def _series(rng: np.random.Generator, kind: str, noise: Noise, stepped: bool) -> Made:  # noqa: FBT001
    n = int(rng.choice(LENGTHS))
    values = 100 + noise(rng, n)
    steps = _places(rng, n) if stepped else ()
    for place in steps:
        values[place:] += rng.choice([-1, 1]) * rng.uniform(LEAST, MOST)
    return Made(kind, tuple(values.tolist()), steps)


def _places(rng: np.random.Generator, n: int) -> tuple[int, ...]:
    """Return where steps are; one where no draw of more leaves them apart."""
    wanted = int(rng.integers(1, max(2, n // _RUNS_A_STEP) + 1))
    for _ in range(_TRIES):
        places = sorted(int(place) for place in rng.integers(6, n - 5, wanted))
        if all(after - before >= APART for before, after in pairwise(places)):
            return tuple(places)
    return (n // 2,)


def single(
    size: float, each: int, *, seed: int, before: int, after: int
) -> list[tuple[float, ...]]:
    """Return normal series that step once by `size` deviations, to see how soon that is found."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(each):
        values = 100 + rng.normal(0, 1, before + after)
        values[before:] += size
        found.append(tuple(values.tolist()))
    return found
