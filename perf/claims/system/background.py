"""Row S7: each tick runs once over all workers, and the month's credits are never exceeded.

Time is virtual: a clock that is moved on by a quarter of an hour, and the provider's with it, so a
week passes in seconds and comes out the same each time. Everything else is real: the queue and its
workers on PostgreSQL, the ledger of the quota in its file, the job that people's platforms run, and
the simulated provider, which charges by its own rules.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from ava.background.job import Job, discover
from ava.background.jobs import games, odds
from ava.background.worker import Background, working
from ava.clock import ManualClock
from ava.core import Core
from ava.providers.odds_api import MONTHLY_CREDITS, SPORT_KEYS
from ava.section import Secret
from ava.settings import DatabaseSettings, ProviderKeys, ProviderSettings, Settings, StateSettings
from perf.claim import Category, Plan, at_most, claim, counter_example, exactly
from perf.claims.database.prepared import connect, empty_copy
from perf.claims.document.background import auto_sync_sports_odds
from perf.claims.document.odds_api import OddsClient
from perf.claims.providers.virtual import VIRTUAL, Virtual
from perf.instruments import Count, Counted, Occurrence, Witness
from perf.lab.lab import Lab

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2026, 1, 5)
WORKERS = 2
QUARTER_S = 900.0


def _settings(lab: Lab, database: str, **sections: Any) -> Settings:
    """Return the settings of one of several processes that share a database and a ledger."""
    return Settings(
        database=DatabaseSettings(url=Secret(lab.dsn(database)), pool_min=1, pool_max=4),
        state=StateSettings(directory=Path(mkdtemp(dir=lab.scratch))),
        **sections,
    )


@asynccontextmanager
async def _workers(
    settings: Settings, clock: ManualClock, jobs: Mapping[str, Job]
) -> AsyncIterator[list[Background]]:
    """Open as many platforms as there are workers, on one database."""
    async with AsyncExitStack() as stack:
        cores = [
            await stack.enter_async_context(Core.open(settings, clock=clock))
            for _ in range(WORKERS)
        ]
        yield [Background(core, jobs) for core in cores]


async def _pass(
    workers: list[Background], clock: ManualClock, looks: int, every_s: float = QUARTER_S
) -> None:
    """Let all workers look at once, again and again, and do what there is."""
    for _ in range(looks):
        await asyncio.gather(*(worker.tick() for worker in workers))
        await asyncio.gather(*(worker.run_pending() for worker in workers))
        await clock.advance(every_s)


def _counting(job: Job, ran: list[datetime]) -> Job:
    """Return the job with its own timetable, and work that notes its ticks."""

    async def work(_core: Core, tick: datetime) -> str:
        ran.append(tick)
        return "counted"

    return replace(job, work=work)


@claim(
    id="S7.ticks.day",
    rows=["S7"],
    profiles=("full",),
    title="With two workers each of a day's 57 ticks of the odds runs once",
    source="001.5",
    target=exactly(57, "runs"),
    category=Category.RESILIENCE,
    needs=["schema"],
)
def ticks_once(lab: Lab) -> Plan:
    """Pass a day in New York with two workers that look at every tick at the same moment."""

    async def count() -> Counted:
        ran: list[datetime] = []
        jobs = {"odds_sync": _counting(discover()["odds_sync"], ran)}
        clock = ManualClock(datetime(2026, 1, 5, 5, tzinfo=UTC))
        async with _workers(_settings(lab, empty_copy(lab)), clock, jobs) as workers:
            await _pass(workers, clock, 96)
        twice = sum(times > 1 for times in Counter(ran).values())
        local = sorted({f"{tick.astimezone(NEW_YORK):%H:%M}" for tick in ran})
        return Counted(len(ran), {"twice": twice, "first": local[0], "last": local[-1]})

    facts = {"workers": WORKERS, "looks": 96 * WORKERS, "time": "virtual; the queue is real"}
    return Count(count, "runs", facts=facts)


@claim(
    id="S7.earnings.times",
    rows=["S7"],
    profiles=("full",),
    title="Earnings are synced at the start and daily at 06:00 New York, clocks going forward or"
    " not",
    source="001.5",
    target=exactly(0, "runs at another time"),
    category=Category.RESILIENCE,
    needs=["schema"],
)
def earnings_times(lab: Lab) -> Plan:
    """Start two workers in the evening before daylight saving begins, and pass three days."""
    began = datetime(2026, 3, 6, 22, tzinfo=UTC)  # 17:00 in New York
    expected = [began] + [datetime(2026, 3, d, 6, tzinfo=NEW_YORK) for d in (7, 8, 9)]

    async def count() -> Counted:
        ran: list[datetime] = []
        jobs = {"earnings_sync": _counting(discover()["earnings_sync"], ran)}
        clock = ManualClock(began)
        async with _workers(_settings(lab, empty_copy(lab)), clock, jobs) as workers:
            for worker in workers:
                await worker.start()
            await _pass(workers, clock, 3 * 24, 3600.0)
        off = Counter(ran)
        off.subtract(Counter(at.astimezone(UTC) for at in expected))
        times = [f"{tick.astimezone(NEW_YORK):%d %b %H:%M %Z}" for tick in ran]
        return Counted(sum(map(abs, off.values())), {"ran": times, "workers": WORKERS})

    return Count(count, "runs at another time", facts={"daylight_saving_began": "8 March, 02:00"})


@claim(
    id="S7.odds.quota.{days}d",
    rows=["S7", "L3"],
    title="Odds synced every 15 minutes for {days} simulated days stay within 500 credits a month",
    source="001.5",
    target=at_most(MONTHLY_CREDITS, "credits"),
    category=Category.RESOURCES,
    needs=["schema"],
    cases=[{"days": 7}],
)
@claim(
    id="S7.odds.quota.{days}d",
    rows=["S7", "L3"],
    title="Odds synced every 15 minutes for {days} simulated days stay within 500 credits a month",
    source="001.5",
    target=at_most(MONTHLY_CREDITS, "credits"),
    category=Category.RESOURCES,
    needs=["schema"],
    cases=[{"days": 31}],
    profiles=("full",),
    deadline_s=300,
)
def odds_quota(lab: Lab, days: int) -> Plan:
    """Run the platform's own job at each tick, and let the provider say what it charged."""
    first = MONDAY if days < 31 else MONDAY.replace(day=1)

    async def count() -> Counted:
        simulation = lab.providers("espn", "odds_api", today=first)
        settings = _settings(
            lab,
            empty_copy(lab),
            providers=ProviderSettings(
                urls=",".join(f"{name}={simulation.url(name)}" for name in simulation.names),
                pace=1000,
            ),
            keys=ProviderKeys(odds_api=Secret(simulation.key("odds_api"))),
        )
        began = datetime.combine(first, datetime.min.time(), NEW_YORK).astimezone(UTC)
        simulation.advance((began - simulation.now()).total_seconds())
        clock = ManualClock(began, jump=True)
        spent: Counter[str] = Counter()
        async with Core.open(settings, clock=clock) as core:
            ticks = 0
            table = discover()["odds_sync"].timetable
            while (tick := table.following(clock.now())) < began + timedelta(days=days):
                simulation.advance((tick - clock.now()).total_seconds())
                await clock.sleep((tick - clock.now()).total_seconds())
                ticks += 1
                await _one_tick(core, tick)
                spent[f"{tick.astimezone(NEW_YORK):%d %b}"] = simulation.counts("odds_api").credits
            left = (await core.platform.gateway.spend())["odds_api"].left
            rows = await core.database.fetch(
                "SELECT sport, count(*) AS n FROM odds_syncs GROUP BY 1 ORDER BY 1"
            )
        counts = simulation.counts("odds_api")
        if counts.limited or counts.refused or not counts.credits:
            raise RuntimeError(f"the provider refused: {counts}")
        facts = {
            "ticks": ticks,
            "syncs": {row["sport"]: row["n"] for row in rows},
            "credits": {"charged": counts.credits, "counted_here_as_left": left},
            "charged_by_day": dict(spent),
        }
        return Counted(counts.credits, facts)

    facts = {
        "provider": "simulated, over HTTP; it charges three markets x one region a call",
        "time": "virtual, the provider's clock moved with ours",
        "real": "the job, the games it plans by, the ledger's file, PostgreSQL",
    }
    return Count(count, "credits", repeats=1, facts=facts)


async def _one_tick(core: Core, tick: datetime) -> None:
    """Do what the jobs of games and odds do at a tick; games come in the morning."""
    if f"{tick.astimezone(NEW_YORK):%H:%M}" == "09:00":
        await games.schedule(core, tick)
    await odds.sync(core, tick)


@claim(
    id="S7.refuted.every-fifteen-minutes",
    rows=["S7"],
    profiles=("full",),
    title="Odds of four sports every 15 minutes from 9 to 23 spend the month's credits on the"
    " first day",
    source="001.5",
    target=counter_example(),
    category=Category.RESOURCES,
)
def every_fifteen_minutes(lab: Lab) -> Plan:
    """Run the document's loop against the provider's charges until it refuses."""

    async def run() -> Occurrence:
        virtual = Virtual("odds_api", seed=lab.seed)
        began = virtual.clock.now().astimezone(NEW_YORK)
        # The day's loop begins at nine; the provider's games are where its clock starts.
        offset = timedelta(hours=9) - timedelta(hours=began.hour, minutes=began.minute)
        refused: list[datetime] = []

        def local_now() -> datetime:
            return virtual.clock.now().astimezone(NEW_YORK) + offset

        async def get(path: str, **params: str) -> Any:
            asked = {**params, "apiKey": virtual.key}
            answer = await virtual.http.get(f"http://provider{path}", params=asked)
            return answer.raise_for_status().json()

        def failed(_sport: str, error: Exception) -> None:
            if not isinstance(error, httpx.HTTPStatusError):
                raise error
            refused.append(local_now())

        client = OddsClient(get, virtual.clock.monotonic)
        sports = list(SPORT_KEYS.values())
        await auto_sync_sports_odds(
            client.get_odds, sports, local_now, virtual.clock.sleep, failed, ticks=2 * 96
        )
        credits_ = virtual.provider.credits
        charged = 0 if credits_ is None else credits_.total
        first = refused[0] if refused else None
        spent_at = None if first is None else f"{first:%H:%M} of day {(first - began).days + 1}"
        return Occurrence(
            first is not None and (first.date() - began.date()).days == 0,
            "Four sports are twelve credits a tick, and 500 credits are 41 ticks: the first refusal"
            f" came at {spent_at}, and {len(refused)} calls of two days were refused.",
            {"charged": charged, "refused": len(refused), "provider": VIRTUAL},
        )

    return Witness(run)


@claim(
    id="S7.worker.sessions",
    rows=["S7", "D1"],
    title="A worker that listens and works holds no session beside the platform's one pool",
    source="product target",
    target=exactly(0, "sessions beside the pool"),
    category=Category.RESOURCES,
    needs=["schema"],
)
def worker_sessions(lab: Lab) -> Plan:
    """Hold a job at its work, and count the server's sessions against the pool's connections."""
    name = empty_copy(lab)
    aside = connect(lab, name)

    async def count() -> Counted:
        at_it, go = asyncio.Event(), asyncio.Event()

        async def work(core: Core, _tick: datetime) -> str:
            async with core.database.connection():
                at_it.set()
                await go.wait()
            return "held"

        job = replace(discover()["games_sync"], work=work, at_start=False, grace_s=86_400.0)
        jobs = {job.name: job}
        async with Core.open(_settings(lab, name)) as core, working(core, jobs) as background:
            await background.tick()
            await asyncio.wait_for(at_it.wait(), 20)
            row = aside.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
                " AND backend_type = 'client backend'",
                (name, aside.info.backend_pid),
            ).fetchone()
            held, pool = (row[0] if row else -1), core.database.stats()
            go.set()
        # This tick is to be run by the second count as well.
        aside.execute("DELETE FROM procrastinate_periodic_defers")
        return Counted(held - pool.size, {"sessions": held, "pool": pool.size})

    return Count(count, "sessions beside the pool")
