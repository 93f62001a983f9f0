"""A hundred people at their dashboards, who ask far more often than their panels would.

The documents' panels ask 9.5 times a minute together. Here each person asks once a second: a
hundred at once, and six times as busy. One request in twenty is for what nobody has kept. Each
console has a WebSocket open, on which the heartbeat must be heard.
"""

from loadtests.people import PANELS, after, dashboard_of_days, mixed, warming
from perf.load.scenario import (
    Listeners,
    Phase,
    Scenario,
    error_rate,
    for_locust,
    hit_rate,
    memory,
    p95,
)

_SYMBOLS_S, _PANELS_S = 10.0, 6.0
_STEADY = mixed([*PANELS, (dashboard_of_days, 30)])
_CACHED = ("portfolio", "dashboard", "alerts", "trades", "live games", "metadata")

SCENARIO = Scenario(
    name="dashboard-users",
    title="A hundred users at their dashboards",
    phases=(
        Phase("symbols", _SYMBOLS_S, rate=5),
        Phase("panels", _PANELS_S, rate=40),
        Phase("steady", 30.0, rate=100, warmup_s=2.0),
    ),
    asks=after(_SYMBOLS_S, warming(_SYMBOLS_S), _STEADY),
    thresholds=(
        *(p95(100, request=name, phase="steady") for name in _CACHED),
        p95(500, request="dashboard of days", phase="steady"),
        error_rate(0),
        hit_rate(85, phase="steady"),
        memory(300),
    ),
    users=100,
    listeners=Listeners(number=100, path="/api/v1/stream", heartbeat_s=25.0),
)

LoadTest = for_locust(SCENARIO)
