"""A trading day in two minutes: people arrive, the market opens, trades, closes, and games begin.

The traffic moves with the day: before the open people read up on symbols, at the open all look at
the portfolio, at the close at what was traded, and in the evening at the games.
"""

from random import Random

from loadtests.people import (
    alerts,
    dashboard,
    dashboard_of_days,
    live_games,
    metadata,
    mixed,
    portfolio,
    recommendation,
    trades,
    warming,
)
from perf.load.scenario import Ask, Phase, Scenario, error_rate, for_locust, hit_rate, memory, p95

_DAY = (
    (
        Phase("in the night", 10.0, rate=5),
        warming(10.0),
    ),
    (
        Phase("before the open", 15.0, rate=40, warmup_s=5.0),
        mixed([(metadata, 6), (recommendation, 3), (portfolio, 2)]),
    ),
    (
        Phase("market opens", 20.0, rate=200),
        mixed([(portfolio, 8), (dashboard, 4), (alerts, 3), (metadata, 1)]),
    ),
    (
        Phase("trading", 40.0, rate=80),
        mixed([(portfolio, 4), (dashboard, 3), (metadata, 2), (alerts, 2), (dashboard_of_days, 1)]),
    ),
    (
        Phase("market closes", 20.0, rate=160),
        mixed([(portfolio, 4), (trades, 4), (dashboard, 2), (alerts, 1)]),
    ),
    (
        Phase("evening", 25.0, rate=60),
        mixed([(live_games, 6), (portfolio, 1), (recommendation, 1)]),
    ),
)  # fmt: skip


def _ask(random: Random, at_s: float) -> Ask:
    left_s = at_s
    for phase, ask in _DAY:
        if left_s < phase.duration_s:
            return ask(random, at_s)
        left_s -= phase.duration_s
    return _DAY[-1][1](random, at_s)


SCENARIO = Scenario(
    name="mixed-day",
    title="A trading day with its open and its close",
    phases=tuple(phase for phase, _ in _DAY),
    asks=_ask,
    thresholds=(
        p95(100, request="portfolio", phase="market opens"),
        p95(100, request="portfolio", phase="trading"),
        p95(100, request="trades", phase="market closes"),
        p95(100, request="live games", phase="evening"),
        p95(500, request="dashboard of days"),
        error_rate(0),
        hit_rate(85, phase="market opens"),
        hit_rate(85, phase="market closes"),
        memory(300),
    ),
    users=100,
)

LoadTest = for_locust(SCENARIO)
