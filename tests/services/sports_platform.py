"""A platform at simulated providers of sports and earnings, on the 5th of January 2026."""

from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

from ava.clock import ManualClock
from ava.core import Core
from ava.section import Secret
from ava.settings import (
    ApiSettings,
    DatabaseSettings,
    ProviderKeys,
    ProviderSettings,
    RedisSettings,
    Settings,
    StateSettings,
)
from perf.lab.providers import Simulation

DAY = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
NAMES = ("espn", "odds_api", "finnhub", "alpha_vantage")
KEYED = ("odds_api", "finnhub", "alpha_vantage")
API_KEY = "desk:open-sesame"


def simulated():
    """Return the providers, whose limits are so wide that no test waits for them."""
    return Simulation(*NAMES, seed=1, pace=100, today=DAY)


def settings(simulation, dsn, directory, *, keys=KEYED, redis=None, pool_max=4):
    """Return the settings of a platform with the keys to these providers."""
    urls = ",".join(f"{name}={simulation.url(name)}" for name in NAMES)
    return Settings(
        database=DatabaseSettings(url=Secret(dsn), pool_min=1, pool_max=pool_max),
        providers=ProviderSettings(urls=urls, pace=100),
        keys=ProviderKeys(**{name: Secret(simulation.key(name)) for name in keys}),
        redis=RedisSettings(url=redis and Secret(redis), timeout_s=60),
        state=StateSettings(directory=directory),
        api=ApiSettings(keys=Secret(API_KEY)),
    )


@asynccontextmanager
async def opened(simulation, dsn, directory, *, start=NOW, **how):
    """Open such a platform; its clock jumps over what waits."""
    clock = ManualClock(start, jump=True)
    async with Core.open(settings(simulation, dsn, directory, **how), clock=clock) as core:
        yield core
