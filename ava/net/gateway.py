"""The one place through which every outside call goes.

It makes one client a provider, with the limiter, quota and breaker of its spec, and so knows each
provider's limits, health and spend. With a link to Redis the speed limits are shared by all
processes; quotas are kept in a ledger on this machine, and in Redis too where several machines use
one key. A provider whose key is not set is off: asking for its client says which setting it lacks.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ava.clock import Clock, SystemClock
from ava.errors import AuthenticationError, SettingsError
from ava.net.breaker import Breaker, BreakerState
from ava.net.client import Client
from ava.net.failover import Answered, Answerer, first_answer
from ava.net.http import open_http
from ava.net.ledger import LedgerQuota
from ava.net.limiter import Limiter, LocalLimiter
from ava.net.quota import Quota
from ava.net.shared_limiter import ON_WAY_S, SharedLimiter
from ava.net.shared_quota import SharedQuota
from ava.net.spec import Limit, ProviderSpec
from ava.net.stats import ClientStats
from ava.net.watch import Watch
from ava.section import Secret
from ava.settings import ProviderKeys, StateSettings

if TYPE_CHECKING:
    import httpx

    from ava.cache.tiered import Cache
    from ava.redis import RedisLink

T = TypeVar("T")

DEADLINE_S = 30.0  # for an answer from anybody
UNWELL = 0.2  # the share of failed exchanges from which a provider counts as degraded
_KEYED = frozenset(item.name for item in fields(ProviderKeys))


@dataclass(frozen=True, slots=True)
class Deployment:
    """How many share the limits of one key: processes on one Redis, and machines they run on.

    While Redis is away each process keeps to 1/`processes` of every speed limit.
    """

    processes: int = 8
    machines: int = 1


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How a provider is doing, by the last exchanges with it; None is unknown.

    `state` is "unused", "ok", "degraded" (a fifth of the exchanges failed, or it is being tried
    again) or "down" (its breaker is open). `waiting` callers stand in line; nobody is served for
    the next `paused_s`.
    """

    provider: str
    state: str
    latency_s: float | None
    latency_p95_s: float | None
    error_share: float | None
    breaker: BreakerState | None
    waiting: int
    paused_s: float
    stats: ClientStats


@dataclass(frozen=True, slots=True)
class Spend:
    """What is used and left of a provider's quota; None is unknown."""

    provider: str
    limit: int
    used: int | None
    left: int | None
    resets_at: datetime


class Gateway:
    """Clients by provider; close it with `aclose` when nobody asks any more.

    `ledger` is the file that quotas are counted in. `urls` replace base URLs by provider name, and
    `pace` says that such a provider's clock runs that many times as fast as ours: its speed limits
    are that much higher. Cache and link are shared, and closed by their owner.
    """

    def __init__(  # noqa: PLR0913 - the composition of everything a client needs
        self,
        keys: ProviderKeys,
        *,
        link: RedisLink | None = None,
        cache: Cache | None = None,
        ledger: Path | None = None,
        deployment: Deployment | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        urls: Mapping[str, str] | None = None,
        pace: float = 1.0,
    ) -> None:
        self._keys = keys
        self._link = link
        self._cache = cache
        self._ledger = ledger
        self._deployment = deployment or Deployment()
        self._clock = clock or SystemClock()
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._urls = dict(urls or {})
        self._pace = pace
        self._clients: dict[str, Client] = {}
        self._pools: list[httpx.AsyncClient] = []
        self._watch: Watch | None = None

    def offers(self, name: str) -> bool:
        """Say whether a provider can be asked: it needs no key, or its key is set."""
        return name not in _KEYED or getattr(self._keys, name) is not None

    def client(self, spec: ProviderSpec) -> Client:
        """Return the provider's one client, made at the first call.

        Raises AuthenticationError without its key, SettingsError for a quota without a ledger, and
        ValueError for another spec under a name that is taken.
        """
        spec = self._placed(spec)
        known = self._clients.get(spec.name)
        if known is None:
            known = self._clients[spec.name] = self._made(spec)
            known.watch_by(self._watch)
        elif known.spec != spec:
            raise ValueError(f"there is a client to {spec.name} already, by another spec")
        return known

    async def first(
        self, question: str, answerers: Sequence[Answerer[T]], *, deadline_s: float = DEADLINE_S
    ) -> Answered[T]:
        """Ask the named providers in order until one answers, as `ava.net.failover` tells."""
        return await first_answer(
            question, answerers, deadline_s=deadline_s, clock=self._clock, pause_s=self._pause_s
        )

    @property
    def clients(self) -> Mapping[str, Client]:
        """The clients there are, by provider."""
        return self._clients

    def watch_by(self, watch: Watch | None) -> None:
        """Have `watch` told of every exchange with every provider from now on."""
        self._watch = watch
        for client in self._clients.values():
            client.watch_by(watch)

    def health(self) -> dict[str, ProviderHealth]:
        """Return the health of every provider that has a client, by name."""
        return {name: _health(client) for name, client in sorted(self._clients.items())}

    async def spend(self) -> dict[str, Spend]:
        """Return what is used and left of every quota, by provider."""
        clients = sorted(self._clients.items())
        return {
            name: await _spend(name, client.gate.quota, client.spec.quota.limit)
            for name, client in clients
            if client.gate.quota is not None and client.spec.quota is not None
        }

    async def aclose(self) -> None:
        """Close every connection."""
        pools, self._pools = self._pools, []
        self._clients.clear()
        await asyncio.gather(*(pool.aclose() for pool in pools))

    def _placed(self, spec: ProviderSpec) -> ProviderSpec:
        limits = tuple(_paced(limit, self._pace) for limit in spec.limits)
        return replace(spec, base_url=self._urls.get(spec.name, spec.base_url), limits=limits)

    def _made(self, spec: ProviderSpec) -> Client:
        key = self._key(spec.name)
        guards = (self._limiter(spec), self._quota(spec))  # before anything needs closing
        pool = open_http(spec.timeouts, connections=spec.concurrency)
        self._pools.append(pool)
        return Client(
            spec,
            pool,
            key=key,
            limiter=guards[0],
            quota=guards[1],
            breaker=Breaker(spec.name, spec.breaker, clock=self._clock),
            cache=self._cache,
            clock=self._clock,
            rng=self._rng,
        )

    def _key(self, name: str) -> Secret | None:
        if name not in _KEYED:
            return None
        key: Secret | None = getattr(self._keys, name)
        if key is None:
            setting = ProviderKeys.key(name)
            raise AuthenticationError(f"{name} is off: {setting} is not set", provider=name)
        return key

    def _limiter(self, spec: ProviderSpec) -> Limiter:
        # One without limits still pauses when the provider says "too fast".
        if self._link is None or not spec.limits:
            return LocalLimiter(spec.name, spec.limits, clock=self._clock)
        share = 1 / self._deployment.processes
        return SharedLimiter(
            spec.name,
            spec.limits,
            self._link,
            clock=self._clock,
            share=share,
            on_way_s=ON_WAY_S,
        )

    def _quota(self, spec: ProviderSpec) -> Quota | None:
        if spec.quota is None:
            return None
        if self._ledger is None:
            setting = StateSettings.key("directory")
            raise SettingsError(
                f"{spec.name} has a quota, which must be counted across restarts: set {setting}"
            )
        self._ledger.parent.mkdir(parents=True, exist_ok=True)
        machines = self._deployment.machines
        if self._link is None or machines == 1:
            return LedgerQuota(spec.name, spec.quota, self._ledger, clock=self._clock)
        return SharedQuota(
            spec.name, spec.quota, self._link, self._ledger, machines=machines, clock=self._clock
        )

    def _pause_s(self, name: str) -> float:
        client = self._clients.get(name)
        limiter = None if client is None else client.gate.limiter
        return 0.0 if limiter is None else limiter.stats().paused_s


def _paced(limit: Limit, pace: float) -> Limit:
    return replace(limit, per_s=limit.per_s / pace)


def _health(client: Client) -> ProviderHealth:
    gate, recent = client.gate, client.recent
    breaker = None if gate.breaker is None else gate.breaker.stats().state
    share = recent.error_share()
    limiter = None if gate.limiter is None else gate.limiter.stats()
    return ProviderHealth(
        provider=client.spec.name,
        state=_state(breaker, share),
        latency_s=recent.latency_s(),
        latency_p95_s=recent.latency_s(0.95),
        error_share=share,
        breaker=breaker,
        waiting=gate.slots.waiting + (0 if limiter is None else limiter.waiting),
        paused_s=0.0 if limiter is None else limiter.paused_s,
        stats=client.stats(),
    )


def _state(breaker: BreakerState | None, error_share: float | None) -> str:
    if breaker is BreakerState.OPEN:
        return "down"
    if breaker is BreakerState.HALF_OPEN:
        return "degraded"
    if error_share is None:
        return "unused"
    return "degraded" if error_share >= UNWELL else "ok"


async def _spend(name: str, quota: Quota, limit: int) -> Spend:
    left = await quota.left()
    used = None if left is None else limit - left
    return Spend(name, limit, used, left, quota.stats().resets_at)
