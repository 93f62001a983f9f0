"""Requests of a day, laid out beforehand, and what two caches make of them on one virtual clock.

Streams follow the documents where they say something (polling intervals, times to live, numbers of
users, calls a cycle) and are seeded; what they leave open is a field, so that a claim can show its
figure over a range of it. A replay asks the document's cache and ours the same questions in the
same order. Ours are the real memory caches: one in each process, and one that stands for Redis,
which all processes share and no restart empties; a real Redis keeps the same values for the same
times, and only its latency, which no hit rate knows, is left out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from ava.cache import ttls
from ava.cache.freshness import CRYPTO, STOCKS, Freshness
from ava.cache.keep import Keep
from ava.cache.memory import MISSING, MemoryCache
from ava.cache.movement import Volatility
from perf.claims.document.caching import PRICE_TTL_S, QueryCache

# The documents do not say how wild symbols are: daily deviations of large companies and coins.
_STOCK_DAILY, _COIN_DAILY, _SPREAD = 0.018, 0.035, 0.4
_SESSION_MIN, _DAY_MIN = 390, 1440


class Ask(NamedTuple):
    """One look-up: when, by which process, of what, and how long the answer may be kept."""

    at_s: float
    process: int
    key: str
    keep: Keep


class StreamClock:
    """A clock that stands where the stream is."""

    def __init__(self, start: datetime) -> None:
        self.at_s = 0.0
        self._start = start

    def monotonic(self) -> float:
        """Return the stream's seconds."""
        return self.at_s

    def now(self) -> datetime:
        """Return the stream's moment."""
        return self._start + timedelta(seconds=self.at_s)

    async def sleep(self, seconds: float) -> None:
        """Move on."""
        self.at_s += seconds


class DocumentCache:
    """000.4's dict in each process."""

    def __init__(self, clock: StreamClock, processes: int) -> None:
        self._clock = clock
        self._caches = [QueryCache(clock.monotonic) for _ in range(processes)]
        self.calls = 0

    def ask(self, ask: Ask) -> bool:
        """Look up in the process's own dict."""
        cache = self._caches[ask.process]
        if cache.get(ask.key):
            return True
        self.calls += 1
        cache.set(ask.key, "answer", ask.keep.ttl_s)
        return False

    def restart(self, process: int) -> None:
        """Lose what the process held."""
        self._caches[process] = QueryCache(self._clock.monotonic)


class OurCache:
    """Memory in each process over one store for all, with the tiered cache's jitter and refreshes.

    The values held are the moments from which a hit starts a fetch in the background.
    """

    def __init__(self, clock: StreamClock, processes: int) -> None:
        self._clock = clock
        self._rng = random.Random(0)  # noqa: S311 - spreads expiry
        self._near = [self._memory() for _ in range(processes)]
        self._shared = self._memory()
        self.calls = 0

    def ask(self, ask: Ask) -> bool:
        """Look up in memory, then in the shared store; fetch what neither has."""
        held = self._near[ask.process].peek(ask.key)
        due_s = self._from_shared(ask) if held is MISSING else held
        if due_s is None:
            self._fetch(ask)
            return False
        if ask.at_s >= due_s:
            self._refresh(ask)
        return True

    def restart(self, process: int) -> None:
        """Lose what the process held in memory."""
        self._near[process] = self._memory()

    def _memory(self) -> MemoryCache[float]:
        return MemoryCache(max_items=10_000, clock=self._clock)

    def _from_shared(self, ask: Ask) -> float | None:
        """Take a fresh value over; return when it is due, None where there is none."""
        entry = self._shared.entry(ask.key)
        if entry is None or entry.fresh_until <= ask.at_s:
            return None
        self._near[ask.process].put(ask.key, entry.value, ttl_s=entry.fresh_until - ask.at_s)
        return entry.value

    def _refresh(self, ask: Ask) -> None:
        """Fetch in the background, unless another process has done so."""
        due_s = self._from_shared(ask)
        if due_s is None or due_s <= ask.at_s:
            self._fetch(ask)

    def _fetch(self, ask: Ask) -> None:
        self.calls += 1
        keep = ask.keep
        ttl_s = keep.ttl_s * (1 - keep.jitter * self._rng.random())
        due_s = math.inf
        if keep.refresh_at < 1:
            due_s = ask.at_s + ttl_s - (1 - keep.refresh_at) * keep.ttl_s * (1 - keep.jitter)
        for cache in (self._shared, self._near[ask.process]):
            cache.put(ask.key, due_s, ttl_s=ttl_s)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay counted."""

    asks: int
    hits: int
    calls: int

    @property
    def hit_rate(self) -> float:
        """Return hits in percent of look-ups."""
        return 100 * self.hits / self.asks


Made = Callable[[StreamClock, int], DocumentCache | OurCache]


def replay(
    stream: Sequence[Ask],
    cache: Made,
    start: datetime,
    processes: int,
    restarts_s: Sequence[float] = (),
) -> Outcome:
    """Ask everything in turn; at each of `restarts_s` all processes start anew."""
    clock = StreamClock(start)
    asked = cache(clock, processes)
    left = sorted(restarts_s, reverse=True)
    hits = 0
    for ask in stream:
        while left and ask.at_s >= left[-1]:
            left.pop()
            for process in range(processes):
                asked.restart(process)
        clock.at_s = ask.at_s
        hits += asked.ask(ask)
    return Outcome(len(stream), hits, asked.calls)


@dataclass(frozen=True, slots=True)
class Desk:
    """People at their dashboards for a trading day, 9:00 to 17:00 in New York.

    All look at one account, as the documents' platform has one login at its broker. A panel polls
    as often as its value can change (001.4: refetchInterval = staleTime), alerts every 60 s. Which
    process answers is chance. `turns_s`: how often a person turns to a symbol, by Zipf's law.
    """

    users: int = 15  # 000: 10 to 20 were tested
    processes: int = 4
    turns_s: float = 60.0
    symbols: int = 500  # 000.15
    hours: float = 8.0
    seed: int = 0

    def stream(self, *, ahead: bool = True) -> list[Ask]:
        """Return the day's look-ups in order; without `ahead` nothing is refreshed early."""
        rng = random.Random(self.seed)  # noqa: S311 - a seeded stream, no secret
        asks = [ask for _ in range(self.users) for ask in (*self._polls(rng), *self._turns(rng))]
        asks.sort(key=lambda ask: ask.at_s)
        return asks if ahead else [_unhurried(ask) for ask in asks]

    def _polls(self, rng: random.Random) -> Iterator[Ask]:
        for name, keep, every_s in PANELS:
            at_s = rng.uniform(0, every_s)
            while at_s < self.hours * 3600:
                yield Ask(at_s, rng.randrange(self.processes), name, keep)
                at_s += every_s * rng.uniform(0.98, 1.02)  # timers of browsers drift

    def _turns(self, rng: random.Random) -> Iterator[Ask]:
        weights = list(accumulate(1 / rank for rank in range(1, self.symbols + 1)))
        names = range(self.symbols)
        at_s = rng.expovariate(1 / self.turns_s)
        while at_s < self.hours * 3600:
            symbol = rng.choices(names, cum_weights=weights)[0]
            for name, keep in SYMBOL_PANELS:
                yield Ask(at_s, rng.randrange(self.processes), f"{name}:{symbol}", keep)
            at_s += rng.expovariate(1 / self.turns_s)


# Panels of the dashboard: key, how long it is kept, how often it polls.
PANELS = (
    ("portfolio", ttls.PORTFOLIO, 30.0),
    ("summary", ttls.PORTFOLIO_SUMMARY, 60.0),
    ("activity", ttls.ACTIVITY, 30.0),
    ("performance", ttls.PERFORMANCE, 120.0),  # 001.4: useAnalyticsDashboard
    ("alerts", ttls.ALERTS, 60.0),  # 001.4: usePositionAlerts
    ("live-games", ttls.LIVE_GAMES, 30.0),
)
SYMBOL_PANELS = (("metadata", ttls.METADATA), ("recommendation", ttls.AI_RECOMMENDATION))


def _unhurried(ask: Ask) -> Ask:
    return ask._replace(keep=replace(ask.keep, refresh_at=1.0))


@dataclass(frozen=True, slots=True)
class Signals:
    """The signal system: instances (blue and green) that look every symbol's price up each cycle.

    003 counts about 36 calls a cycle at 29 % hits, which is 51 look-ups. A cycle's length varies by
    a tenth, with the work it finds.
    """

    cycle_s: float
    instances: int = 2
    stocks: int = 45
    coins: int = 6
    hours: float = 24.0
    seed: int = 0

    def fixed(self) -> list[Ask]:
        """Return the look-ups in order, kept for 003's base time."""
        return self._stream(lambda _symbol, _at_s: Keep(PRICE_TTL_S))

    def adaptive(self, start: datetime, like: Keep) -> list[Ask]:
        """Return the same look-ups, kept like `like` but as long as market and symbol allow."""
        prices = _Prices(self, start, like)
        return self._stream(prices.keep)

    def _stream(self, keep_of: Callable[[str, float], Keep]) -> list[Ask]:
        rng = random.Random(self.seed)  # noqa: S311 - a seeded stream, no secret
        moments = sorted(
            (at_s, instance)
            for instance in range(self.instances)
            for at_s in self._cycles(random.Random(rng.random()))  # noqa: S311 - same
        )
        names = [f"stock{n}" for n in range(self.stocks)] + [f"coin{n}" for n in range(self.coins)]
        return [
            Ask(at_s, instance, name, keep_of(name, at_s))
            for at_s, instance in moments
            for name in names
        ]

    def _cycles(self, rng: random.Random) -> Iterator[float]:
        at_s = rng.uniform(0, self.cycle_s)
        while at_s < self.hours * 3600:
            yield at_s
            at_s += self.cycle_s * rng.uniform(0.9, 1.1)


class _Prices:
    """Prices that walk, the volatility seen in them, and what it makes of times to live."""

    def __init__(self, signals: Signals, start: datetime, like: Keep) -> None:
        self._clock = StreamClock(start)
        self._rng = random.Random(signals.seed)  # noqa: S311 - walks of prices
        self._like = like
        self._volatility = Volatility()
        is_high = self._volatility.is_high
        self._stocks = Freshness(is_volatile=is_high, clock=self._clock)
        self._coins = Freshness.round_the_clock(is_volatile=is_high, clock=self._clock)
        self._minute = {
            **{f"stock{n}": walk_step(self._rng, coin=False) for n in range(signals.stocks)},
            **{f"coin{n}": walk_step(self._rng, coin=True) for n in range(signals.coins)},
        }
        self._price = dict.fromkeys(self._minute, (100.0, 0.0))

    def keep(self, symbol: str, at_s: float) -> Keep:
        """Return how long the price of a symbol is kept from that moment on."""
        price, since_s = self._price[symbol]
        step = self._minute[symbol] * math.sqrt((at_s - since_s) / 60)
        price *= math.exp(self._rng.gauss(0, step))
        self._price[symbol] = price, at_s
        self._volatility.saw(symbol, price, at_s)
        self._clock.at_s = at_s
        if symbol.startswith("coin"):
            return self._coins.keep(CRYPTO, symbol, like=self._like)
        return self._stocks.keep(STOCKS, symbol, like=self._like)


def walk_step(rng: random.Random, *, coin: bool) -> float:
    """Draw the deviation of a minute's return of some stock, or of some coin."""
    daily, minutes = (_COIN_DAILY, _DAY_MIN) if coin else (_STOCK_DAILY, _SESSION_MIN)
    return daily * rng.lognormvariate(0, _SPREAD) / math.sqrt(minutes)


def new_york_morning() -> datetime:
    """Return nine o'clock in New York on a Monday without a holiday near."""
    return datetime(2026, 3, 16, 13, 0, tzinfo=UTC)
