"""Our clients at simulated providers, over real sockets, for what is timed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import httpx

from ava.net.client import Client
from ava.net.http import open_http
from ava.net.limiter import LocalLimiter
from ava.net.spec import ProviderSpec
from ava.section import Secret
from perf.claim import Plan
from perf.instruments.bench import Bench
from perf.lab.providers import Simulation
from perf.sample import Measurement


class Desk:
    """Our clients at simulated providers whose clock runs `pace` times as fast.

    What it opens belongs to the measurement's event loop: `ending` closes it there.
    """

    def __init__(self, simulation: Simulation, pace: float = 1.0) -> None:
        self._simulation, self._pace = simulation, pace
        self._opened: list[httpx.AsyncClient] = []
        self.running: list[asyncio.Task[None]] = []

    def client(self, spec: ProviderSpec) -> Client:
        """Return a client with the limits of `spec`, as fast as the provider's clock."""
        limits = tuple(replace(limit, per_s=limit.per_s / self._pace) for limit in spec.limits)
        http = open_http(spec.timeouts, connections=spec.concurrency)
        self._opened.append(http)
        return Client(
            replace(spec, base_url=self._simulation.url(spec.name), limits=limits),
            http,
            key=Secret(self._simulation.key(spec.name)),
            limiter=LocalLimiter(spec.name, limits),
            rng=random.Random(0),  # noqa: S311 - spreads retries
        )

    def ending(self, plan: Plan) -> Plan:
        """Return the plan with everything of this desk closed after it."""
        return Ending(plan, self._end)

    async def _end(self) -> None:
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        for http in self._opened:
            await http.aclose()


@dataclass(frozen=True, slots=True)
class Ending:
    """A plan after which something is closed, on the measurement's event loop."""

    plan: Plan
    end: Callable[[], Awaitable[None]]

    def measure(self, bench: Bench) -> Measurement:
        """Measure, and close whatever came of it."""
        try:
            return self.plan.measure(bench)
        finally:
            bench.call(self.end)
