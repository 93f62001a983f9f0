"""Prices of now for the loop: from the cache where they are fresh, the rest by one batch call.

A price is kept for as long as its market and its own volatility say (003.1: stocks 10 or 20 s
while the exchange is open, 300 s while it is closed; crypto 10 or 30 s round the clock), for all
processes that share the cache. What is missing is asked for together: Massive's snapshot, for those
who pay for it, then Yahoo, which needs no key, for whatever Massive did not know. Crypto is named
as a pair ("X:BTCUSD") and is Massive's only. A provider that fails leaves its symbols without a
price, with the reason; an older price is not made to look like a new one. A plan that lacks such
prices is not tried at each cycle: a free key of Massive has five calls a minute.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from msgspec import Struct

from ava.cache import ttls
from ava.cache.freshness import CRYPTO, STOCKS, Freshness, MarketRule, never
from ava.cache.keys import key
from ava.clock import Clock, SystemClock
from ava.errors import PlanError, ProviderError
from ava.platform import Platform
from ava.providers.asking import How
from ava.providers.market import Quote
from ava.signals.source import Snapshot, Tick

COIN = "X:"  # how the name of a pair of currencies begins
# Not through the client's own cache, which knows whole questions: here each symbol has its time.
# And ten seconds for one provider: a cycle that waits longer trades on nothing.
_HOW: How = {"keep": None, "deadline_s": 10.0}
# The batch of a cycle is one call; prices that end together keep it one.
_KEPT = replace(ttls.PRICES, jitter=0.0)
_PLAN_S = 3600.0  # until a provider whose plan lacks such prices is asked again
_PROVIDERS = ("massive", "yahoo", "yahoo_door")

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, Quote]]]


class Price(Struct, frozen=True, kw_only=True):
    """A price as the cache keeps it; `at` is the provider's moment, else that of its answer."""

    price: float
    at: datetime
    source: str


class MarketPrices:
    """A source over the providers of a platform; `is_volatile` answers for a symbol."""

    def __init__(
        self,
        platform: Platform,
        *,
        is_volatile: Callable[[str], bool] = never,
        clock: Clock | None = None,
    ) -> None:
        self._platform = platform
        self._clock = clock or SystemClock()
        stocks = Freshness(is_volatile=is_volatile, clock=self._clock)
        coins = Freshness.round_the_clock(is_volatile=is_volatile, clock=self._clock)
        self._lacking: dict[str, tuple[float, str]] = {}  # by provider: until when, and why
        self._markets: tuple[tuple[MarketRule, Freshness], ...] = (
            (STOCKS, stocks),
            (CRYPTO, coins),
        )

    async def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        """Return the prices of symbols, and of those without one the reason."""
        names = {key("price", symbol): symbol for symbol in symbols}
        before = self._calls()
        kept = await self._platform.cache.get_many(names, Price)
        found = {names[name]: price for name, price in kept.items()}
        wanted = [symbol for symbol in symbols if symbol not in found]
        missing: dict[str, str] = {}
        for is_coin in (False, True):
            part = [symbol for symbol in wanted if symbol.startswith(COIN) is is_coin]
            if part:
                fetched = await self._fetched(part, self._answerers(is_coin=is_coin), missing)
                await self._keep(fetched, *self._markets[is_coin])
                found |= fetched
        ticks = {symbol: Tick(price.price, price.at) for symbol, price in found.items()}
        return Snapshot(self._clock.now(), ticks, missing, self._calls() - before, "market")

    def _answerers(self, *, is_coin: bool) -> list[tuple[str, Ask]]:
        """Return who is asked, in order; one whose key is not set is not among them."""
        platform = self._platform
        every: list[tuple[str, Ask]] = [
            ("massive", lambda some: platform.massive.quotes(some, **_HOW)),
            ("yahoo", lambda some: platform.yahoo.quotes(some, **_HOW)),
        ]
        if is_coin:
            every = [("massive", lambda some: platform.massive.crypto(some, **_HOW))]
        return [(name, ask) for name, ask in every if platform.gateway.offers(name)]

    async def _fetched(
        self, symbols: Sequence[str], answerers: Iterable[tuple[str, Ask]], missing: dict[str, str]
    ) -> dict[str, Price]:
        """Return what somebody knows of the symbols; note of the others why nobody does."""
        found: dict[str, Price] = {}
        reasons: list[str] = []
        for provider, ask in answerers:
            left = [symbol for symbol in symbols if symbol not in found]
            if not left:
                break
            until, why = self._lacking.get(provider, (0.0, ""))
            if self._clock.monotonic() < until:
                reasons.append(why)
                continue
            try:
                quotes = await ask(left)
            except PlanError as error:
                reasons.append(f"{provider}: {error}")
                self._lacking[provider] = self._clock.monotonic() + _PLAN_S, reasons[-1]
                continue
            except ProviderError as error:
                reasons.append(f"{provider}: {error}")
                continue
            now = self._clock.now()
            found |= {
                symbol: Price(price=quote.price, at=quote.at or now, source=provider)
                for symbol, quote in quotes.items()
            }
            reasons.append(f"{provider} does not know it")
        why = "; ".join(reasons) or "no provider of such prices has a key"
        missing.update((symbol, why) for symbol in symbols if symbol not in found)
        return found

    async def _keep(
        self, prices: Mapping[str, Price], rule: MarketRule, freshness: Freshness
    ) -> None:
        """Keep prices together where they stay fresh equally long."""
        alike: dict[float, dict[str, Price]] = {}
        for symbol, price in prices.items():
            ttl_s = freshness.ttl_s(rule, symbol)
            alike.setdefault(ttl_s, {})[symbol] = price
        for ttl_s, group in alike.items():
            items = {key("price", symbol): price for symbol, price in group.items()}
            await self._platform.cache.put_many(items, replace(_KEPT, ttl_s=ttl_s))

    def _calls(self) -> int:
        """Return how often the providers of prices were asked so far."""
        health = self._platform.gateway.health()
        return sum(health[name].stats.requests for name in _PROVIDERS if name in health)
