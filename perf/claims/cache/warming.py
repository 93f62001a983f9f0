"""Rows I1 and K7: fetching ahead what comes next, and what is popular, before it is asked for.

What is fetched ahead is a call as well, so calls are counted beside hits. The next-key model is
tried on published traces, some of which have an order to learn and some of which have none; it must
find out by itself. A fetch made ahead is taken to arrive before the next request, as it does where
requests are further apart than a provider's answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from statistics import fmean
from typing import Any, NamedTuple

from ava.cache.memory import MISSING, MemoryCache
from ava.cache.next_key import NextKeys
from ava.cache.popularity import Popularity
from ava.cache.ttls import METADATA
from ava.cache.warming import Moment, Warmer, WarmingRule
from perf.claim import Category, Plan, at_least, at_most, claim, prepare
from perf.claims.cache.streams import StreamClock, new_york_morning
from perf.instruments import Count, Counted
from perf.lab.lab import Lab, Profile
from perf.lab.policies.traces import read_trace, trace_files

_SMALLEST = 16
_SHARES = {Profile.QUICK: (0.05,), Profile.FULL: (0.01, 0.05, 0.25)}
_REQUESTS = {Profile.QUICK: 5_000, Profile.FULL: 30_000}


class Request(NamedTuple):
    """One look-up: when, by whom, of what, and how long the answer may be kept."""

    at_s: float
    who: str
    key: str
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What a replay counted; `ahead` are the calls made before anybody asked."""

    asks: int
    hits: int
    ahead: int

    @property
    def calls(self) -> int:
        """Return all fetches."""
        return self.asks - self.hits + self.ahead

    @property
    def rate(self) -> float:
        """Return hits in percent of look-ups."""
        return 100 * self.hits / self.asks


def _replay(requests: Iterable[Request], capacity: int, model: NextKeys | None) -> Seen:
    """Look everything up in the memory cache, and fetch ahead what the model says."""
    clock = StreamClock(new_york_morning())
    cache: MemoryCache[None] = MemoryCache(max_items=capacity, clock=clock)
    ttl_of: dict[str, float] = {}
    asks = hits = ahead = 0

    def held(key: str) -> bool:
        entry = cache.entry(key)
        return entry is not None and clock.at_s < entry.fresh_until

    for at_s, who, key, ttl_s in requests:
        clock.at_s, ttl_of[key] = at_s, ttl_s
        asks += 1
        if cache.peek(key) is MISSING:
            cache.put(key, None, ttl_s=ttl_s)
        else:
            hits += 1
        for expected in () if model is None else model.saw(key, held, who):
            cache.put(expected, None, ttl_s=ttl_of[expected])
            ahead += 1
    return Seen(asks, hits, ahead)


@dataclass(frozen=True, slots=True)
class Case:
    """One stream without and with the model."""

    name: str
    capacity: int
    without: Seen
    ahead: Seen

    @property
    def lift(self) -> float:
        """Return the points of hit ratio gained."""
        return self.ahead.rate - self.without.rate

    def row(self) -> list[Any]:
        """Return the case as a row of the evidence."""
        more = 100 * (self.ahead.calls / self.without.calls - 1)
        rates = [round(self.without.rate, 2), round(self.ahead.rate, 2), round(self.lift, 2)]
        return [self.name, self.capacity, *rates, self.ahead.ahead, round(more, 2)]


_COLUMNS = [
    "stream",
    "keys held",
    "hits without, %",
    "hits with, %",
    "lift, points",
    "fetched ahead",
    "more calls in all, %",
]


def _case(name: str, requests: Sequence[Request], capacity: int) -> Case:
    without = _replay(requests, capacity, None)
    return Case(name, capacity, without, _replay(requests, capacity, NextKeys()))


def _traces(lab: Lab) -> Iterator[Case]:
    for path in trace_files():
        keys = read_trace(path, _REQUESTS[lab.profile])
        requests = [Request(0.0, "", key, 1e9) for key in keys]
        distinct = len(set(keys))
        for share in _SHARES[lab.profile]:
            capacity = max(_SMALLEST, round(distinct * share))
            yield _case(path.name.partition(".")[0], requests, capacity)


@prepare("next keys")
def next_keys(lab: Lab) -> dict[str, Any]:
    """Replay every trace with and without the model, once for all figures."""
    cases = list(_traces(lab))
    ahead, without = (sum(getattr(c, s).calls for c in cases) for s in ("ahead", "without"))
    return {
        "lift": fmean(case.lift for case in cases),
        "worst": min(case.lift for case in cases),
        "cost": 100 * (ahead / without - 1),
        "rows": [case.row() for case in cases],
    }


def _on_traces(lab: Lab, figure: str, unit: str) -> Plan:
    seen = lab.prepared["next keys"]
    facts = {
        "before": "the memory cache alone",
        "after": "the same, and what the next-key model suggests is fetched ahead",
        "requests of each trace, at most": _REQUESTS[lab.profile],
        "sizes, as shares of the distinct keys": list(_SHARES[lab.profile]),
        "table": {"columns": _COLUMNS, "rows": seen["rows"]},
    }
    return Count(lambda: Counted(seen[figure], facts), unit, repeats=1)


@claim(
    id="I1.next-key.lift",
    rows=["I1"],
    title="Over real traces fetching the next key ahead adds 5 points of hit ratio on average",
    source="000 AI-1; the figure is a product target",
    category=Category.CACHING,
    target=at_least(5, "points"),
    needs=["next keys"],
)
def next_key_lift(lab: Lab) -> Plan:
    """Average over traces and sizes."""
    return _on_traces(lab, "lift", "points")


@claim(
    id="I1.next-key.worst",
    rows=["I1"],
    title="On no trace does fetching ahead cost more than a tenth of a point: it is off where it"
    " does not help",
    source="product target",
    category=Category.CACHING,
    target=at_least(-0.1, "points"),
    needs=["next keys"],
)
def next_key_worst(lab: Lab) -> Plan:
    """Take the least lift of all traces and sizes."""
    return _on_traces(lab, "worst", "points")


@claim(
    id="I1.next-key.cost",
    rows=["I1"],
    title="Over real traces fetching ahead makes at most 5 % more calls than it saves",
    source="product target",
    category=Category.CACHING,
    target=at_most(5, "% of calls"),
    needs=["next keys"],
)
def next_key_cost(lab: Lab) -> Plan:
    """Compare all calls, those ahead included, with the calls of the cache alone."""
    return _on_traces(lab, "cost", "% of calls")


# The panels of a symbol's page in the order they are opened: how likely the step is, and the ttl.
PANELS = (("quote", 1.0, 20.0), ("chain", 0.8, 60.0), ("news", 0.7, 300.0), ("filing", 0.6, 3600.0))
_STEP_S = 4.0


@dataclass(frozen=True, slots=True)
class Visits:
    """People who turn to symbols by Zipf's law and open one panel of its page after the other."""

    users: int = 20
    symbols: int = 500
    every_s: float = 30.0
    hours: float = 2.0
    seed: int = 0

    def requests(self) -> list[Request]:
        """Return all look-ups in order."""
        rng = random.Random(self.seed)  # noqa: S311 - a seeded stream, no secret
        asked = [ask for user in range(self.users) for ask in self._of(f"user{user}", rng)]
        return sorted(asked)

    def _of(self, who: str, rng: random.Random) -> Iterator[Request]:
        weights = list(accumulate(1 / rank for rank in range(1, self.symbols + 1)))
        at_s = rng.expovariate(1 / self.every_s)
        while at_s < self.hours * 3600:
            symbol = rng.choices(range(self.symbols), cum_weights=weights)[0]
            for panel, likely, ttl_s in PANELS:
                if rng.random() >= likely:
                    break
                yield Request(at_s, who, f"{panel}:{symbol}", ttl_s)
                at_s += _STEP_S
            at_s += rng.expovariate(1 / self.every_s)


@claim(
    id="I1.panels.lift",
    rows=["I1"],
    title="Where people open a symbol's panels in turn, fetching ahead adds 10 points of hit ratio",
    source="000 AI-1; the figure is a product target",
    category=Category.CACHING,
    target=at_least(10, "points"),
)
def panels_lift(lab: Lab) -> Plan:
    """Replay visits of two hours, or of a day, with each person a stream of the model."""

    def count() -> Counted:
        hours = 8.0 if lab.profile is Profile.FULL else 2.0
        cases = [
            _case(f"{users} users", Visits(users, hours=hours, seed=lab.seed).requests(), 10_000)
            for users in ((10, 20, 40) if lab.profile is Profile.FULL else (20,))
        ]
        chosen = next(case for case in cases if case.name == "20 users")
        facts = {
            "before": "the memory cache alone",
            "after": "the same, and what the next-key model suggests is fetched ahead",
            "stream": Visits.__doc__,
            "panels: name, likelihood of the step, ttl in s": [list(panel) for panel in PANELS],
            "hours": hours,
            "table": {"columns": _COLUMNS, "rows": [case.row() for case in cases]},
        }
        return Counted(chosen.lift, facts)

    return Count(count, "points", repeats=1)


_OPENS_S, _FIRST_S = 1800.0, 300.0  # after nine o'clock; and how long "first" lasts


@claim(
    id="K7.opening.hits",
    rows=["K7"],
    title="In the first five minutes of trading half of the look-ups hit what was warmed before",
    source="002.5, 000 AI-1; the figure is a product target",
    category=Category.CACHING,
    target=at_least(50, "% of hits"),
)
def opening_hits(lab: Lab) -> Plan:
    """Learn one day's favourites, warm a hundred before the next opening, and look up after it."""

    async def count() -> Counted:
        clock = StreamClock(new_york_morning())
        cold, warm = MemoryCache[None](clock=clock), MemoryCache[None](clock=clock)
        warmer = _learnt(clock, warm, lab.seed)
        day_s = timedelta(days=1).total_seconds()
        clock.at_s = day_s + _OPENS_S - WarmingRule().lead_s
        moment = await warmer.round_if_due()
        if moment is not Moment.BEFORE_OPENING:
            raise RuntimeError(f"the round was due for another reason: {moment}")
        ended_s = clock.at_s - day_s
        first = [r for r in _symbols(lab.seed + 1) if _OPENS_S <= r.at_s < _OPENS_S + _FIRST_S]
        warmed = {r.key for r in first if warm.entry(r.key) is not None}
        hits = {"before": 0, "after": 0}
        for request in first:
            clock.at_s = day_s + request.at_s
            hits["before"] += _asked(cold, request.key)
            hits["after"] += _asked(warm, request.key)
        facts = {
            "before": "nothing is ready at the opening: what was kept has ended over night",
            "after": "the hundred most popular symbols of the day before are fetched from 9:25 on",
            "hits": hits,
            "look-ups": len(first),
            "symbols looked up": len({r.key for r in first}),
            "symbols ready": len(warmed),
            "calls ahead": warmer.stats().fetched,
            "seconds before the opening when done": _OPENS_S - ended_s,
        }
        return Counted(100 * sum(r.key in warmed for r in first) / len(first), facts)

    return Count(count, "% of hits", repeats=1)


def _learnt(clock: StreamClock, cache: MemoryCache[None], seed: int) -> Warmer:
    """Return a warmer that saw one day's look-ups."""

    async def fetch(key: str) -> None:
        cache.put(key, None, ttl_s=METADATA.ttl_s)

    warmer = Warmer(
        fetch,
        lambda key: cache.entry(key) is not None,
        popularity=Popularity(clock=clock),
        clock=clock,
    )
    for request in _symbols(seed):
        clock.at_s = request.at_s
        warmer.saw(request.key)
    return warmer


def _asked(cache: MemoryCache[None], key: str) -> bool:
    """Look up, fetch what is missing, and say whether it was there."""
    if cache.peek(key) is not MISSING:
        return True
    cache.put(key, None, ttl_s=METADATA.ttl_s)
    return False


def _symbols(seed: int) -> list[Request]:
    """Return a day's turns to symbols, from nine o'clock on."""
    return [r for r in Visits(seed=seed, hours=8.0).requests() if r.key.startswith("quote:")]
