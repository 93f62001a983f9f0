"""Metric families in few words: what collectors yield, from figures they were handed.

A family without samples still says that it exists, by its HELP and TYPE lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from ava.telemetry.tallies import Labels, Tallies

Valued = Iterable[tuple[Labels, float | None]]


def counter(
    name: str, text: str, value: float | None = None, *, by: Sequence[str] = (), of: Valued = ()
) -> CounterMetricFamily:
    """Return a counter: one `value`, or values `of` the labels named in `by`."""
    family = CounterMetricFamily(name, text, labels=by)
    for labels, number in _all(value, of):
        family.add_metric(labels, number)
    return family


def gauge(
    name: str, text: str, value: float | None = None, *, by: Sequence[str] = (), of: Valued = ()
) -> GaugeMetricFamily:
    """Return a gauge: one `value`, or values `of` the labels named in `by`; None is left out."""
    family = GaugeMetricFamily(name, text, labels=by)
    for labels, number in _all(value, of):
        family.add_metric(labels, number)
    return family


def histogram(
    name: str,
    text: str,
    of: Iterable[tuple[Labels, Iterable[tuple[float, int]], float]],
    *,
    by: Sequence[str] = (),
) -> HistogramMetricFamily:
    """Return a histogram of (labels, cumulative counts by upper bound, sum in seconds)."""
    family = HistogramMetricFamily(name, text, labels=by)
    for labels, buckets, total_s in of:
        shown = [(_bound(bound), count) for bound, count in buckets]
        family.add_metric(labels, shown, total_s)
    return family


def tallied(
    name: str, text: str, tallies: Tallies, *, by: Sequence[str] = ()
) -> HistogramMetricFamily:
    """Return the histogram of tallies."""
    rows = [(labels, tallies.cumulative(one), one.total_s) for labels, one in tallies.items()]
    return histogram(name, text, rows, by=by)


def _bound(seconds: float) -> str:
    return "+Inf" if math.isinf(seconds) else str(float(seconds))


def _all(value: float | None, of: Valued) -> list[tuple[Labels, float]]:
    every = [*of] if value is None else [((), value), *of]
    return [(labels, number) for labels, number in every if number is not None]
