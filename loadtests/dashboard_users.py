"""A hundred people at their dashboards, who ask far more often than their panels would.

The documents' panels ask 9.5 times a minute together; here each person asks once a second, so this
is a hundred at once who are six times as busy. One request in twenty is for what nobody has kept.
"""

from loadtests.people import PANELS, a_batch, after, dashboard_of_days, mixed
from perf.load.scenario import Phase, Scenario, error_rate, for_locust, hit_rate, memory, p95

_WARM_S = 5.0
_STEADY = mixed([*PANELS, (dashboard_of_days, 30)])
_CACHED = ("portfolio", "dashboard", "alerts", "trades", "live games", "metadata")

SCENARIO = Scenario(
    name="dashboard-users",
    title="A hundred users at their dashboards",
    phases=(
        Phase("warming", _WARM_S, rate=40),
        Phase("steady", 30.0, rate=100, warmup_s=2.0),
    ),
    asks=after(_WARM_S, mixed([*PANELS, (a_batch, 120)]), _STEADY),
    thresholds=(
        *(p95(100, request=name, phase="steady") for name in _CACHED),
        p95(500, request="dashboard of days", phase="steady"),
        error_rate(0),
        hit_rate(85, phase="steady"),
        memory(300),
    ),
    users=100,
)

LoadTest = for_locust(SCENARIO)
