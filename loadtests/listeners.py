"""A hundred consoles listen for news on WebSockets, and read what changed by HTTP.

Each has to hear a heartbeat now and then: 25 s apart unless the server was told otherwise.
"""

from loadtests.people import alerts, mixed, portfolio
from perf.load.scenario import Listeners, Phase, Scenario, error_rate, for_locust, memory, p95

SCENARIO = Scenario(
    name="listeners",
    title="A hundred consoles listen for news",
    phases=(Phase("listening", 60.0, rate=20, warmup_s=5.0),),
    asks=mixed([(portfolio, 1), (alerts, 1)]),
    thresholds=(
        p95(100, request="portfolio"),
        p95(100, request="alerts"),
        error_rate(0),
        memory(300),
    ),
    users=100,
    listeners=Listeners(number=100, path="/api/v1/stream", heartbeat_s=25.0),
)

LoadTest = for_locust(SCENARIO)
