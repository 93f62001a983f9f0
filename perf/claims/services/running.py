"""A whole core for a measurement: opened on the measurement's event loop, and closed there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

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
from perf.claim import Plan
from perf.claims.providers.desk import Ending
from perf.lab.lab import Lab
from perf.lab.providers import Simulation

KEY = "claims-key"  # of the API
PACE = 1000.0  # of providers' limits, so that what is timed is the work and not the waiting


class Running:
    """Cores that last as long as a plan: `ending` closes them."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._stack = AsyncExitStack()

    async def core(
        self,
        *,
        dsn: str | None = None,
        redis_url: str | None = None,
        simulation: Simulation | None = None,
    ) -> Core:
        """Open a core of what is given."""
        settings = Settings(
            database=DatabaseSettings(url=None if dsn is None else Secret(dsn)),
            redis=RedisSettings(url=None if redis_url is None else Secret(redis_url)),
            keys=_keys(simulation),
            providers=_places(simulation),
            api=ApiSettings(keys=Secret(f"claims:{KEY}")),
            state=StateSettings(directory=Path(self._lab.scratch)),
        )
        return await self._stack.enter_async_context(Core.open(settings))

    def later(self, end: Callable[[], object]) -> None:
        """Call `end` when the cores are closed."""
        self._stack.callback(end)

    async def close(self) -> None:
        """Close the cores now."""
        await self._stack.aclose()

    def ending(self, plan: Plan) -> Plan:
        """Return the plan with the cores closed after it."""
        return Ending(plan, self.close)


def _keys(simulation: Simulation | None) -> ProviderKeys:
    """Return the keys of the simulated providers that want one."""
    if simulation is None:
        return ProviderKeys()
    wanted = set(ProviderKeys.__dataclass_fields__)
    names = [name for name in simulation.names if name in wanted]
    return ProviderKeys(**{name: Secret(simulation.key(name)) for name in names})


def _places(simulation: Simulation | None) -> ProviderSettings:
    if simulation is None:
        return ProviderSettings()
    urls = {name: simulation.url(name) for name in simulation.names}
    if "yahoo" in urls:
        urls["yahoo_door"] = urls["yahoo"]
    pairs = ",".join(f"{name}={url}" for name, url in urls.items())
    return ProviderSettings(urls=pairs, pace=PACE)
