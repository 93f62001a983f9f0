"""An evening of games: scores are watched, and odds and predictions of what is to come."""

from random import Random

from loadtests.people import MARKETS, live_games, mixed
from perf.load.popularity import Popular
from perf.load.scenario import Ask, Phase, Scenario, error_rate, for_locust, hit_rate, memory, p95

_TOGETHER = 5  # markets of one card
_CARDS = Popular([MARKETS[first : first + _TOGETHER] for first in range(0, 200, _TOGETHER)])
_DAYS = Popular((7, 1, 3, 14))


def _upcoming(random: Random) -> Ask:
    return Ask("upcoming games", f"/api/v1/sports/upcoming?days={_DAYS.pick(random)}&limit=50")


def _predictions(random: Random) -> Ask:
    ids = ",".join(map(str, _CARDS.pick(random)))
    return Ask("predictions", f"/api/v1/sports/predictions?market_ids={ids}")


SCENARIO = Scenario(
    name="sports-day",
    title="An evening of games, from before the first to the last minutes",
    phases=(
        Phase("before the games", 10.0, rate=40, warmup_s=3.0),
        Phase("the games", 30.0, rate=120, warmup_s=1.0),
        Phase("the last minutes", 10.0, rate=240),
    ),
    asks=mixed([(live_games, 6), (_upcoming, 2), (_predictions, 2)]),
    thresholds=(
        p95(100, request="live games", phase="the games"),
        p95(100, request="live games", phase="the last minutes"),
        p95(100, request="upcoming games", phase="the games"),
        p95(500, request="predictions"),
        error_rate(0),
        hit_rate(85, phase="the games"),
        memory(300),
    ),
    users=120,
)

LoadTest = for_locust(SCENARIO)
