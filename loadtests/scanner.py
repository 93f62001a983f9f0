"""People who look for options to sell: by sector, by premium, by days to expiry.

A scan asks an outside provider for chains, whose limits no cache changes: its first time is bounded
by them and stands in the phase that warms. After it a scan is kept for as long as the market's
hours allow, and most people ask for a few well-known sectors.
"""

from random import Random

from loadtests.people import SYMBOLS, after, mixed
from perf.load.popularity import Mixed, Popular
from perf.load.scenario import Ask, Phase, Scenario, error_rate, for_locust, hit_rate, memory, p95

_WARM_S, _WALK_S = 20.0, 12.0
_A_SCAN = 10
_SHARES = (("options", 5), ("premium", 3), ("expiry", 2))
_VIEWS = Mixed(_SHARES)
_SCANS = Popular([",".join(SYMBOLS[first : first + _A_SCAN]) for first in range(0, 80, _A_SCAN)])
_FIRST = [(view, symbols) for symbols in _SCANS.keys for view, _ in _SHARES]


def _scan(random: Random) -> Ask:
    view = _VIEWS.pick(random)
    return Ask(f"{view} scan", f"/api/v1/scanner/{view}?symbols={_SCANS.pick(random)}")


def _first_scan(_random: Random, at_s: float) -> Ask:
    """Walk through all scans, so that none is left to be a first one later."""
    view, symbols = _FIRST[min(int(at_s / _WALK_S * len(_FIRST)), len(_FIRST) - 1)]
    return Ask("first scan", f"/api/v1/scanner/{view}?symbols={symbols}")


SCENARIO = Scenario(
    name="scanner",
    title="Sellers of options scan the market",
    phases=(
        Phase("first scans", _WARM_S, rate=4),
        Phase("steady", 30.0, rate=40, warmup_s=5.0),
    ),
    asks=after(_WARM_S, _first_scan, mixed([(_scan, 1)])),
    thresholds=(
        p95(100, request="options scan", phase="steady"),
        p95(100, request="premium scan", phase="steady"),
        p95(100, request="expiry scan", phase="steady"),
        error_rate(0),
        hit_rate(85, phase="steady"),
        memory(300),
    ),
    users=40,
)

LoadTest = for_locust(SCENARIO)
