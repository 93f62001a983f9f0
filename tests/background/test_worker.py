"""Ticks run once over all workers; failures are tried again; the jobs of the dead go on."""

import asyncio
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ava.background.job import Backoff, NotDoneError
from ava.background.queue import Connector
from ava.background.timetable import Every
from ava.background.worker import Background, working
from ava.clock import ManualClock
from ava.core import Core
from ava.errors import DatabaseError, OutageError, PlanError
from ava.net.spec import Priority
from ava.providers.games import League
from ava.section import Secret
from ava.services.automation import Automation
from ava.settings import DatabaseSettings, WorkerSettings

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
SESSIONS = """
    SELECT count(*) AS n FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
"""


async def done(_core, _tick):
    """Do nothing."""
    return "done"


async def test_two_workers_run_each_tick_once(cores, clock, job, runs):
    """Half a day of quarter hours: both look at every tick, and each is run by one of them."""
    ran = Counter()

    async def work(_core, tick):
        ran[tick] += 1
        return "done"

    slow = job(work, "slow", timetable=Every(3600))
    both = [Background(core, {"job": job(work), "slow": slow}) for core in await cores(2)]
    for _ in range(48):
        queued = await asyncio.gather(*(worker.tick() for worker in both))
        assert len([name for names in queued for name in names]) in {1, 2}
        await asyncio.gather(*(worker.run_pending() for worker in both))
        await clock.advance(900)
    hourly = {NOW - timedelta(minutes=30) + timedelta(hours=n) for n in range(13)}
    quarters = {NOW + timedelta(minutes=15 * n) for n in range(48)}
    # The first hourly tick was half an hour ago, which is beyond its grace.
    assert ran == Counter(quarters) + Counter({at for at in hourly if at >= NOW})
    assert {row["status"] for row in await runs()} == {"succeeded"}


async def test_a_start_runs_its_jobs_once_for_all_who_start(cores, job, clock):
    """Two workers of one deployment, and one that starts an hour later."""
    ran = []

    async def work(_core, tick):
        ran.append(tick)
        return "done"

    first = job(work, timetable=Every(86_400), at_start=True, grace_s=3600)
    for core in await cores(2):
        background = Background(core, {"job": first})
        await background.start()
        await background.run_pending()
    assert len(ran) == 1
    await clock.advance(3600)
    await background.start()
    await background.run_pending()
    assert len(ran) == 2


async def test_a_start_in_the_hour_of_a_tick_is_that_tick(worker, job):
    """A worker that starts at 06:30 does not do twice what is due daily at 06:00."""
    background = worker(job(done, timetable=Every(3600), at_start=True, grace_s=3600))
    await background.start()
    assert await background.tick() == []


async def test_a_failing_job_is_tried_again_and_shown_failed_at_the_end(worker, job, runs, hasten):
    """Three attempts, with waits that double; people see that it waits, and why it failed."""

    async def work(_core, _tick):
        raise OutageError("espn answered 503", provider="espn")

    background = worker(job(work))
    await background.tick()
    waits = []
    for _ in range(2):
        await background.run_pending()
        (row,) = await runs()
        assert (row["status"], row["finished_at"]) == ("pending", None)
        assert row["error"] == "outage: espn answered 503"
        waits.append(round(await hasten()))
    await background.run_pending()
    (row,) = await runs()
    assert (row["status"], row["attempts"]) == ("failed", 3)
    assert row["finished_at"] is not None
    assert waits == [30, 60]
    assert await hasten() is None


async def test_a_job_that_succeeds_at_last_has_no_error_left(worker, job, runs, hasten):
    """What people read is how it ended."""
    tries = []

    async def work(_core, _tick):
        tries.append(1)
        if len(tries) == 1:
            raise OutageError("not yet", provider="espn")
        return "done"

    background = worker(job(work))
    await background.tick()
    await background.run_pending()
    await hasten()
    await background.run_pending()
    (row,) = await runs()
    assert (row["status"], row["attempts"], row["error"]) == ("succeeded", 2, None)
    assert row["result"] == "done"


async def test_what_lasts_is_not_tried_again(worker, job, runs, hasten):
    """A plan that does not include something will not in a minute either."""

    async def work(_core, _tick):
        raise PlanError("not in this plan", provider="finnhub")

    background = worker(job(work))
    await background.tick()
    await background.run_pending()
    assert [row["status"] for row in await runs()] == ["failed"]
    assert await hasten() is None


async def test_an_unexpected_error_keeps_its_text_to_the_log(worker, job, runs):
    """What a library says may hold a password, so people are told where it is described."""

    async def work(_core, _tick):
        raise RuntimeError("password=hunter2")

    background = worker(job(work, backoff=Backoff(attempts=1)))
    await background.tick()
    await background.run_pending()
    (row,) = await runs()
    assert row["error"] == "internal: it is described in the log"


async def test_nothing_to_do_is_no_failure(worker, job, runs):
    """A key that is not set is told, and not tried again."""

    async def work(_core, _tick):
        raise NotDoneError("AVA_KEY_ODDS_API is not set")

    background = worker(job(work))
    await background.tick()
    await background.run_pending()
    (row,) = await runs()
    assert (row["status"], row["result"]) == ("cancelled", "AVA_KEY_ODDS_API is not set")


async def test_a_job_that_takes_too_long_is_ended(worker, job, runs):
    """And the others go on."""

    async def work(_core, _tick):
        await asyncio.Event().wait()

    background = worker(job(work, limit_s=0.05, backoff=Backoff(attempts=1)), job(done, "other"))
    await background.tick()
    await background.run_pending()
    errors = {row["kind"]: row["error"] for row in await runs()}
    assert errors == {"job": "it took longer than 0.05 s", "other": None}


async def test_what_a_job_asks_waits_for_people(worker, job):
    """A provider's line serves people first: nobody waits for this answer."""
    asked = []

    async def work(core, _tick):
        core.platform.espn._client = _Client(asked)
        await core.platform.espn.games(League.NBA)
        return "done"

    background = worker(job(work))
    await background.tick()
    await background.run_pending()
    assert asked == [Priority.BACKGROUND]


class _Client:
    def __init__(self, asked):
        self._asked = asked

    async def cached(self, *_, priority, **_how):
        self._asked.append(priority)
        return []


async def test_a_job_that_is_switched_off_does_not_run(worker, core, job, runs):
    """Nothing is run and nothing recorded; switched on, the next tick runs."""
    background = worker(job(done))
    switches = core.service(Automation)
    await switches.turn("job", enabled=False, by="desk")
    await background.tick()
    await background.run_pending()
    assert await runs() == []
    await switches.turn("job", enabled=True, by="desk")
    await background.tick(NOW + timedelta(minutes=15))
    await background.run_pending()
    assert [row["status"] for row in await runs()] == ["succeeded"]


async def test_a_tick_that_comes_too_late_is_left_out(worker, clock, job, runs):
    """Nobody worked for an hour: the old tick is not made up for."""
    background = worker(job(done))
    await background.tick()
    await clock.advance(3600)
    await background.run_pending()
    assert await runs() == []


async def test_a_tick_of_before_the_start_is_run_within_its_grace(worker, job):
    """A worker that starts five minutes after a tick runs it, and one at a later hour does not."""
    background = worker(job(done), job(done, "rare", timetable=Every(86_400)))
    assert await background.tick(NOW + timedelta(minutes=5)) == ["job"]


async def test_the_jobs_of_a_dead_worker_are_taken_over_once(cores, job, settings, runs):
    """A worker is killed at its job; of five who look, one frees it, and it is run to its end."""
    script = Path(__file__).parent / "dying_worker.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    process.stdin.write(settings.database.conninfo().encode())
    process.stdin.close()
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"at it\n"
    process.kill()
    await process.wait()
    workers = [Background(core, {"job": job(done)}) for core in await cores(5)]
    assert sum(await asyncio.gather(*(w.take_over() for w in workers))) == 0  # it may yet live
    row = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
    (core,) = await cores()
    await core.database.execute(row)
    assert sum(await asyncio.gather(*(w.take_over() for w in workers))) == 1
    (row,) = await runs()
    assert (row["status"], row["error"]) == ("pending", "its worker ended while it ran")
    await workers[0].run_pending()
    (row,) = await runs()
    assert (row["status"], row["attempts"]) == ("succeeded", 2)


async def test_a_job_that_kills_its_workers_is_given_up(worker, core, job, runs):
    """After as many workers as it has attempts it is failed, and blocks nobody."""
    background = worker(job(done))
    await background.tick()
    for _ in range(3):
        await core.database.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        await background.take_over()
    row = await core.database.fetch_one("SELECT status::text, attempts FROM procrastinate_jobs")
    assert row == {"status": "failed", "attempts": 3}


async def test_no_session_is_opened_beside_the_pool(cores, settings, job):
    """A worker that listens and works at once holds what the pool has, and no more."""
    at_it, go = asyncio.Event(), asyncio.Event()

    async def work(core, _tick):
        async with core.database.connection():
            at_it.set()
            await go.wait()
        return "done"

    (core,) = await cores()
    async with working(core, {"job": job(work)}) as background:
        await background.tick()
        await asyncio.wait_for(at_it.wait(), 30)
        async with core.database.connection() as conn:
            held = (await (await conn.execute(SESSIONS)).fetchone())["n"]
        go.set()
    assert held > 0
    async with asyncio.timeout(30):
        # The pool may grow while it is counted, and counts a session once it has begun.
        while held > core.database.stats().connections_made:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)
    assert core.database.stats().connections_made <= settings.database.pool_max


async def test_a_job_is_heard_of_at_once(core, clock, worker, job):
    """The queue is polled every five seconds; the ear needs none of them."""
    heard = asyncio.Queue()

    async def tell(*, channel, payload):
        await heard.put((channel, payload))

    ear = Connector(core.database, clock)
    listening = asyncio.create_task(ear.listen_notify(tell, ["procrastinate_any_queue_v1"]))
    async with asyncio.timeout(30):
        while not await _listening(core):  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)
        await worker(job(done)).tick()
        channel, payload = await heard.get()
    listening.cancel()
    assert channel == "procrastinate_any_queue_v1"
    assert "job_inserted" in payload


async def _listening(core):
    row = await core.database.fetch_one(
        "SELECT count(*) AS n FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'LISTEN%%'"
    )
    return row["n"] > 0


async def test_a_stop_finishes_what_runs(settings, clock, job, runs):
    """A job that needs less than the drain is finished."""
    at_it, go = asyncio.Event(), asyncio.Event()

    async def work(_core, _tick):
        at_it.set()
        await go.wait()
        return "done"

    patient = replace(settings, worker=WorkerSettings(drain_s=60.0))
    async with Core.open(patient, clock=clock) as core, working(core, {"job": job(work)}):
        await asyncio.wait_for(at_it.wait(), 30)
        asyncio.get_running_loop().call_later(0.05, go.set)  # the stop has begun by then
    assert [row["status"] for row in await runs()] == ["succeeded"]


async def test_a_stop_gives_back_what_takes_longer(cores, job, runs):
    """A job that is not done within the drain is another worker's, at once."""
    at_it = asyncio.Event()

    async def work(_core, _tick):
        at_it.set()
        await asyncio.Event().wait()

    (core,) = await cores()
    async with working(core, {"job": job(work)}):
        await asyncio.wait_for(at_it.wait(), 30)
    (row,) = await runs()
    assert (row["status"], row["error"]) == ("pending", "its worker stopped while it ran")
    another = Background(core, {"job": job(done)})
    await another.run_pending()
    assert [row["status"] for row in await runs()] == ["succeeded"]


async def test_the_ear_is_given_back_deaf(cores, job):
    """Nobody who is lent its connection later hears of the queue or waits for ever."""
    (core,) = await cores()
    async with working(core, {"job": job(done)}):
        async with asyncio.timeout(30):
            while not await _listening(core):  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.01)
    async with core.database.connection() as conn:
        cursor = await conn.execute("SELECT pg_listening_channels() AS channel")
        assert await cursor.fetchall() == []
        assert conn.deadline_s is not None


async def test_a_worker_outlives_the_database(lab, schema_template, settings, job):
    """All its connections are cut; the job of after that is run by the same worker."""
    proxy = lab.proxy()
    dsn = lab.dsn_via(proxy, lab.create_database(schema_template))
    far = replace(settings, database=replace(settings.database, url=Secret(dsn), retry_delay_s=0))
    ran = asyncio.Event()

    async def work(_core, _tick):
        ran.set()
        return "done"

    clock = ManualClock(NOW + timedelta(minutes=20))  # the last tick is past its grace
    quarterly = job(work, timetable=Every(1800))
    async with Core.open(far, clock=clock) as core, working(core, {"job": quarterly}):
        async with asyncio.timeout(30):
            while not await _listening(core):  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.01)
        proxy.cut(refuse=True)
        await clock.advance(60)
        proxy.resume()
        async with asyncio.timeout(60):
            while not ran.is_set():
                await clock.advance(60)
                await asyncio.sleep(0.02)


async def test_a_database_without_the_queue_is_refused(database, settings, job):
    """The message says what to do."""
    bare = replace(settings, database=DatabaseSettings(url=Secret(database), pool_min=1))
    async with Core.open(bare) as core:
        with pytest.raises(DatabaseError, match="ava migrate"):
            await Background(core, {"job": job(done)}).start()


def test_a_job_of_the_start_must_bear_being_an_hour_late(job):
    """A start is the tick of its hour, so a shorter grace would leave it out in silence."""
    with pytest.raises(ValueError, match="grace"):
        job(done, at_start=True, grace_s=600)
