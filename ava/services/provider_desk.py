"""How each provider is: its health, its limits, what is spent, or why it is off.

Every provider that the package knows has its place, found by its spec, so that one which is off is
seen to be off. What nobody asked yet is unused, and its figures are unknown.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from ava import providers
from ava.errors import AvaError
from ava.net.gateway import ProviderHealth, Spend
from ava.net.spec import ProviderSpec
from ava.net.stats import ClientStats
from ava.problems import Problem, problem_of
from ava.services.fresh import Fresh
from ava.settings import ProviderKeys

if TYPE_CHECKING:
    from ava.core import Core
    from ava.net.client import Client

SNAPSHOT_S: Final = 5.0  # figures move with every call; so often they are worth another look
TAG: Final = "providers"


class BreakerView(Struct, frozen=True, kw_only=True):
    """A breaker: its state and for how long, failures in a row, and counts since the start."""

    state: str
    in_state_s: float
    failures: int
    opened: int
    rejected: int


class LimiterView(Struct, frozen=True, kw_only=True):
    """A limiter: who waits, the rest of a pause, and counts since the start."""

    waiting: int
    paused_s: float
    granted: int
    delayed: int
    waited_s: float
    refused: int
    shared: bool


class QuotaView(Struct, frozen=True, kw_only=True):
    """A quota's period; `used` and `left` are null while the count cannot be known."""

    limit: int
    used: int | None
    left: int | None
    resets_at: datetime


class ProviderView(Struct, frozen=True, kw_only=True):
    """One provider. `off` is why it cannot be asked, null where it can.

    `state` is "off", "unused", "ok", "degraded" or "down"; null figures are unknown.
    """

    provider: str
    state: str
    off: str | None = None
    latency_s: float | None = None
    latency_p95_s: float | None = None
    error_share: float | None = None
    calls: ClientStats | None = None
    breaker: BreakerView | None = None
    limiter: LimiterView | None = None
    quota: QuotaView | None = None


class ProvidersView(Struct, frozen=True, kw_only=True):
    """Every provider by name; `problem` says why quotas are missing, where they are."""

    providers: list[ProviderView]
    problem: Problem | None = None


class ProviderDesk:
    """The providers of one platform."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def view(self) -> Fresh[ProvidersView]:
        """Return how every provider is."""
        problem, spend = None, dict[str, Spend]()
        try:
            spend = await self._core.platform.gateway.spend()
        except AvaError as error:  # a ledger that cannot be read: the rest is as good as ever
            problem = problem_of(error)
        health = self._core.platform.gateway.health()
        found = [self._one(name, health.get(name), spend.get(name)) for name in known()]
        whole = ProvidersView(providers=found, problem=problem)
        return Fresh(whole, SNAPSHOT_S if problem is None else 0.0, (TAG,))

    def _one(self, name: str, health: ProviderHealth | None, spend: Spend | None) -> ProviderView:
        gateway = self._core.platform.gateway
        if not gateway.offers(name):
            off = f"{ProviderKeys.key(name)} is not set"
            return ProviderView(provider=name, state="off", off=off)
        client = gateway.clients.get(name)
        if health is None or client is None:
            return ProviderView(provider=name, state="unused")
        return ProviderView(
            provider=name,
            state=health.state,
            latency_s=health.latency_s,
            latency_p95_s=health.latency_p95_s,
            error_share=health.error_share,
            calls=health.stats,
            breaker=_breaker(client),
            limiter=_limiter(client),
            quota=None if spend is None else _quota(spend),
        )


@cache
def known() -> Mapping[str, ProviderSpec]:
    """Return the specs of all providers by name."""
    found: dict[str, ProviderSpec] = {}
    for module in pkgutil.iter_modules(providers.__path__, f"{providers.__name__}."):
        held = vars(importlib.import_module(module.name)).values()
        found.update((one.name, one) for one in held if isinstance(one, ProviderSpec))
    return dict(sorted(found.items()))


def _breaker(client: Client) -> BreakerView | None:
    breaker = client.gate.breaker
    return (
        None
        if breaker is None
        else msgspec.convert(breaker.stats(), BreakerView, from_attributes=True)
    )


def _limiter(client: Client) -> LimiterView | None:
    limiter = client.gate.limiter
    return (
        None
        if limiter is None
        else msgspec.convert(limiter.stats(), LimiterView, from_attributes=True)
    )


def _quota(spend: Spend) -> QuotaView:
    return QuotaView(limit=spend.limit, used=spend.used, left=spend.left, resets_at=spend.resets_at)
