"""What each job does at its tick, at simulated providers and on a real database."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from ava.background.job import NotDoneError, discover
from ava.background.jobs import earnings, games, maintenance, odds, warming
from ava.clock import ManualClock
from ava.core import Core
from ava.db.maintain import Period
from ava.errors import ProviderError
from ava.section import Secret
from ava.services.scoreboard import Scoreboard
from ava.services.sports import Sport
from ava.settings import DatabaseSettings, ProviderKeys, ProviderSettings, Settings, StateSettings
from perf.lab.providers import Fault, Kind, Simulation

pytestmark = pytest.mark.anyio

DAY = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
MAINTAINING = (
    "SELECT count(*) AS n FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'ava maintain'"
)
NAMES = ("espn", "odds_api", "finnhub", "yahoo")


@pytest.fixture(scope="module")
def simulation():
    """The providers of this module."""
    with Simulation(*NAMES, seed=1, pace=100, today=DAY) as running:
        yield running


@pytest.fixture
def platform(simulation, platform_dsn, tmp_path):
    """Open a platform with some keys; its clock jumps over what waits."""
    simulation.reset()
    simulation.fault(None)

    @asynccontextmanager
    async def opened(*, keys=("odds_api", "finnhub")):
        urls = {name: simulation.url(name) for name in NAMES}
        urls["yahoo_door"] = urls["yahoo"]
        settings = Settings(
            database=DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=4),
            providers=ProviderSettings(
                urls=",".join(f"{name}={url}" for name, url in urls.items()), pace=100
            ),
            keys=ProviderKeys(**{name: Secret(simulation.key(name)) for name in keys}),
            state=StateSettings(directory=tmp_path),
        )
        async with Core.open(settings, clock=ManualClock(NOW, jump=True)) as core:
            yield core

    return opened


def test_every_job_of_the_documents_is_there():
    """001.5, 002's schedule, and what they rest on; each is found by being written down."""
    assert sorted(discover()) == [
        "cache_warming",
        "earnings_sync",
        "games_sync",
        "maintenance_daily",
        "maintenance_monthly",
        "maintenance_quarterly",
        "maintenance_weekly",
        "odds_sync",
        "scores_sync",
    ]


async def test_odds_are_synced_for_the_sports_that_are_due(platform, simulation):
    """A call for each sport that the budget chose, and a record that plans the next tick."""
    async with platform() as core:
        await games.schedule(core, NOW)
        due, left = await odds.plan(core, NOW)
        said = await odds.sync(core, NOW)
        assert simulation.counts("odds_api").requests == len(due) > 0
        assert all(f"{sport}: " in said for sport in due)
        again = await odds.sync(core, NOW + timedelta(minutes=15))
    assert again == f"no sport is due; {left - odds.COST * len(due)} credits are left"


async def test_odds_without_a_key_are_not_done(platform):
    """It is told which setting is missing, and is no failure."""
    async with platform(keys=()) as core:
        with pytest.raises(NotDoneError, match="AVA_KEY_ODDS_API"):
            await odds.sync(core, NOW)


async def test_one_sport_that_cannot_be_synced_leaves_the_others(platform, simulation):
    """What was done is told beside what was not."""
    async with platform() as core:
        await games.schedule(core, NOW)
        due, _ = await odds.plan(core, NOW)
        assert len(due) > 1
        simulation.fault("odds_api", Fault(Kind.STATUS, status=422))
        said = await odds.sync(core, NOW)
    assert f"{due[0]}: " in said
    assert f"{due[1]}: " in said
    assert said.index(due[1]) < said.index(due[0])  # failures stand at the end


async def test_odds_that_cannot_be_had_at_all_are_a_failure(platform, simulation):
    """So that they are tried again."""
    async with platform() as core:
        await games.schedule(core, NOW)
        simulation.fault("odds_api", Fault(Kind.STATUS, times=None, status=422))
        with pytest.raises(ProviderError):
            await odds.sync(core, NOW)


async def test_the_games_of_the_week_and_their_scores(platform):
    """The schedule comes first, and the scores of those under way follow it."""
    async with platform() as core:
        assert " new" in await games.schedule(core, NOW)
        assert await games.scores(core, NOW) != ""
        found = await core.service(Scoreboard).starts(NOW, NOW + timedelta(days=7))
    assert set(found) <= set(Sport)
    assert found


async def test_the_calendar_of_earnings(platform):
    """It says whose calendar it was."""
    async with platform() as core:
        assert "reports of finnhub" in await earnings.sync(core, NOW)


async def test_popular_questions_are_asked_ahead(platform, simulation):
    """The companies of watchlists and positions; asked again they come from the cache."""
    async with platform() as core:
        await core.database.execute(
            "WITH list AS (INSERT INTO watchlists (owner, name) VALUES ('a', 'b') RETURNING id)"
            " INSERT INTO watchlist_items (watchlist_id, symbol)"
            " SELECT id, symbol FROM list, (VALUES ('AAPL'), ('MSFT')) AS s (symbol)"
        )
        said = await warming.warm(core, NOW)
        assert said == "4 of 4 questions asked ahead, 0 failed"
        asked = simulation.counts("yahoo").requests
        await warming.warm(core, NOW)
        assert simulation.counts("yahoo").requests == asked > 0


@pytest.mark.parametrize("period", list(Period))
async def test_maintenance_runs_in_a_session_of_its_own(platform, period):
    """It says how many findings there were, and leaves no session behind."""
    async with platform() as core:
        said = await discover()[f"maintenance_{period}"].work(core, NOW)
        async with asyncio.timeout(30):  # the server ends a session a moment after its client
            while (await core.database.fetch_one(MAINTAINING))["n"]:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
    assert "critical" in said


async def test_daily_maintenance_forgets_old_runs(platform):
    """Runs and jobs that ended weeks ago go, those of the last days stay."""
    async with platform() as core:
        await core.database.execute(
            "INSERT INTO tasks (kind, title, status, finished_at, job_id)"
            " SELECT 'k', 't', 'succeeded', now() - make_interval(days => g), g"
            " FROM generate_series(1, 30) AS g"
        )
        await discover()["maintenance_daily"].work(core, NOW)
        row = await core.database.fetch_one("SELECT count(*) AS n FROM tasks")
    assert row["n"] == maintenance.KEPT_DAYS - 1  # the last ended just now, 14 days ago


async def test_a_stop_ends_the_session_of_maintenance(platform, platform_dsn):
    """A thread that waits for a lock hears of nothing else."""
    with psycopg.connect(platform_dsn) as holder:
        holder.execute("LOCK TABLE alerts IN ACCESS EXCLUSIVE MODE")
        async with platform() as core:
            running = asyncio.create_task(discover()["maintenance_monthly"].work(core, NOW))
            waits = f"{MAINTAINING} AND wait_event_type = 'Lock'"
            async with asyncio.timeout(30):
                while not (await core.database.fetch_one(waits))["n"]:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.02)
            running.cancel()
            async with asyncio.timeout(30):
                with pytest.raises(asyncio.CancelledError):
                    await running
