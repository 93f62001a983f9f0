"""The parts of the experiment: each judges every finder on the same series, and returns figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from perf.experiments.change_points import labelled, made
from perf.experiments.change_points.finders import Finder
from perf.experiments.change_points.score import (
    MARGIN,
    NARROW,
    Score,
    by_people,
    hits,
    pooled,
    share,
)

Finders = Mapping[str, Finder]

SEED = 20_260
EACH = 40  # series of each kind
SIZES = (3.0, 5.0, 8.0)  # deviations
JUMPS = (0.05, 0.1, 0.2, 0.5)  # of the level, in real noise
_RESAMPLES = 4000
_BEFORE, _AFTER = 60, 20
_LENGTH, _AT = 100, 60


def people(folder: Path, finders: Finders) -> dict[str, Any]:
    """Score the Turing series: each, the mean, and the mean with each left out in turn."""
    series = labelled.turing(folder)
    scores = {
        name: [
            by_people(one.people, said)
            for one, said in zip(series, finder([one.values for one in series]), strict=True)
        ]
        for name, finder in finders.items()
    }
    return {
        "series": {
            one.name: {name: _score(found[turn]) for name, found in scores.items()}
            for turn, one in enumerate(series)
        },
        "mean": {name: _mean(found) for name, found in scores.items()},
        "ahead_of": {
            name: _ahead([one.f1 for one in scores["ours"]], [one.f1 for one in found])
            for name, found in scores.items()
            if name != "ours"
        },
    }


def _score(score: Score) -> dict[str, float]:
    return {"precision": score.precision, "recall": score.recall, "f1": score.f1}


def _mean(scores: Sequence[Score]) -> dict[str, float]:
    """Return means over series; the mean F1 is of F1s, as in the paper."""
    rows = [_score(score) for score in scores]
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def _ahead(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    """Return the mean difference, its bootstrap interval over series, and it with one left out."""
    gaps = np.subtract(ours, theirs)
    picks = np.random.default_rng(SEED).integers(0, len(gaps), (_RESAMPLES, len(gaps)))
    low, high = np.quantile(gaps[picks].mean(axis=1), [0.025, 0.975])
    left_out = (gaps.sum() - gaps) / (len(gaps) - 1)
    return {
        "mean": float(gaps.mean()),
        "interval": [float(low), float(high)],
        "one_left_out": [float(left_out.min()), float(left_out.max())],
    }


def tiger(folder: Path, finders: Finders) -> dict[str, Any]:
    """Score TigerBeetle's throughput as Otava's authors describe it, without and with its slope."""
    values = labelled.tiger(folder)
    return {name: _tiger(finder([values])[0]) for name, finder in finders.items()}


def _tiger(said: Sequence[int]) -> dict[str, Any]:
    steps = frozenset(labelled.TIGER_STEPS)
    return {
        "found": list(said),
        "f1_steps": by_people([steps], said).f1,
        "f1_with_slope": by_people([steps | {labelled.TIGER_SLOPE}], said).f1,
        "dip_taken_for_a_step": hits([labelled.TIGER_DIP], said, 1) > 0,
    }


def known(finders: Finders) -> dict[str, Any]:
    """Score made series: those of the kinds the constants were chosen on, and unseen kinds."""
    return {
        "kinds the constants were chosen on, other seeds": _known(made.CHOSEN_ON, SEED, finders),
        "kinds never seen": _known(made.UNSEEN, SEED + 10, finders),
    }


def _known(kinds: dict[str, made.Noise], seed: int, finders: Finders) -> dict[str, Any]:
    stepped = made.make(kinds, EACH, seed=seed, stepped=True)
    level = made.make(kinds, EACH, seed=seed + 1, stepped=False)
    return {
        name: {
            **_score(_pooled(stepped, finder([one.values for one in stepped]))),
            **_alarms(level, finder([one.values for one in level])),
        }
        for name, finder in finders.items()
    }


def _pooled(series: Sequence[made.Made], said: Sequence[Sequence[int]]) -> Score:
    return pooled([one.steps for one in series], said)


def _alarms(series: Sequence[made.Made], said: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Return the share of series without a step in which one was found, in all and by kind."""
    pairs = list(zip(series, said, strict=True))
    kinds = dict.fromkeys(one.kind for one in series)
    return {
        "false_alarms": share(sum(bool(found) for _, found in pairs), len(pairs)),
        "false_alarms_by_kind": {
            kind: share(
                sum(bool(found) for one, found in pairs if one.kind == kind),
                sum(one.kind == kind for one in series),
            )
            for kind in kinds
        },
    }


def real_noise(folder: Path, finders: Finders) -> dict[str, Any]:
    """Judge hyper's figures in random order, as they are and with a known jump put in."""
    level = labelled.shuffled(folder, length=_LENGTH, each=8, seed=SEED + 20)
    found: dict[str, Any] = {name: {} for name in finders}
    for name, finder in finders.items():
        alarms = sum(map(bool, finder(level)))
        found[name]["false_alarms"] = share(alarms, len(level))
    for jump in JUMPS:
        moved = [[v * (1 + jump * (i >= _AT)) for i, v in enumerate(values)] for values in level]
        for name, finder in finders.items():
            near = sum(hits([_AT], said, MARGIN) for said in finder(moved))
            found[name][f"jump of {jump:.0%} found"] = share(near, len(moved))
    return found


def delay(finders: Finders) -> dict[str, Any]:
    """Count the runs after a step until it is first found, looking after every run."""
    found: dict[str, Any] = {name: {} for name in finders}
    for size in SIZES:
        series = made.single(size, EACH, seed=SEED + 30, before=_BEFORE, after=_AFTER)
        for name, finder in finders.items():
            found[name][f"{size:g} deviations"] = _delay(finder, series)
    return found


def _delay(finder: Finder, series: Sequence[tuple[float, ...]]) -> dict[str, Any]:
    prefixes = [values[: _BEFORE + seen] for values in series for seen in range(1, _AFTER + 1)]
    said = finder(prefixes)
    waits: list[int] = []
    for turn in range(len(series)):
        own = said[turn * _AFTER : (turn + 1) * _AFTER]
        seen = (n for n, points in enumerate(own, 1) if hits([_BEFORE], points, NARROW))
        if (first := next(seen, None)) is not None:
            waits.append(first)
    runs = median(waits) if waits else None
    return {"runs": runs, "found": share(len(waits), len(series))}
