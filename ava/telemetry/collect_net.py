"""Metrics of the providers: requests, health, breakers, limiters, quotas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ava.net.breaker import BreakerState
from ava.telemetry.families import counter, gauge

if TYPE_CHECKING:
    from ava.core import Core
    from ava.net.client import Client
    from ava.net.gateway import ProviderHealth

# "unused" has no figure: nothing is known.
_STATES: Final[Mapping[str, float]] = {"ok": 1.0, "degraded": 0.5, "down": 0.0}
_SOURCE: Final = ("source",)


class ProviderCollector(Collector):
    """Every provider that was asked for, under the documents' names for requests and status."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        gateway = self._core.platform.gateway
        health = gateway.health()
        yield from _documented(health)
        yield from _exchanges(health)
        yield from _breakers(gateway.clients)
        yield from _quotas(gateway.clients)


def _documented(health: Mapping[str, ProviderHealth]) -> Iterator[Metric]:
    yield counter(
        "argo_data_source_requests",
        "API requests, by how they ended.",
        by=("source", "outcome"),
        of=[
            ((name, outcome), number)
            for name, one in health.items()
            for outcome, number in (
                ("success", one.stats.successes),
                ("failure", one.stats.failures),
            )
        ],
    )
    yield gauge(
        "argo_data_source_status",
        "Data source health: 1 is ok, 0.5 degraded, 0 down; absent while it is unused.",
        by=_SOURCE,
        of=[((name,), _STATES.get(one.state)) for name, one in health.items()],
    )


def _exchanges(health: Mapping[str, ProviderHealth]) -> Iterator[Metric]:
    yield gauge(
        "ava_provider_latency_seconds",
        "Quantiles over the last exchanges.",
        by=("source", "quantile"),
        of=[
            ((name, quantile), value)
            for name, one in health.items()
            for quantile, value in (("0.5", one.latency_s), ("0.95", one.latency_p95_s))
        ],
    )
    yield counter(
        "ava_provider_retries",
        "Attempts after the first.",
        by=_SOURCE,
        of=[((name,), one.stats.retries) for name, one in health.items()],
    )
    yield gauge(
        "ava_limiter_waiting",
        "Callers that wait for their turn.",
        by=_SOURCE,
        of=[((name,), one.waiting) for name, one in health.items()],
    )
    yield gauge(
        "ava_limiter_paused_seconds",
        "How long nobody is served yet.",
        by=_SOURCE,
        of=[((name,), one.paused_s) for name, one in health.items()],
    )


def _breakers(clients: Mapping[str, Client]) -> Iterator[Metric]:
    stats = {
        name: client.gate.breaker.stats()
        for name, client in sorted(clients.items())
        if client.gate.breaker is not None
    }
    yield gauge(
        "ava_breaker_state",
        "1 for the state that the breaker is in.",
        by=("source", "state"),
        of=[
            ((name, state.value), float(one.state is state))
            for name, one in stats.items()
            for state in BreakerState
        ],
    )
    yield counter(
        "ava_breaker_opened",
        "Times that the breaker opened.",
        by=_SOURCE,
        of=[((name,), one.opened) for name, one in stats.items()],
    )
    yield counter(
        "ava_breaker_rejected",
        "Calls that it did not let through.",
        by=_SOURCE,
        of=[((name,), one.rejected) for name, one in stats.items()],
    )


def _quotas(clients: Mapping[str, Client]) -> Iterator[Metric]:
    stats = {
        name: client.gate.quota.stats()
        for name, client in sorted(clients.items())
        if client.gate.quota is not None
    }
    yield gauge(
        "ava_quota_left",
        "Units left of the quota, as last seen; absent while nothing is known.",
        by=_SOURCE,
        of=[((name,), one.left) for name, one in stats.items()],
    )
    yield gauge(
        "ava_quota_limit",
        "Units of a whole period.",
        by=_SOURCE,
        of=[((name,), one.limit) for name, one in stats.items()],
    )
