"""What happens when the network or the server goes away, seen through a proxy that can be cut."""

import asyncio

import psycopg
import pytest

from ava.errors import (
    CommitUncertainError,
    ConnectionLostError,
    ServerUnreachableError,
    StatementError,
    StatementTimeoutError,
)

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

ADD = "INSERT INTO watchlists (owner, name) VALUES ('me', 'mine')"
# A trigger that runs at COMMIT, so that COMMIT can be watched while it lasts.
SLOW_COMMIT = """
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON watchlists
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger();
"""
COUNT = "SELECT count(*) AS n FROM watchlists"


@pytest.fixture
def proxy(lab):
    """A proxy in front of PostgreSQL."""
    return lab.proxy()


@pytest.fixture
def far_dsn(lab, schema_template, proxy):
    """The DSN of a database with the schema, by way of the proxy."""
    return lab.dsn_via(proxy, lab.create_database(schema_template))


async def running(dsn, text):
    """Return when a session of the database is running `text`."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as watcher:
        while True:
            cursor = await watcher.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                " AND datname = current_database() AND query = %s",
                (text,),
            )
            if await cursor.fetchone() == (1,):
                return


async def test_a_connection_cut_in_mid_query_is_an_error_and_the_pool_recovers(
    far_dsn, opened, proxy
):
    """The statement fails as a lost connection; the next one has a new connection."""
    async with opened(far_dsn) as database:
        query = asyncio.ensure_future(database.fetch("SELECT pg_sleep(60)"))
        await running(far_dsn, "SELECT pg_sleep(60)")
        proxy.cut()
        with pytest.raises(ConnectionLostError):
            await query
        assert await database.fetch("SELECT 1 AS a") == [{"a": 1}]
        assert database.stats().connections_lost >= 1


async def test_work_cut_before_commit_is_repeated(far_dsn, opened, proxy):
    """A connection lost inside the transaction costs a second run and nothing else."""
    async with opened(far_dsn) as database:
        runs = []

        async def work(conn):
            runs.append(1)
            await conn.execute(ADD)
            if len(runs) == 1:
                proxy.cut()
                await conn.execute(COUNT)

        await database.run(work)
        assert len(runs) == 2
        assert await database.fetch(COUNT) == [{"n": 1}]


async def test_a_cut_that_the_block_swallowed_is_still_an_error(far_dsn, opened, proxy):
    """A transaction whose connection is gone cannot end as if it were committed."""
    async with opened(far_dsn, retries=1) as database:

        async def work(conn):
            await conn.execute(ADD)
            proxy.cut()
            with pytest.raises(psycopg.OperationalError):
                await conn.execute(COUNT)

        with pytest.raises(ConnectionLostError, match="inside the transaction"):
            await database.run(work)
        assert await database.fetch(COUNT) == [{"n": 0}]


async def test_a_cut_during_commit_is_uncertain_and_never_repeated(far_dsn, opened, proxy):
    """A connection that breaks while the server is busy with COMMIT leaves the outcome unknown."""
    async with opened(far_dsn) as database:
        await database.execute(SLOW_COMMIT)
        runs = []

        async def work(conn):
            runs.append(1)
            await conn.execute(ADD)

        committing = asyncio.ensure_future(database.run(work))
        await running(far_dsn, "COMMIT")
        proxy.cut()
        with pytest.raises(CommitUncertainError, match="may be stored or not"):
            await committing
        assert runs == [1]


async def test_a_server_that_refuses_the_commit_is_certain(far_dsn, opened):
    """An error that the server itself gives at COMMIT says that nothing was stored."""
    async with opened(far_dsn) as database:
        await database.execute(SLOW_COMMIT.replace("pg_sleep(60)", "1 / 0"))
        with pytest.raises(StatementError, match="division by zero"):
            await database.run(lambda conn: conn.execute(ADD))
        assert await database.fetch(COUNT) == [{"n": 0}]


async def test_a_silent_server_at_commit_is_uncertain_too(far_dsn, opened, proxy):
    """The wait for COMMIT has an end, and no answer is no answer."""
    async with opened(far_dsn, statement_timeout_s=0.1, connect_timeout_s=0.4) as database:

        async def work(conn):
            await conn.execute(ADD)
            proxy.stall()

        with pytest.raises(CommitUncertainError, match="did not answer"):
            await asyncio.gather(database.run(work), _resumed_once_cancelling(proxy))


async def test_the_wait_for_a_silent_server_ends(far_dsn, opened, proxy):
    """A statement that nobody answers fails after its deadline, not never."""
    async with opened(far_dsn, statement_timeout_s=0.1, connect_timeout_s=0.4) as database:
        await database.fetch(COUNT)
        proxy.stall()
        with pytest.raises(StatementTimeoutError, match="did not answer within"):
            await asyncio.gather(database.fetch(COUNT), _resumed_once_cancelling(proxy))
        assert await database.fetch(COUNT) == [{"n": 0}]


async def test_a_silent_server_cannot_hold_a_failing_transaction(far_dsn, opened, proxy):
    """The wait for the rollback ends, and the error is the one that caused it."""
    async with opened(far_dsn, statement_timeout_s=0.1, connect_timeout_s=0.4) as database:

        async def work(_conn):
            proxy.stall()
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            await asyncio.gather(database.run(work), _resumed_once_cancelling(proxy))
        assert await database.fetch(COUNT) == [{"n": 0}]


async def test_an_outage_is_named_and_ends_with_the_outage(far_dsn, opened, proxy):
    """While the server refuses connections that is the error; afterwards the same pool works."""
    async with opened(far_dsn, connect_timeout_s=0.5) as database:
        proxy.cut(refuse=True)
        with pytest.raises(ServerUnreachableError, match="cannot be reached"):
            await database.fetch(COUNT)
        health = await database.health()
        assert not health.ok
        assert health.latency_s is None
        proxy.resume()
        assert await _eventually(database) == [{"n": 0}]


async def test_a_password_with_a_bare_at_sign_is_not_shown(opened):
    """What follows the "@" is taken for the host, so neither host nor driver's words are told."""
    dsn = "postgresql://ava:hunter@2secret@127.0.0.1:1/ava"
    with pytest.raises(ServerUnreachableError) as caught:
        async with opened(dsn, connect_timeout_s=0.5, retries=1):
            pass
    assert "secret" not in str(caught.value)
    assert "%40" in str(caught.value)


async def test_dead_connections_cost_no_backoff(far_dsn, opened, proxy):
    """After a cut of every idle connection the first statement runs at once on a new one."""
    loop, took = asyncio.get_running_loop(), []
    async with opened(far_dsn, pool_min=5, pool_max=5) as database:
        for _ in range(3):
            proxy.cut()
            started = loop.time()
            assert await database.fetch(COUNT) == [{"n": 0}]
            took.append(loop.time() - started)
    assert min(took) < 1.0  # the pool's own retries would begin with a second, every time


async def _resumed_once_cancelling(proxy):
    """End the stall when the driver has given up and connects anew to cancel."""
    before = proxy.traffic().connections
    while proxy.traffic().connections == before:  # noqa: ASYNC110 - only the proxy can tell
        await asyncio.sleep(0.01)
    proxy.resume()


async def _eventually(database):
    while True:
        try:
            return await database.fetch(COUNT)
        except ServerUnreachableError:
            continue
