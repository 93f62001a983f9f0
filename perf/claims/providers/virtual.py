"""A simulated provider and our client on one virtual clock, without a socket.

What a limit does over minutes is measured in milliseconds and comes out the same each time: the
provider's own class (`perf.lab.providers`) answers at the virtual moment a request arrives, and a
request travels for a seeded time there and back. Nothing waits for the machine, so a busy one
changes no figure. The clock moves on while a queue hands over, so waits come out longer than they
are, never shorter. Real sockets and processor time are left out, and each figure says so.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import httpx

from ava.cache.tiered import Cache
from ava.clock import ManualClock
from ava.net.client import Client
from ava.net.limiter import LocalLimiter
from ava.net.spec import ProviderSpec
from ava.section import Secret
from perf.lab.providers.market import day_of, market
from perf.lab.providers.provider import Grade, Outcome, Provider, Request, Terms
from perf.lab.providers.server import load

# Known to the lab's market with any seed.
SYMBOLS = (
    "AAPL", "AMZN", "GOOG", "JPM", "UNH", "BA", "XOM", "WMT",
    "NEE", "LIN", "AMT", "MSFT", "TSLA", "META", "BAC",
)  # fmt: skip
VIRTUAL = "a provider and a client on one virtual clock; each call travels 20-120 ms each way"
TRAVEL_S = (0.02, 0.12)  # one way: calls that left a window apart may arrive 0.1 s closer


@dataclass
class Virtual:
    """One provider with its clock, and what it saw: `outcomes` by kind, `arrived` by moment.

    `unmetered` lifts its quota of a day or month, so that only its limits on speed are met.
    """

    name: str
    seed: int = 0
    unmetered: bool = False
    travel_s: tuple[float, float] = TRAVEL_S
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    arrived: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(jump=True)
        self._rng = random.Random(self.seed)  # noqa: S311 - spreads travel times
        self._began = self.clock.now().timestamp()
        self.provider: Provider = load(self.name)(Terms(seed=self.seed, started=self._began))
        if self.unmetered and self.provider.credits is not None:
            self.provider.credits.limit = 10**9
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    @property
    def limited(self) -> int:
        """Return how many calls were refused for coming too fast or too often."""
        return self.outcomes[Outcome.LIMITED]

    @property
    def key(self) -> str:
        """Return a key that is good for everything."""
        return self.provider.key(Grade.FULL)

    @property
    def symbols(self) -> list[str]:
        """Return the stocks that the provider knows."""
        return list(market(self.seed, day_of(self._began)).symbols)

    def answered(self, within_s: float) -> int:
        """Return how many calls arrived in the first `within_s`; each was answered.

        Raises RuntimeError where one was not, since then the figure would mean something else.
        """
        if self.outcomes.keys() - {Outcome.OK}:
            raise RuntimeError(f"not every call was answered: {dict(self.outcomes)}")
        return sum(at < within_s for at in self.arrived)

    def client(self, spec: ProviderSpec, cache: Cache | None = None) -> Client:
        """Return our client with the limits of `spec`, without a quota or a breaker."""
        return Client(
            replace(spec, base_url="http://provider"),
            self.http,
            key=Secret(self.key),
            limiter=LocalLimiter(spec.name, spec.limits, clock=self.clock),
            cache=cache,
            clock=self.clock,
            rng=random.Random(self.seed),  # noqa: S311 - spreads retries
        )

    async def saturate(
        self, ask: Callable[[int], Awaitable[object]], within_s: float, callers: int = 20
    ) -> None:
        """Let `callers` ask one numbered question after the other until the time is over."""
        numbers = itertools.count()

        async def call() -> None:
            while self.clock.monotonic() < within_s:
                await ask(next(numbers))

        await asyncio.gather(*(call() for _ in range(callers)))

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Let the request travel, be answered, and the answer travel back."""
        await self.clock.sleep(self._rng.uniform(*self.travel_s))
        now = self.clock.now().timestamp()
        self.arrived.append(now - self._began)
        reply = self.provider.answer(_read(request), now)
        self.outcomes[reply.outcome] += 1
        await self.clock.sleep(self._rng.uniform(*self.travel_s))
        headers = [("content-type", reply.content_type), *reply.headers]
        return httpx.Response(reply.status, headers=headers, content=reply.body)


def _read(request: httpx.Request) -> Request:
    return Request(
        request.method,
        request.url.path,
        dict(request.url.params.multi_items()),
        {name.lower(): value for name, value in request.headers.items()},
        request.content,
    )
