"""The platform put together from its settings: what is shared is made once, and closed in order.

Nothing needs to be there. Without Redis the cache is memory and the speed limits are this process's
own; a provider without a key is off and says so when it is asked for. Who needs a provider takes it
from here, so that every outside call goes through the one gateway.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from ava.cache.memory import MemoryCache
from ava.cache.tiered import Cache
from ava.clock import Clock, SystemClock
from ava.net.gateway import Deployment, Gateway
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
from ava.redis import RedisLink
from ava.settings import Settings

LEDGER = "quotas.sqlite3"
# Where quotas are counted unless AVA_STATE_DIRECTORY says.
HOME = Path("~/.local/state/ava").expanduser()


class Providers:
    """Every provider behind one gateway, each made when first asked for.

    Asking for one that is off raises AuthenticationError, which names the setting it lacks.
    """

    def __init__(self, gateway: Gateway, *, plan: massive.Plan = massive.Plan.FREE) -> None:
        self.gateway = gateway
        self._plan = plan

    @cached_property
    def alpha_vantage(self) -> alpha_vantage.AlphaVantage:
        """Quotes, series, fundamentals and news: 25 calls a day."""
        return alpha_vantage.AlphaVantage(self.gateway.client(alpha_vantage.SPEC))

    @cached_property
    def finnhub(self) -> finnhub.Finnhub:
        """Quotes, profiles, news and earnings: 60 calls a minute."""
        return finnhub.Finnhub(self.gateway.client(finnhub.SPEC))

    @cached_property
    def odds(self) -> odds_api.OddsApi:
        """Odds and scores: 500 credits a month."""
        return odds_api.OddsApi(self.gateway.client(odds_api.SPEC))

    @cached_property
    def yahoo(self) -> yahoo.Yahoo:
        """Quotes, history and options, in batches."""
        door = self.gateway.client(yahoo.DOOR)
        return yahoo.Yahoo(self.gateway.client(yahoo.SPEC), door)

    @cached_property
    def robinhood(self) -> robinhood.Robinhood:
        """Positions and option market data of the token's account."""
        return robinhood.Robinhood(self.gateway.client(robinhood.SPEC))

    @cached_property
    def kalshi(self) -> kalshi.Kalshi:
        """Prediction markets."""
        return kalshi.Kalshi(self.gateway.client(kalshi.SPEC))

    @cached_property
    def massive(self) -> massive.Massive:
        """Prices and snapshots: 5 calls a minute, or 5 a second by the plan of the signals."""
        return massive.Massive(self.gateway.client(massive.spec(self._plan)))

    @cached_property
    def xai(self) -> chat.Chat:
        """Answers by Grok."""
        return chat.Chat(self.gateway.client(chat.XAI_SPEC))

    @cached_property
    def perplexity(self) -> chat.Chat:
        """Answers by Sonar, with sources."""
        return chat.Chat(self.gateway.client(chat.SONAR_SPEC))

    @cached_property
    def espn(self) -> espn.Espn:
        """Scoreboards."""
        return espn.Espn(self.gateway.client(espn.SPEC))


class Platform(Providers):
    """What a service works with: the providers, the cache they share, and the link to Redis."""

    def __init__(
        self,
        gateway: Gateway,
        cache: Cache,
        link: RedisLink | None,
        *,
        plan: massive.Plan = massive.Plan.FREE,
    ) -> None:
        super().__init__(gateway, plan=plan)
        self.cache = cache
        self.link = link

    @classmethod
    @asynccontextmanager
    async def open(  # noqa: PLR0913 - settings, and what a test replaces
        cls,
        settings: Settings,
        *,
        deployment: Deployment | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        urls: Mapping[str, str] | None = None,
        pace: float = 1.0,
    ) -> AsyncIterator[Platform]:
        """Open everything for the length of a block; `urls` and `pace` are for simulators.

        A Redis that is away does not fail the start: it is used when it is there.
        """
        clock = clock or SystemClock()
        async with AsyncExitStack() as stack:
            link = None
            if settings.redis.url is not None:
                link = RedisLink.open(settings.redis, clock=clock)
                stack.push_async_callback(link.aclose)
            memory = MemoryCache[Any](clock=clock)
            cache = await stack.enter_async_context(Cache(memory, link, clock=clock, rng=rng))
            gateway = Gateway(
                settings.keys,
                link=link,
                cache=cache,
                ledger=(settings.state.directory or HOME) / LEDGER,
                deployment=deployment,
                clock=clock,
                rng=rng,
                urls=urls,
                pace=pace,
            )
            stack.push_async_callback(gateway.aclose)
            yield cls(gateway, cache, link, plan=massive.Plan(settings.providers.massive_plan))
