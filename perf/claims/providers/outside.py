"""Every provider of the platform on its simulator, with one question each.

What the client promises, it promises of all providers: claims ask each the same way, and compare
what comes back with what it says when nothing is wrong.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from ava.clock import ManualClock
from ava.net.client import Client
from ava.net.gateway import Gateway
from ava.net.spec import ProviderSpec
from ava.providers import (
    alpha_vantage,
    chat,
    espn,
    finnhub,
    kalshi,
    massive,
    odds_api,
    robinhood,
    yahoo,
)
from ava.providers.games import League
from ava.section import Secret
from ava.settings import ProviderKeys
from perf.claims.providers.virtual import SYMBOLS
from perf.lab.providers import Simulation


class Ask(Protocol):
    """A question to one provider, in several wordings: equal ones at one moment are one call."""

    def __call__(self, n: int = 0) -> Awaitable[Any]:
        """Ask it in its `n`-th wording."""
        ...


SPECS: Mapping[str, ProviderSpec] = {
    spec.name: spec
    for spec in (
        alpha_vantage.SPEC,
        espn.SPEC,
        finnhub.SPEC,
        kalshi.SPEC,
        massive.SPEC,
        odds_api.SPEC,
        chat.SONAR_SPEC,
        robinhood.SPEC,
        chat.XAI_SPEC,
        yahoo.SPEC,
    )
}


def question(client: Client) -> Ask:
    """Return a question to the client's provider; nothing is kept between two askings of it."""
    return _FACES[client.spec.name](client)


def keys(simulation: Simulation) -> ProviderKeys:
    """Return the keys of the providers that want one."""
    wanted = [item.name for item in fields(ProviderKeys) if item.name in simulation.names]
    return ProviderKeys(**{name: Secret(simulation.key(name)) for name in wanted})


@dataclass
class Outside:
    """Simulated providers with neither limits nor quotas in the way, each behind its own gateway.

    `changed` replaces parts of every spec. With `jumping`, waits take no time: each provider has a
    clock of its own that jumps over them, while what goes over the wire takes the time it takes.
    """

    simulation: Simulation
    changed: Mapping[str, Any] = field(default_factory=dict)
    jumping: bool = False
    clocks: dict[str, ManualClock] = field(default_factory=dict)
    gateways: list[Gateway] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in self.simulation.names:
            self.simulation.set_limits(name)
            if SPECS[name].quota is not None:
                self.simulation.set_credits(name, 1_000_000)

    def client(self, name: str) -> Client:
        """Return a new client of the provider."""
        free = replace(SPECS[name], limits=(), quota=None, **self.changed)
        clock = None
        if self.jumping:
            clock = self.clocks[name] = ManualClock(datetime.now(UTC), jump=True)
        urls = {name: self.simulation.url(name)}
        gateway = Gateway(keys(self.simulation), urls=urls, clock=clock, rng=random.Random(1))  # noqa: S311 - spreads retries
        self.gateways.append(gateway)
        return gateway.client(free)

    def questions(self) -> dict[str, Ask]:
        """Return one question a provider, each to a new client."""
        return {name: question(self.client(name)) for name in self.simulation.names}

    async def aclose(self) -> None:
        """Close every connection."""
        for gateway in self.gateways:
            await gateway.aclose()
        self.gateways.clear()


async def outcomes(questions: Mapping[str, Ask]) -> dict[str, Any]:
    """Ask all at once and return values and errors by provider."""
    found = await asyncio.gather(*(ask() for ask in questions.values()), return_exceptions=True)
    return dict(zip(questions, found, strict=True))


def _symbol(n: int) -> str:
    return SYMBOLS[n % len(SYMBOLS)]


def _alpha_vantage(client: Client) -> Ask:
    face = alpha_vantage.AlphaVantage(client)
    return lambda n=0: face.quote(_symbol(n), keep=None)


def _espn(client: Client) -> Ask:
    face, leagues = espn.Espn(client), list(League)
    return lambda n=0: face.games(leagues[n % len(leagues)], keep=None)


def _finnhub(client: Client) -> Ask:
    face = finnhub.Finnhub(client)
    return lambda n=0: face.quote(_symbol(n), keep=None)


def _kalshi(client: Client) -> Ask:
    face, states = kalshi.Kalshi(client), (None, "open", "closed", "settled")
    return lambda n=0: face.list_markets(status=states[n % len(states)], keep=None)


def _massive(client: Client) -> Ask:
    face = massive.Massive(client)
    return lambda n=0: face.quote(_symbol(n), keep=None)


def _odds_api(client: Client) -> Ask:
    face = odds_api.OddsApi(client)
    return lambda n=0: face.sports(inactive=bool(n % 2), keep=None)


def _perplexity(client: Client) -> Ask:
    face = chat.Chat(client)
    return lambda n=0: face.complete(f"Is {_symbol(n)} up?", model="sonar")


def _robinhood(client: Client) -> Ask:
    face = robinhood.Robinhood(client)
    return lambda n=0: face.quotes([_symbol(n)], keep=None)


def _xai(client: Client) -> Ask:
    face = chat.Chat(client)
    return lambda n=0: face.complete(f"Is {_symbol(n)} up?", model="grok-4")


def _yahoo(client: Client) -> Ask:
    face = yahoo.Yahoo(client)
    return lambda n=0: face.quotes([_symbol(n)], keep=None)


_FACES: Mapping[str, Callable[[Client], Ask]] = {
    "alpha_vantage": _alpha_vantage,
    "espn": _espn,
    "finnhub": _finnhub,
    "kalshi": _kalshi,
    "massive": _massive,
    "odds_api": _odds_api,
    "perplexity": _perplexity,
    "robinhood": _robinhood,
    "xai": _xai,
    "yahoo": _yahoo,
}
