"""The blocking face: the same pool, from threads that have no event loop."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ava.db.batch import insert_many
from ava.db.blocking import open_blocking
from ava.db.tables import ALERTS
from ava.errors import (
    ConstraintError,
    PoolClosedError,
    ServerUnreachableError,
    WrongThreadError,
)

ADD = "INSERT INTO watchlists (owner, name) VALUES ('me', 'mine')"
COUNT = "SELECT count(*) AS n FROM watchlists"


@pytest.fixture
def blocking(platform_dsn, settings_for):
    """A database for a program without a loop."""
    with open_blocking(settings_for(platform_dsn)) as opened:
        yield opened


def test_a_program_without_a_loop_has_the_same_verbs(blocking):
    """Rows, one row, an effect and health come back as values."""
    assert blocking.execute(ADD) == 1
    assert blocking.fetch(COUNT) == [{"n": 1}]
    assert blocking.fetch_one("SELECT %s::int AS a", (5,)) == {"a": 5}
    assert blocking.health().ok


def test_a_transaction_spans_a_with_block(blocking):
    """What the block wrote is committed at its end and undone by an error."""
    with pytest.raises(ZeroDivisionError):
        _add_and_fail(blocking)
    assert blocking.fetch(COUNT) == [{"n": 0}]
    with blocking.transaction() as conn:
        conn.execute(ADD)
        assert conn.fetch(COUNT) == [conn.fetch_one(COUNT)] == [{"n": 1}]
    assert blocking.fetch(COUNT) == [{"n": 1}]


def _add_and_fail(blocking):
    with blocking.transaction() as conn:
        conn.execute(ADD)
        raise ZeroDivisionError


def test_coroutine_functions_run_on_a_lent_connection(blocking):
    """A batch can be written without a loop of one's own."""
    row = {"alert_type": "price", "symbol": "S", "message": "m", "priority": 3}
    with blocking.connection() as conn:
        assert conn.call(insert_many, ALERTS, [row, row]).inserted == 2
    assert blocking.run(_count_alerts) == 2


async def _count_alerts(conn):
    (row,) = await (await conn.execute("SELECT count(*) AS n FROM alerts")).fetchall()
    return row["n"]


def test_errors_cross_the_threads(blocking):
    """The caller gets the package's own error."""
    blocking.execute(ADD)
    with pytest.raises(ConstraintError):
        blocking.execute(ADD)


def test_threads_share_one_pool(blocking, platform_dsn):
    """Twenty threads are served by two sessions."""
    with ThreadPoolExecutor(20) as threads:
        rows = list(
            threads.map(lambda _: blocking.fetch_one("SELECT pg_backend_pid() AS pid"), range(60))
        )
    with psycopg.connect(platform_dsn) as other:
        sessions = other.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'ava' AND datname = current_database()"
        ).fetchone()
    assert len({row["pid"] for row in rows}) <= 2
    assert sessions == (2,)
    assert blocking.stats().size == 2


@pytest.mark.anyio
async def test_both_faces_use_the_same_connections(platform):
    """A thread beside the loop gets its connection from the loop's pool."""
    both = await asyncio.to_thread(platform.blocking.fetch_one, "SELECT pg_backend_pid() AS pid")
    async with platform.connection() as one, platform.connection() as two:
        assert both["pid"] in {one.info.backend_pid, two.info.backend_pid}


@pytest.mark.anyio
async def test_blocking_on_the_home_thread_is_refused(platform):
    """A call that would wait for itself is an error with the way out."""
    with pytest.raises(WrongThreadError, match="await the method"):
        platform.blocking.fetch(COUNT)


@pytest.mark.anyio
async def test_the_async_face_is_refused_in_another_loop(platform):
    """A second loop cannot use connections that belong to the first."""

    async def fetch():
        return await platform.fetch(COUNT)

    with pytest.raises(WrongThreadError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, fetch())


def test_an_unreachable_server_ends_the_loop_it_started(settings_for):
    """A failed start leaves no thread behind."""
    with (
        pytest.raises(ServerUnreachableError),
        open_blocking(settings_for("host=127.0.0.1 port=1 user=ava")),
    ):
        pass
    assert "ava-db" not in {thread.name for thread in threading.enumerate()}


def test_after_the_end_every_call_says_that_it_is_closed(platform_dsn, settings_for):
    """The face outlives its database as an error, not as a wait."""
    with open_blocking(settings_for(platform_dsn)) as opened:
        pass
    with pytest.raises(PoolClosedError):
        opened.fetch(COUNT)
    assert "ava-db" not in {thread.name for thread in threading.enumerate()}
