"""The machine's noise: how far a comparison of a thing with itself strays from 1.

Measured at the start of each run with the same instrument the claims use, on the same two kinds
of work (processor, round trip to the database). It bounds what this machine can tell apart.
"""

from __future__ import annotations

import psycopg

from perf.instruments.bench import Bench
from perf.instruments.timing import Arm, Compare
from perf.lab.lab import Lab
from perf.sample import Kind, Measurement
from perf.stats import compare

COMPARISONS = 10  # of each kind of work
_ROUNDS = 24


class MachineNoise:
    """A plan of A/A comparisons; its samples are their ratios, by kind of work."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def measure(self, bench: Bench) -> Measurement:
        """Compare each kind of work with itself, several times."""
        with psycopg.connect(self._lab.dsn(), autocommit=True) as connection:
            work = {"cpu": _burn, "database": lambda: connection.execute("SELECT 1").fetchone()}
            ratios = {
                kind: [_ratio(bench, run) for _ in range(COMPARISONS)] for kind, run in work.items()
            }
        return Measurement(Kind.COUNT, "ratio", samples=ratios)


def noise_of(measurement: Measurement) -> float | None:
    """Return the relative noise: the largest distance from 1, the extreme of each kind left out.

    One of ten A/A comparisons may meet a hiccup that says nothing about the rest.
    """
    if measurement.kind is Kind.FAILURE:
        return None
    return max(sorted(abs(r - 1) for r in ratios)[-2] for ratios in measurement.samples.values())


def _ratio(bench: Bench, run: object) -> float:
    arm = Arm(run)  # type: ignore[arg-type]  # the lambdas differ in what they return
    plan = Compare(arm, arm, same=lambda *_: True, min_rounds=_ROUNDS, max_rounds=_ROUNDS)
    samples = plan.measure(bench).samples
    return compare(samples["before"], samples["after"], seed="noise").estimate


def _burn() -> int:
    return sum(i * i for i in range(20_000))
