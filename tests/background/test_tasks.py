"""Background work and sports over HTTP: what runs, what ran, what comes when."""

from contextlib import asynccontextmanager
from datetime import datetime

import httpx
import pytest

from ava.api.app import create_app
from ava.background.worker import Background
from ava.services.automation import Automation

pytestmark = pytest.mark.anyio


@pytest.fixture
def asking(core):
    """Ask the API of a platform."""

    @asynccontextmanager
    async def client():
        transport = httpx.ASGITransport(create_app(core))
        async with httpx.AsyncClient(transport=transport, base_url="http://ava") as made:
            yield made

    return client


async def test_runs_are_shown_newest_first_in_pages(asking, worker, job, clock):
    """The second page goes on where the first ended."""

    async def work(_core, _tick):
        return "done"

    background = worker(job(work))
    for _ in range(3):
        await background.tick()
        await background.run_pending()
        await clock.advance(900)
    async with asking() as client:
        first = (await client.get("/api/v1/tasks/recent?limit=2")).json()
        rest = (
            await client.get(f"/api/v1/tasks/recent?limit=2&cursor={first['next_cursor']}")
        ).json()
    rows = [*first["items"], *rest["items"]]
    assert [row["status"] for row in rows] == ["succeeded"] * 3
    assert rows[0]["result"] == "done"
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert rest["next_cursor"] is None


async def test_a_run_that_ends_is_seen_at_once(asking, worker, job, clock):
    """What was shown of runs is invalidated by the run, and not left to its time."""

    async def work(_core, _tick):
        return "done"

    background = worker(job(work))
    async with asking() as client:
        before = (await client.get("/api/v1/tasks/recent")).json()["items"]
        await background.tick()
        await background.run_pending()
        answer = await client.get("/api/v1/tasks/recent")
    assert (before, len(answer.json()["items"])) == ([], 1)
    assert 0 < float(answer.headers["x-fresh-for"]) <= 5


async def test_active_tasks_are_those_that_wait_or_run(asking, core):
    """What ended is not among them."""
    await core.database.execute(
        "INSERT INTO tasks (kind, title, status) VALUES ('a', 'A', 'running'), ('b', 'B', 'failed')"
    )
    async with asking() as client:
        rows = (await client.get("/api/v1/tasks")).json()["items"]
    assert [row["kind"] for row in rows] == ["a"]


async def test_the_schedule_tells_the_next_tick_and_the_last_outcome(asking, core):
    """Every job in the order of its next tick; one that is switched off says so."""
    await core.service(Automation).turn("odds_sync", enabled=False, by="desk")
    await core.database.execute(
        "INSERT INTO tasks (kind, title, status, error) VALUES"
        " ('scores_sync', 'old', 'succeeded', NULL), ('scores_sync', 'new', 'failed', 'outage')"
    )
    async with asking() as client:
        rows = (await client.get("/api/v1/tasks/schedule")).json()
    jobs = {row["name"]: row for row in rows}
    assert jobs.keys() == Background(core).jobs.keys()
    nexts = [datetime.fromisoformat(row["next_at"]) for row in rows]
    assert nexts == sorted(nexts)
    assert not jobs["odds_sync"]["enabled"]
    assert jobs["earnings_sync"]["enabled"]
    assert jobs["earnings_sync"]["next_at"] == "2026-01-06T11:00:00Z"
    assert jobs["scores_sync"]["last"]["error"] == "outage"
    assert jobs["earnings_sync"]["last"] is None


async def test_games_predictions_and_earnings_are_open_to_anybody(asking, core):
    """Lists of public things need no key; they say for how long they are fresh."""
    await core.database.execute(
        "INSERT INTO nba_games (game_id, season, home_team, away_team, game_time, game_status,"
        " spread_home) VALUES ('1', 2026, 'a', 'b', now(), 'live', -3.5)"
    )
    async with asking() as client:
        live = await client.get("/api/v1/sports/live")
        coming = await client.get("/api/v1/sports/upcoming?days=3")
        markets = await client.get("/api/v1/sports/predictions?market_ids=1,2")
        calendar = await client.get("/api/v1/earnings?days=5")
    assert live.json()["items"][0]["spread_home"] == "-3.5"
    assert 0 < float(live.headers["x-fresh-for"]) <= 30
    assert markets.json()["unknown"] == [1, 2]
    assert [answer.status_code for answer in (live, coming, markets, calendar)] == [200] * 4


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/sports/nba/odds/sync", 401),
        ("POST", "/api/v1/sports/chess/odds/sync", 401),
        ("GET", "/api/v1/sports/upcoming?days=0", 422),
        ("GET", "/api/v1/sports/predictions", 422),
        ("GET", "/api/v1/sports/predictions?market_ids=1,x", 422),
        ("GET", "/api/v1/sports/predictions?market_ids=99999999999999999999", 422),
        ("GET", f"/api/v1/sports/predictions?market_ids={','.join(map(str, range(101)))}", 422),
        ("GET", "/api/v1/earnings?days=91", 422),
        ("GET", "/api/v1/tasks?limit=0", 422),
        ("GET", "/api/v1/tasks/recent?cursor=x", 422),
    ],
)
async def test_what_cannot_be_asked_is_refused(asking, method, path, status):
    """With a problem that says why."""
    async with asking() as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
