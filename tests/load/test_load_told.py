"""What a server tells of itself is read from Prometheus's text form."""

from __future__ import annotations

import math

from perf.demonstration import Figures
from perf.load.told import Spread, parse, spread_from, spread_json

FIGURES = Figures(
    path="/metrics",
    requests="http_seconds",
    aside=("route", "/metrics"),
    hits=("fast_total", "cache_total"),
    misses=("misses_total",),
    loop_lag="lag_seconds",
    pool={"in_use": "pool_in_use"},
)
TEXT = """# HELP http_seconds Requests.
# TYPE http_seconds histogram
http_seconds_bucket{le="0.1",route="/a"} 3.0
http_seconds_bucket{le="+Inf",route="/a"} 4.0
http_seconds_count{route="/a"} 4.0
http_seconds_sum{route="/a"} 0.5
http_seconds_bucket{le="0.1",route="/b \\"}"} 1.0
http_seconds_bucket{le="+Inf",route="/b \\"}"} 1.0
http_seconds_count{route="/b \\"}"} 1.0
http_seconds_sum{route="/b \\"}"} 0.05
http_seconds_count{route="/metrics"} 99.0
http_seconds_bucket{le="+Inf",route="/metrics"} 99.0
http_seconds_created{route="/a"} 1.7e9
# TYPE fast_total counter
fast_total 7.0
# TYPE cache_total counter
cache_total{tier="memory"} 2.0
cache_total{tier="redis"} 1.0
# TYPE misses_total counter
# TYPE pool_in_use gauge
pool_in_use 3.0
nonsense without end
"""


def test_series_are_added_up_over_their_labels():
    """Requests, hits and buckets are sums; those set aside are not among them."""
    told = parse(TEXT, FIGURES)
    assert told.requests == 5
    assert told.latency == Spread(5, 0.55, ((0.1, 4), (math.inf, 5)))
    assert told.hits == 10
    assert told.pool == {"in_use": 3}


def test_an_empty_family_is_zero_and_an_absent_one_unknown():
    """A counter that has counted nothing is not a counter that is not there."""
    told = parse(TEXT, FIGURES)
    assert told.misses == 0
    assert told.lag is None
    assert parse("", FIGURES).misses is None


def test_only_the_server_of_its_figures_was_asked():
    """A service that was asked for nothing but its figures has counted no request."""
    text = '# TYPE http_seconds histogram\nhttp_seconds_count{route="/metrics"} 2.0\n'
    assert parse(text, FIGURES).requests == 0


def test_the_difference_of_two_readings_is_what_came_between():
    """Quantiles of a stretch are read from its own counts."""
    before = Spread(10, 1.0, ((0.1, 10), (1.0, 10), (math.inf, 10)))
    after = Spread(20, 6.0, ((0.1, 12), (1.0, 20), (math.inf, 20)))
    between = after.since(before)
    assert between.mean_s == 0.5
    assert between.at_most_s(0.5) == 1.0
    assert before.since(before).mean_s is None


def test_a_histogram_survives_the_result():
    """JSON has no infinity; the last bound is read back all the same."""
    spread = Spread(5, 0.55, ((0.1, 4), (math.inf, 5)))
    assert spread_from(spread_json(spread)) == spread
