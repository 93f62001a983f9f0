"""How each provider is."""

from __future__ import annotations

from datetime import UTC, datetime

from ava.api.route import Routes
from ava.core import Core
from ava.net.stats import ClientStats
from ava.services.fresh import Fresh
from ava.services.provider_desk import (
    BreakerView,
    LimiterView,
    ProviderDesk,
    ProvidersView,
    ProviderView,
    QuotaView,
)

_EXAMPLE = ProvidersView(
    providers=[
        ProviderView(
            provider="alpha_vantage",
            state="ok",
            latency_s=0.25,
            latency_p95_s=0.41,
            error_share=0.0,
            calls=ClientStats(requests=12, successes=12, cache_hits=31),
            breaker=BreakerView(
                state="closed", in_state_s=3600.0, failures=0, opened=0, rejected=0
            ),
            limiter=LimiterView(
                waiting=0,
                paused_s=0.0,
                granted=12,
                delayed=3,
                waited_s=2.4,
                refused=0,
                shared=True,
            ),
            quota=QuotaView(
                limit=25, used=12, left=13, resets_at=datetime(2026, 1, 6, 5, tzinfo=UTC)
            ),
        ),
        ProviderView(provider="finnhub", state="off", off="AVA_KEY_FINNHUB is not set"),
    ]
)


def routes(core: Core) -> Routes:
    """Return the route."""
    area = Routes("/api/v1/providers", "operation")
    desk = core.service(ProviderDesk)

    @area.get("", answers=ProvidersView, example=_EXAMPLE)
    async def providers() -> Fresh[ProvidersView]:
        """Show each provider's health, limits and spend, or why it is off."""
        return await desk.view()

    return area
