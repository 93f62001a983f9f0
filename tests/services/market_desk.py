"""A platform at simulated providers of market data, on the 5th of January 2026 in the morning."""

from contextlib import asynccontextmanager
from datetime import date

from ava.clock import ManualClock
from ava.core import Core
from ava.section import Secret
from ava.settings import ProviderKeys, ProviderSettings, RedisSettings, Settings, StateSettings
from perf.lab.providers import Simulation

DAY = date(2026, 1, 5)  # the market of New York opens at half past nine, which is 14:30 UTC
PACE = 100.0
NAMES = ("yahoo", "robinhood", "finnhub", "xai", "perplexity")


def simulated():
    """Return the providers, whose clock and limits run a hundred times as fast."""
    return Simulation(*NAMES, seed=1, pace=PACE, today=DAY)


def settings(simulation, directory, *, keys=(), redis=None, **sections):
    """Return the settings of a platform with some of the keys."""
    urls = {name: simulation.url(name) for name in NAMES}
    urls["yahoo_door"] = urls["yahoo"]
    return Settings(
        providers=ProviderSettings(
            urls=",".join(f"{name}={url}" for name, url in urls.items()), pace=PACE
        ),
        keys=ProviderKeys(**{name: Secret(simulation.key(name)) for name in keys}),
        redis=RedisSettings(url=redis and Secret(redis), timeout_s=60),
        state=StateSettings(directory=directory),
        **sections,
    )


@asynccontextmanager
async def opened(simulation, directory, **how):
    """Open such a platform; without Redis its clock stands, and jumps over what waits."""
    clock = ManualClock(jump=True) if how.get("redis") is None else None
    async with Core.open(settings(simulation, directory, **how), clock=clock) as core:
        yield core


def paths(simulation, name="yahoo"):
    """Return the paths that a provider was asked for data by, with how often."""
    counted = simulation.counts(name).by_path
    return {path: n for path, n in counted.items() if path not in {"/", "/v1/test/getcrumb"}}
