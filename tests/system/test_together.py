"""Two API processes and two workers on one PostgreSQL and one Redis: they act as one platform."""

import json
from urllib.parse import urlsplit

import psycopg
import pytest
from running import KEY, until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from perf.claims.system.processes import simulated
from perf.lab.providers import Simulation

SERVE = ("serve", "--port", "0")
SWITCH = "/api/v1/automation/wheel"
DUE = {"earnings_sync", "games_sync", "scores_sync"}  # at any start


@pytest.fixture
def watching(platform_dsn):
    """A session that looks at the platform's database from outside."""
    with psycopg.connect(platform_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def outside():
    """The settings of simulated providers: nobody outside is asked."""
    with Simulation() as simulation:
        yield simulated(simulation)


def shown(serving):
    """Return the kinds of the runs that an API lists."""
    return {run["kind"] for run in serving.ask("GET", "/api/v1/tasks/recent")[1]["items"]}


def test_ticks_run_once_on_the_sessions_of_one_pool_each(ava, whole, outside, watching):
    """What is due at the start is done by one of both workers, and both APIs show the same."""
    environ = whole | outside
    serving = [ava(*SERVE, **environ) for _ in range(2)]
    workers = [ava("worker", **environ) for _ in range(2)]
    for worker in workers:
        worker.until("works: ")
    done = "SELECT kind FROM tasks WHERE job_id IS NOT NULL AND finished_at IS NOT NULL"
    until(lambda: {kind for (kind,) in watching.execute(done).fetchall()} >= DUE)
    ticks = "SELECT kind, scheduled_at, count(*) FROM tasks WHERE job_id IS NOT NULL GROUP BY 1, 2"
    found = watching.execute(ticks).fetchall()
    assert [(kind, at) for kind, at, runs in found if runs > 1] == []
    sessions = dict(
        watching.execute(
            "SELECT application_name, count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()"
            " AND state IS NOT NULL GROUP BY 1"  # one that is just starting has no name yet
        ).fetchall()
    )
    assert set(sessions) <= {"ava", "ava maintain"}
    assert sessions["ava"] <= 4 * 3
    until(lambda: DUE <= shown(serving[0]) == shown(serving[1]))  # another run may just begin
    for process in (*serving, *workers):
        process.signal()
    assert {process.wait() for process in (*serving, *workers)} == {0}
    assert not any("Traceback" in process.text for process in (*serving, *workers))
    assert not any(KEY in process.text for process in (*serving, *workers))


def test_a_change_through_one_is_what_the_other_answers(ava, whole, watching):
    """The other had it in memory, and would have gone on answering from there."""
    writer, reader = (ava(*SERVE, **whole) for _ in range(2))
    assert writer.ask("PUT", SWITCH, {"enabled": True})[0] == 200
    assert reader.ask("GET", SWITCH)[1]["enabled"] is True
    watching.execute("UPDATE automation_switches SET enabled = false")
    assert reader.ask("GET", SWITCH)[1]["enabled"] is True, "it is not read from memory"
    assert writer.ask("PUT", SWITCH, {"enabled": False})[0] == 200
    until(lambda: reader.ask("GET", SWITCH)[1]["enabled"] is False)


def test_a_change_is_told_to_who_watches_another_and_the_end_as_well(ava, whole):
    """The news travels through Redis; a server that goes away says so by 1001."""
    writer, watched = (ava(*SERVE, **whole) for _ in range(2))
    place = urlsplit(watched.url)
    with connect(f"ws://{place.netloc}/api/v1/stream") as stream:
        for message in (
            {"type": "hello", "key": KEY},
            {"type": "subscribe", "topics": ["automation"]},
        ):
            stream.send(json.dumps(message))
            stream.recv(timeout=60)
        writer.ask("PUT", SWITCH, {"enabled": True})
        assert json.loads(stream.recv(timeout=60)) == {"type": "changed", "topic": "automation"}
        watched.signal()
        with pytest.raises(ConnectionClosed) as closed:
            stream.recv(timeout=60)
    assert closed.value.rcvd.code == 1001
    assert watched.wait() == 0
    assert "Traceback" not in watched.text
