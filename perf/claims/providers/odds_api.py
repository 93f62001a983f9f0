"""Row C4: what The Odds API costs, how fast it is asked, and what its breaker does.

Counted on a virtual clock (`perf.claims.providers.virtual`), where an hour passes in milliseconds.
How many credits a cache saves depends on how often the same sport is looked at before its odds are
old, so the stream of views is stated with the figure, and the table shows it for other streams.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from ava.cache.memory import MemoryCache
from ava.cache.tiered import Cache
from ava.errors import CircuitOpenError, ProviderError
from ava.net.breaker import Breaker, BreakerState
from ava.net.client import Client
from ava.net.ledger import LedgerQuota
from ava.net.spec import Period, QuotaRule
from ava.providers import odds_api
from ava.providers.games import League
from ava.providers.odds_api import SPORT_KEYS, OddsApi
from ava.section import Secret
from perf.claim import Category, Plan, at_least, claim, exactly
from perf.claims.document.odds_api import OddsClient
from perf.claims.providers.virtual import VIRTUAL, Virtual
from perf.instruments import Count, Counted
from perf.lab.lab import Lab, Profile

USERS, VIEWS = 20, 5  # 000: ten to twenty users at once were tested
HOUR_S = 3_600.0
WORKERS = 4
POPULARITY = {
    League.NFL: 40,
    League.NBA: 30,
    League.NCAA_FOOTBALL: 20,
    League.NCAA_BASKETBALL: 10,
}
TTL_S = 900.0


@dataclass(frozen=True, slots=True)
class View:
    """One look at a league's odds, by a user whom one of the workers serves."""

    at_s: float
    league: League
    worker: int


def stream(seed: int, views: int) -> list[View]:
    """Return an hour's views in order: any moment, a popular league more often, any worker."""
    rng = random.Random(seed)  # noqa: S311 - makes up users
    leagues, weights = list(POPULARITY), list(POPULARITY.values())
    made = [
        View(rng.uniform(0, HOUR_S), rng.choices(leagues, weights)[0], rng.randrange(WORKERS))
        for _ in range(views)
    ]
    return sorted(made, key=lambda view: view.at_s)


async def credits_of(seed: int, views: list[View], way: str) -> int:
    """Return the credits that the provider charges for `views`; raise unless each is answered.

    Views come one after the other: they are seconds apart, and an answer is there sooner.
    """
    virtual = Virtual("odds_api", seed=seed, unmetered=True)
    look = _ours(virtual) if way == "ours" else _theirs(virtual, kept=way == "kept")
    for view in views:
        await virtual.clock.sleep(view.at_s - virtual.clock.monotonic())
        if not await look(view):
            raise RuntimeError("a view was left without odds")
    virtual.answered(HOUR_S)
    return virtual.provider.credits.total if virtual.provider.credits else 0


def _ours(virtual: Virtual) -> Callable[[View], Any]:
    """Return one process's client with its cache: all users ask it."""
    memory = MemoryCache[Any](clock=virtual.clock)
    chance = random.Random(0)  # noqa: S311 - spreads expiry
    cache = Cache(memory, clock=virtual.clock, rng=chance)
    api = OddsApi(virtual.client(odds_api.SPEC, cache))
    return lambda view: api.odds(view.league)


def _theirs(virtual: Virtual, *, kept: bool) -> Callable[[View], Any]:
    """Return the document's client, one a worker."""

    async def get(path: str, **params: str) -> Any:
        asked = {**params, "apiKey": virtual.key}
        answer = await virtual.http.get(f"http://provider{path}", params=asked)
        return answer.raise_for_status().json()

    clock = virtual.clock
    workers = [OddsClient(get, clock.monotonic, TTL_S if kept else None) for _ in range(WORKERS)]
    return lambda view: workers[view.worker].get_odds(SPORT_KEYS[view.league])


async def _charged(seed: int, views: int) -> list[float]:
    """Return the views, the credits each way costs, and the share that ours saves in percent."""
    watched = stream(seed, views)
    bare, kept, ours = [await credits_of(seed, watched, way) for way in ("bare", "kept", "ours")]
    return [views, bare, kept, ours, round(100 * (1 - ours / bare), 1)]


@claim(
    id="C4.credits.70",
    rows=["C4"],
    title="An hour of a hundred views of odds costs 70 % fewer credits than without a cache",
    source="001.7",
    target=at_least(70, "% of credits"),
    category=Category.RESOURCES,
)
@claim(
    id="C4.credits.80",
    rows=["C4"],
    title="An hour of a hundred views of odds costs 80 % fewer credits than without a cache",
    source="001.7",
    target=at_least(80, "% of credits"),
    category=Category.RESOURCES,
)
async def credits_saved(lab: Lab) -> Plan:
    """Charge the same views to the document's client and to ours."""
    others = (25, 400) if lab.profile is Profile.FULL else (25,)
    rows = [await _charged(lab.seed, views) for views in others]

    async def count() -> Counted:
        row = await _charged(lab.seed, USERS * VIEWS)
        table = {
            "columns": ["views an hour", "no cache", "a cache a worker", "ours", "saved, %"],
            "rows": sorted([*rows, row]),
        }
        return Counted(row[-1], {"table": table})

    facts = {
        "stream": f"{USERS} users look {VIEWS} times each within an hour, at random moments, at"
        " one of four leagues (NFL 40 %, NBA 30 %, college football 20 %, college basketball 10 %)",
        "before": f"001.7: nothing kept; in the table also 001.3's memory of {TTL_S:.0f} s in each"
        f" of {WORKERS} workers",
        "after": "ours: one cache, odds kept for 900 s less up to a tenth at random, one fetch at"
        " a time; every call asks for three markets in one region, which is three credits",
        "provider": VIRTUAL + "; its 500 credits a month are lifted",
        "explanation": "The saving grows with the views: a league costs at most its four or five"
        " fetches an hour, however many look at it.",
    }
    return Count(count, "% of credits", facts=facts)


@claim(
    id="C4.rate.gaps",
    rows=["C4"],
    title="Thirty questions at once reach The Odds API no closer than two seconds apart",
    source="001.3",
    target=exactly(0, "calls too close"),
    category=Category.RESILIENCE,
)
def rate_gaps(lab: Lab) -> Plan:
    """Ask everything at once; every call travels equally long, so gaps are those of the limiter."""

    async def count() -> Counted:
        virtual = Virtual("odds_api", seed=lab.seed, unmetered=True, travel_s=(0.05, 0.05))
        api = OddsApi(virtual.client(odds_api.SPEC))
        asked = (api.odds(League.NFL, bookmakers=[f"b{n}"], deadline_s=1e6) for n in range(30))
        await asyncio.gather(*asked)
        at = sorted(virtual.arrived)
        gaps = [later - earlier for earlier, later in pairwise(at)]
        close = sum(gap < 2 - 1e-6 for gap in gaps)
        return Counted(close, {"calls": len(at), "took_virtual_s": round(at[-1], 1)})

    return Count(count, "calls too close", facts={"limit": "0.5 a second", "provider": VIRTUAL})


@claim(
    id="C4.quota.agrees",
    rows=["C4", "L3"],
    title="The credits counted here are those the provider charges, whatever a call turns out to"
    " cost",
    source="001.3",
    target=exactly(0, "credits apart"),
    category=Category.RESOURCES,
)
def quota_agrees(lab: Lab) -> Plan:
    """Make calls that cost all, part or nothing of what was set aside for them, and compare."""

    async def count() -> Counted:
        virtual = Virtual("odds_api", seed=lab.seed)
        path = Path(tempfile.mkdtemp(dir=lab.scratch)) / "quotas"
        rule = QuotaRule(odds_api.MONTHLY_CREDITS, Period.MONTH)
        quota = LedgerQuota("odds_api", rule, path, clock=virtual.clock)
        api = OddsApi(_client(virtual, virtual.http, quota=quota))
        event = (await api.odds(League.NFL))[0]
        await api.odds(League.NBA, event_ids=["0" * 32])
        await api.event_odds(League.NFL, event.id, markets=["h2h", "player_points"])
        await api.scores(League.NBA, days_back=1)
        await api.sports()
        charged = virtual.provider.credits.total if virtual.provider.credits else 0
        left = await quota.left()
        ours = rule.limit - (rule.limit if left is None else left)
        return Counted(abs(ours - charged), {"credits": {"provider": charged, "counted": ours}})

    facts = {
        "calls": "odds of a league; odds of an event that is not (nothing); odds of one event in"
        " two markets; scores; the list of sports (free)",
        "provider": VIRTUAL,
    }
    return Count(count, "credits apart", facts=facts)


class Outage:
    """The provider with a switch: while `down` it answers 503; `asked` counts all calls."""

    def __init__(self, seed: int) -> None:
        self._virtual = Virtual("odds_api", seed=seed)
        self.clock = self._virtual.clock
        self.breaker = Breaker("odds_api", odds_api.SPEC.breaker, clock=self.clock)
        self.down = True
        self.asked = 0
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self._api = OddsApi(_client(self._virtual, http, breaker=self.breaker))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(503) if self.down else await self._virtual.answer(request)

    async def ask(self) -> type[Exception] | None:
        """Ask one question; return the kind of error it ended with."""
        try:
            await self._api.sports(keep=None)
        except ProviderError as error:
            return type(error)
        return None


def _client(virtual: Virtual, http: httpx.AsyncClient, **parts: Any) -> Client:
    """Return our client with `parts` of its own, on the virtual clock."""
    return Client(
        replace(odds_api.SPEC, base_url="http://provider"),
        http,
        key=Secret(virtual.key),
        clock=virtual.clock,
        rng=random.Random(0),  # noqa: S311 - spreads retries
        **parts,
    )


@claim(
    id="C4.breaker.opens",
    rows=["C4", "L2"],
    title="In an outage The Odds API is left alone after three failures",
    source="001.3",
    target=exactly(3, "calls"),
    category=Category.RESILIENCE,
)
def breaker_opens(lab: Lab) -> Plan:
    """Ask once a second for four minutes of an outage, retries included."""

    async def count() -> Counted:
        outage = Outage(lab.seed)
        ends = []
        for _ in range(240):
            ends.append(await outage.ask())
            await outage.clock.sleep(1)
        refused = sum(end is CircuitOpenError for end in ends)
        return Counted(outage.asked, {"questions": len(ends), "refused_by_breaker": refused})

    return Count(count, "calls", facts={"retries": "on: up to three attempts a question"})


@claim(
    id="C4.breaker.recovers",
    rows=["C4", "L2"],
    title="Five minutes after it opened, the breaker of The Odds API lets a call through again",
    source="001.3",
    target=exactly(300, "virtual seconds"),
    category=Category.RESILIENCE,
)
def breaker_recovers(lab: Lab) -> Plan:
    """End the outage as the breaker opens, and ask once a second until a call gets through."""

    async def count() -> Counted:
        outage = Outage(lab.seed)
        while outage.breaker.state is BreakerState.CLOSED:
            await outage.ask()
        outage.down, failed = False, outage.asked
        opened_at = outage.clock.monotonic() - outage.breaker.stats().in_state_s
        for second in range(1, 1_000):
            await outage.clock.sleep(opened_at + second - outage.clock.monotonic())
            end = await outage.ask()
            if outage.asked > failed:
                return Counted(second, {"failures": failed, "then_answered": end is None})
        raise RuntimeError("the breaker never let a call through")

    return Count(count, "virtual seconds", facts={"provider": VIRTUAL})
