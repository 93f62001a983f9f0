"""Where a series of figures took a step: change points, their size, and how surely.

A figure drifts, jitters, is wild once in a while, and now and then a commit moves it. Only the last
is a change point. So each piece between two steps is a level that may wander (a random walk seen
through noise, whose likelihood a Kalman filter gives), and the pieces are chosen to cost least in
sum (optimal partitioning: Jackson et al. 2005; steps beside a wandering level: Romano et al.,
DeCAFS, 2022). Three prices keep it honest:

- a step costs what a gain must exceed to be a false alarm in one series of a hundred, over all
  places where it might have been (the chi-square quantile at `ALARM / n`);
- one wild value costs at most `CLIP` squared and does not move the level (biweight loss: Fearnhead
  and Rigaill 2019), so it takes several runs to make a step;
- how much of the jitter is wandering is chosen from `SHARES` by the likelihood, at the price of one
  more parameter. A slow leak is then drift and no row of steps.

The constants were chosen on synthetic series (`perf/experiments/change_points` says how), not on
labelled ones. A change of slope is not a change point here. Nothing is random; equal input gives
equal output. Time grows with the square of the length: a second for about two thousand figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, median

import numpy as np
from numpy.typing import NDArray

ALARM = 0.01  # series without a step in which one may be found
CLIP = 3.0  # deviations beyond which a value counts as wild
SHARES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)  # of the variance between neighbours: what is wandering
FEWEST = 6  # figures below which no step can be told from chance
LEVEL = 20  # figures on each side that a step's size is taken from
_GRAIN = 1e-4  # of the level: what a series that repeats itself is taken to jitter

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A step: the first figure after it, the levels around it, and how sure it is.

    `relative` is the step as a share of the level before, None where that is zero. `confidence` is
    one minus the chance of such a gain anywhere in a series without a step.
    """

    index: int
    before: float
    after: float
    relative: float | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Steps:
    """What a series does: its steps, and the share of its jitter that is wandering."""

    points: tuple[ChangePoint, ...] = ()
    wandering: float = 0.0


@dataclass(frozen=True, slots=True)
class _Model:
    """Variances of a value around its level and of the level's move to the next, in spreads."""

    noise: float
    move: float


@dataclass(frozen=True, slots=True)
class _Fit:
    """How badly a piece is described: squared deviations, and the logarithms beside them."""

    misfit: float
    logs: float


def find(values: Sequence[float]) -> Steps:
    """Return the steps of a series, oldest figure first; raise ValueError unless all are finite."""
    series = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(series)):
        raise ValueError("a series with gaps has no neighbours: leave out what is not known")
    if len(series) < FEWEST:
        return Steps()
    even = series / math.sqrt(_spread(series))
    price = _price(len(series))
    tried = []
    for share in SHARES:
        cuts = _partition(even, model := _model(share), price)
        tried.append((_length(even, model, cuts), share, model, cuts))
    _, share, model, cuts = min(tried, key=lambda candidate: candidate[:2])
    edges = [0, *cuts, len(series)]
    points = tuple(
        _point(series, _sureness(even, model, around), around)
        for around in zip(edges, edges[1:], edges[2:], strict=False)
    )
    return Steps(points, share)


def _price(length: int) -> float:
    """Return the gain that chance reaches somewhere in `length` places once in 1 / ALARM series."""
    return NormalDist().inv_cdf(1 - ALARM / length / 2) ** 2


def _spread(series: Floats) -> float:
    """Return the variance of the difference of neighbours, whatever steps and wild values say.

    From quantiles of the absolute differences. The median alone fails where a series jumps between
    two modes, the third quartile alone where many values are wild: the larger of both stands. Few
    figures know their spread badly, so theirs is taken for larger.
    """
    steps = np.abs(np.diff(series))
    deviation = max(np.quantile(steps, p) / NormalDist().inv_cdf((1 + p) / 2) for p in (0.5, 0.75))
    floor = _GRAIN * abs(float(np.median(series)))
    few = 1 + 4 / len(series)
    return max(float(deviation) ** 2 * few, floor**2, np.finfo(np.float64).tiny * 1e6)


def _model(share: float) -> _Model:
    """Divide the variance of neighbours, which is one: what does not wander is noise, twice."""
    return _Model(noise=max(1 - share, 1e-6) / 2, move=share)


def _partition(series: Floats, model: _Model, price: float) -> list[int]:
    """Return the first index of each piece but the first, for the cheapest pieces.

    All pieces that might be open are followed at once, one filter each. A piece may begin with
    a wild value, so each has two beginnings: at its first figure, or, for `CLIP` squared, at its
    second.
    """
    length, wild = len(series), CLIP**2
    best, start_of = np.empty(length + 1), np.empty(length + 1, dtype=np.int64)
    best[0] = -price  # the first piece is not a step
    level, doubt, cost = (np.empty(2 * length) for _ in range(3))
    start = np.empty(2 * length, dtype=np.int64)
    n_open = 0
    for now, value in enumerate(series):
        _follow(level[:n_open], doubt[:n_open], cost[:n_open], value, model)
        for first, extra in ((now, 0.0), (now - 1, wild))[: 1 + (now > 0)]:
            level[n_open], doubt[n_open] = value, model.noise
            cost[n_open], start[n_open] = best[first] + price + extra, first
            n_open += 1
        cheapest = int(np.argmin(cost[:n_open]))
        best[now + 1], start_of[now + 1] = cost[cheapest], start[cheapest]
    return _cuts(start_of)


def _follow(level: Floats, doubt: Floats, cost: Floats, value: float, model: _Model) -> None:
    """Let every open piece see the next value, in place: a wild one costs and teaches nothing."""
    doubt += model.move
    variance = doubt + model.noise
    error = value - level
    misfit = error * error / variance
    gain = np.where(misfit < CLIP**2, doubt / variance, 0.0)
    cost += np.minimum(misfit, CLIP**2)
    level += gain * error
    doubt *= 1 - gain


def _cuts(start_of: NDArray[np.int64]) -> list[int]:
    """Walk back from the end, from the beginning of each piece to the piece before."""
    cuts, end = [], len(start_of) - 1
    while (end := int(start_of[end])) > 0:
        cuts.append(end)
    return cuts[::-1]


def _length(series: Floats, model: _Model, cuts: Sequence[int]) -> float:
    """Return the length of a description by which the models are compared.

    A step is two numbers, where and how far, and wandering is one: half a logarithm each (Rissanen
    1978), doubled as the misfit is.
    """
    log_n = math.log(len(series))
    fits = [_fit(series[start:end], model) for start, end in pairwise([0, *cuts, len(series)])]
    numbers = 2 * len(cuts) + (model.move > 0)
    return numbers * log_n + sum(fit.misfit + fit.logs for fit in fits)


def _fit(piece: Floats, model: _Model) -> _Fit:
    """Describe one piece by a filter of its own, beginning at its first figure or its second."""
    fit = _filtered(piece, model)
    if len(piece) == 1:
        return fit
    late = _filtered(piece[1:], model)
    late = _Fit(late.misfit + CLIP**2, late.logs)
    return min(fit, late, key=lambda one: one.misfit)


def _filtered(piece: Floats, model: _Model) -> _Fit:
    level, doubt = float(piece[0]), model.noise
    misfit = logs = 0.0
    for value in piece[1:].tolist():
        doubt += model.move
        variance = doubt + model.noise
        error = value - level
        deviation = error * error / variance
        logs += math.log(variance)
        misfit += min(deviation, CLIP**2)
        if deviation < CLIP**2:
            gain = doubt / variance
            level += gain * error
            doubt *= 1 - gain
    return _Fit(misfit, logs)


def _sureness(series: Floats, model: _Model, around: tuple[int, int, int]) -> float:
    """Return one minus the chance that two pieces gain so much, at any place, and are one.

    The gain of a step that is none is chi-square of one degree of freedom.
    """
    start, cut, end = around
    apart = _fit(series[start:cut], model).misfit + _fit(series[cut:end], model).misfit
    gain = max(0.0, _fit(series[start:end], model).misfit - apart)
    return 1 - min(1.0, len(series) * math.erfc(math.sqrt(gain / 2)))


def _point(series: Floats, sureness: float, around: tuple[int, int, int]) -> ChangePoint:
    start, cut, end = around
    before = median(series[max(start, cut - LEVEL) : cut].tolist())
    after = median(series[cut : min(end, cut + LEVEL)].tolist())
    relative = after / before - 1 if before else None
    return ChangePoint(cut, before, after, relative, sureness)
