"""The market opens: everybody looks at the portfolio in the same half minute.

What is kept of it lives for thirty seconds, so the run is long enough for it to end twice while it
is asked for most.
"""

from loadtests.people import after, alerts, dashboard, mixed, portfolio
from perf.load.scenario import Phase, Scenario, error_rate, for_locust, hit_rate, memory, p95, p99

_BEFORE_S = 5.0

SCENARIO = Scenario(
    name="portfolio-open",
    title="Everybody opens the portfolio when the market opens",
    phases=(
        Phase("before the open", _BEFORE_S, rate=10),
        Phase("opening", 30.0, rate=200),
        Phase("after it", 30.0, rate=60),
    ),
    asks=after(
        _BEFORE_S,
        mixed([(portfolio, 1), (dashboard, 1)]),
        mixed([(portfolio, 6), (dashboard, 2), (alerts, 1)]),
    ),
    thresholds=(
        p95(100, request="portfolio", phase="opening"),
        p95(100, request="portfolio", phase="after it"),
        p99(500, request="portfolio"),
        p95(100, request="dashboard", phase="opening"),
        error_rate(0),
        hit_rate(85, phase="opening"),
        memory(300),
    ),
    users=200,
)

LoadTest = for_locust(SCENARIO)
