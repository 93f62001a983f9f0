"""What the harness itself costs: a bootstrap, a quantile interval, a verdict."""

from random import Random
from typing import Any

from perf.claim import at_least
from perf.sample import Kind, Measurement
from perf.stats import compare, quantile
from perf.verdict import judge


def _times(n: int) -> list[float]:
    rng = Random(1)  # noqa: S311 - invented times
    return [rng.lognormvariate(0, 0.1) for _ in range(n)]


def test_bootstrap_of_thirty_rounds(benchmark: Any) -> None:
    """A ratio with its interval."""
    benchmark(compare, _times(30), _times(30), seed="bench")


def test_median_interval_of_four_hundred_times(benchmark: Any) -> None:
    """A quantile with its interval."""
    benchmark(quantile, _times(400), 0.5)


def test_verdict_on_a_comparison(benchmark: Any) -> None:
    """A judgement from samples."""
    samples = {"before": _times(30), "after": _times(30)}
    measurement = Measurement(Kind.COMPARISON, "x", samples, equal=True)
    benchmark(judge, at_least(1, "x"), measurement, seed="bench")
