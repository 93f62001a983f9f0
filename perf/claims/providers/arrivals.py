"""Rows C1 and L3: what arrives at the providers, counted by themselves and over real sockets.

A limiter believes what it grants, and a provider what arrives. Between them lie sockets, two event
loops and whatever else the machine does, so here the simulated providers count, in a process of
their own, and forgive nothing. Their clock runs faster than ours, which makes the same jitter weigh
more than it does outside: at pace 12 a millisecond here is twelve of the provider's.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import redis

from ava.errors import RateLimitedError
from ava.net.client import Client
from ava.net.gateway import Gateway
from ava.net.spec import Limit, ProviderSpec, Timeouts, Window
from ava.providers import alpha_vantage
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import ProviderKeys, RedisSettings
from perf.claim import Category, Plan, at_most, claim, exactly
from perf.claims.providers.callers import member
from perf.claims.providers.outside import SPECS, keys, question
from perf.claims.providers.paces import allowed
from perf.claims.providers.virtual import SYMBOLS
from perf.instruments import Count, Counted
from perf.lab.lab import Lab, Profile
from perf.lab.providers import Counts, Simulation
from perf.lab.swarm import Start, Swarm

CALLERS = 20
WITHIN_S = 130.0  # of the provider's clock: two windows of a minute, and the third begun
PACES = {Profile.QUICK: 12.0, Profile.FULL: 6.0}
SHARED_PACE = 6.0
# Where our specs stay below what a provider takes (as simulated), it is asked for all of that.
PUBLISHED: Mapping[str, tuple[Limit, ...]] = {
    "espn": (Window(60),),
    "odds_api": (Window(30),),
    "xai": (Window(8),),
    "yahoo": (Window(100), Window(2000, 3600.0)),
}
# Windows that were full at least once, or the load was too small to be refused at all.
FULL = {"alpha_vantage": "1/1s", "finnhub": "60/60s", "massive": "5/60s"}


@claim(
    id="C1.limits.sockets",
    rows=["C1", "C9", "L1"],
    profiles=("full",),
    title="Over real sockets, under more load than they take, no provider says that calls come too"
    " fast",
    source="003.4, 001.11",
    target=exactly(0, "refused calls"),
    category=Category.RESILIENCE,
    deadline_s=150,
)
def sockets_refused(lab: Lab) -> Plan:
    """Let 20 callers a provider ask on for two minutes of its clock, all providers at once."""
    pace = PACES[lab.profile]

    async def count() -> Counted:
        simulation = _open_desks(lab, pace)
        await _saturate(keys(simulation), _urls(simulation), pace)
        return _counted(simulation, pace)

    return Count(count, "refused calls", repeats=1)


@claim(
    id="C1.limits.sockets-shared",
    rows=["C1", "C9", "L1"],
    title="Nor does one say so of two processes that share the limits on Redis",
    source="003.4, 001.11",
    target=exactly(0, "refused calls"),
    category=Category.RESILIENCE,
    profiles=("full",),
    deadline_s=150,
)
def shared_sockets_refused(lab: Lab) -> Plan:
    """Let two real processes with 20 callers a provider each do the same."""

    def count() -> Counted:
        simulation = _open_desks(lab, SHARED_PACE)
        held = keys(simulation)
        told = {item.name: getattr(held, item.name) for item in fields(held)}
        args = {
            "urls": _urls(simulation),
            "secrets": {name: key.reveal() for name, key in told.items() if key is not None},
            "redis_url": lab.redis_url,
        }
        with redis.Redis.from_url(lab.redis_url) as client:
            client.delete(*client.keys("ava:limit:*"), "ava:limit:none")  # of other claims
        with Swarm(f"{__name__}:sharer", 2, args) as swarm:
            swarm.go()
            swarm.results(WITHIN_S / SHARED_PACE + 30)
        return _counted(simulation, SHARED_PACE)

    return Count(count, "refused calls", repeats=1)


async def sharer(
    start: Start, urls: dict[str, str], secrets: dict[str, str], redis_url: str
) -> None:
    """Ask every provider in a process of its own, by limits that are kept in Redis."""
    link = RedisLink.open(RedisSettings(url=Secret(redis_url)))
    held = ProviderKeys(**{name: Secret(secret) for name, secret in secrets.items()})
    await start.wait()
    await _saturate(held, urls, SHARED_PACE, link)
    await link.aclose()


def _open_desks(lab: Lab, pace: float) -> Simulation:
    """Return all providers, who limit speed alone.

    The day's and the month's credits are not the subject. Massive's key is held to five a minute,
    as our spec is; that its data are those of a paid one has nothing to do with speed.
    """
    simulation = lab.providers(pace=pace)
    for name in ("alpha_vantage", "odds_api"):
        simulation.set_credits(name, 10**9)
    simulation.set_limits("massive", (5, 60.0))
    return simulation


def _urls(simulation: Simulation) -> dict[str, str]:
    return {name: simulation.url(name) for name in simulation.names}


def _demanding(name: str) -> ProviderSpec:
    """Return the provider without a quota, up to its limits, and with callers who never leave."""
    limits = PUBLISHED.get(name, SPECS[name].limits)
    return replace(SPECS[name], limits=limits, quota=None, timeouts=Timeouts(total_s=10_000))


async def _saturate(
    held: ProviderKeys, urls: Mapping[str, str], pace: float, link: RedisLink | None = None
) -> None:
    """Ask every provider without end, through one gateway, until the time is over."""
    chance = random.Random(0)  # noqa: S311 - spreads retries
    gateway = Gateway(held, urls=urls, rng=chance, pace=pace, link=link)
    tasks: list[asyncio.Task[None]] = []
    for client in (gateway.client(_demanding(name)) for name in urls):
        numbers = itertools.count()
        tasks += [asyncio.create_task(_ask_on(client, numbers.__next__)) for _ in range(CALLERS)]
    ended, _ = await asyncio.wait(tasks, timeout=WITHIN_S / pace, return_when="FIRST_EXCEPTION")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await gateway.aclose()
    for task in ended:
        task.result()


async def _ask_on(client: Client, number: Callable[[], int]) -> None:
    ask = question(client)
    while True:
        with suppress(RateLimitedError):  # the provider has counted it
            await ask(number())


def _counted(simulation: Simulation, pace: float) -> Counted:
    """Return the refusals; raise RuntimeError where they would mean something else."""
    seen = {name: simulation.counts(name) for name in simulation.names}
    if strange := {name: counts.refused for name, counts in seen.items() if counts.refused}:
        raise RuntimeError(f"calls were refused for other reasons than speed: {strange}")
    if idle := [name for name, window in FULL.items() if not _was_full(seen[name], window)]:
        raise RuntimeError(f"the load did not fill the limits of {', '.join(idle)}")
    columns = ["provider", "limits kept", "calls", "% of what they allow", "fullest", "refused"]
    facts = {
        "provider's clock": f"{pace:g} times as fast as ours; nothing is forgiven",
        "seconds of it": WITHIN_S,
        "callers": f"{CALLERS} a provider and process, each asking again once it is answered",
        "table": {"columns": columns, "rows": [_row(name, each) for name, each in seen.items()]},
    }
    return Counted(sum(counts.limited for counts in seen.values()), facts)


def _was_full(seen: Counts, window: str) -> bool:
    permits, _, _ = window.partition("/")
    return seen.busiest[window] >= int(permits)


def _row(name: str, seen: Counts) -> list[Any]:
    spec = _demanding(name)
    limits = ", ".join(map(str, spec.limits))
    share = round(100 * seen.requests / allowed(spec, WITHIN_S), 1)
    fullest = ", ".join(f"{most} in {name}" for name, most in seen.busiest.items())
    return [name, limits, seen.requests, share, fullest, seen.limited]


# A day's calls. The provider's own limits are lifted: a 26th call would be answered, and counted.

AV = alpha_vantage.NAME
IN_THE_MIDDLE = 10  # calls that have arrived when processes are killed
MEMBER = f"{member.__module__}:{member.__name__}"


def _open_desk(lab: Lab) -> tuple[Simulation, dict[str, Any]]:
    """Return Alpha Vantage without limits, and what a member needs to ask it on a new ledger."""
    simulation = lab.providers(AV)
    simulation.set_limits(AV)
    simulation.set_credits(AV, 10**9)
    ledger = lab.scratch / os.urandom(4).hex()
    args = {"url": simulation.url(AV), "key": simulation.key(AV), "ledger": str(ledger)}
    return simulation, {**args, "symbols": SYMBOLS[:10]}


def _day() -> str:
    return datetime.now(UTC).astimezone(ZoneInfo("America/New_York")).date().isoformat()


def _arrived(simulation: Simulation, day: str) -> int:
    """Return the calls that arrived; raise RuntimeError where they may be of two days."""
    if _day() != day:
        raise RuntimeError(
            "the provider's day ended meanwhile, and its quota began anew; run again"
        )
    return simulation.counts(AV).requests


@claim(
    id="L3.daily.eight-processes",
    rows=["L3", "C2"],
    title="Of what eight processes ask, and eight more after them, exactly 25 calls a day arrive at"
    " Alpha Vantage",
    source="000.21",
    category=Category.RESILIENCE,
    target=exactly(25, "calls"),
    profiles=("full",),
)
def eight_processes(lab: Lab) -> Plan:
    """Let real processes with real clients share a ledger, and others come when they have ended."""

    def count() -> Counted:
        simulation, args = _open_desk(lab)
        day, refused = _day(), list[int]()
        for _ in range(2):
            with Swarm(MEMBER, 8, args) as swarm:
                swarm.go()
                refused.append(sum(swarm.results(30)))
        facts = {
            "asked": f"{len(args['symbols'])} quotes by each of 16 processes, over HTTP",
            "refused by the quota": refused,
            "counted": "by the provider, whose own limits are lifted: it would answer a 26th",
        }
        return Counted(_arrived(simulation, day), facts)

    return Count(count, "calls", repeats=1)


@claim(
    id="L3.daily.killed",
    rows=["L3"],
    title="Killing processes in the middle and starting others never brings more than 25 calls",
    source="000.21",
    category=Category.RESILIENCE,
    target=at_most(25, "calls"),
    profiles=("full",),
)
def killed_processes(lab: Lab) -> Plan:
    """Kill four of eight while they call, then let four others go on."""

    def count() -> Counted:
        simulation, args = _open_desk(lab)
        day = _day()
        with Swarm(MEMBER, 8, args) as swarm:
            swarm.go()
            while simulation.counts(AV).requests < IN_THE_MIDDLE:
                time.sleep(0.001)
            for index in range(4):
                swarm.kill(index)
            arrived = simulation.counts(AV).requests
            swarm.results(30)
        with Swarm(MEMBER, 4, args) as swarm:
            swarm.go()
            swarm.results(30)
        facts = {"killed": 4, "calls that had arrived by then": arrived}
        return Counted(_arrived(simulation, day), facts)

    return Count(count, "calls", repeats=1)
