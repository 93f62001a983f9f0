"""The pool on a real server: its verbs, its transactions, its retries and its figures."""

import asyncio
import random
import socket
from contextlib import suppress

import psycopg
import pytest
from psycopg import sql

from ava.clock import ManualClock
from ava.db.pool import Database
from ava.db.stats import PoolStats, summarise
from ava.errors import (
    ConstraintError,
    PoolClosedError,
    PoolExhaustedError,
    ServerUnreachableError,
    SettingsError,
    StatementError,
    StatementTimeoutError,
    TransactionConflictError,
)
from ava.section import Secret
from ava.settings import DatabaseSettings

pytestmark = pytest.mark.anyio

COUNT = "SELECT count(*) AS n FROM watchlists"
ADD = "INSERT INTO watchlists (owner, name) VALUES (%s, %s)"


async def count(database):
    return (await database.fetch_one(COUNT))["n"]


class Chance(random.Random):
    """A random source that always draws the largest value, and remembers the bounds."""

    def __init__(self):
        super().__init__()
        self.bounds = []

    def uniform(self, a, b):
        self.bounds.append((a, b))
        return b


async def test_rows_come_as_dictionaries(platform):
    """A row is a mapping from column to value, an absent row is None, an effect is a number."""
    assert await platform.fetch("SELECT 1 AS a, 'x' AS b") == [{"a": 1, "b": "x"}]
    assert await platform.fetch_one("SELECT 1 AS a WHERE false") is None
    assert await platform.execute(ADD, ("me", "mine")) == 1


async def test_a_statement_outside_a_transaction_is_committed_at_once(platform, platform_dsn):
    """Connections are in autocommit: another session sees the row."""
    async with platform.connection() as conn:
        await conn.execute(ADD, ("me", "mine"))
        with psycopg.connect(platform_dsn) as other:
            assert other.execute(COUNT).fetchone() == (1,)


async def test_a_transaction_commits_at_its_end(platform):
    """What the block wrote is there after it."""
    async with platform.transaction() as conn:
        await conn.execute(ADD, ("me", "mine"))
    assert await count(platform) == 1


async def test_an_error_in_the_block_rolls_back(platform):
    """Nothing of a failed transaction stays, and the error is the block's own."""

    async def work(conn):
        await conn.execute(ADD, ("me", "mine"))
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await platform.run(work)
    assert await count(platform) == 0


async def test_rollback_can_be_asked_for(platform):
    """`psycopg.Rollback` undoes the block without an error."""
    async with platform.transaction() as conn:
        await conn.execute(ADD, ("me", "mine"))
        raise psycopg.Rollback
    assert await count(platform) == 0


async def test_a_swallowed_failure_does_not_pass_for_a_commit(platform):
    """COMMIT of a failed transaction rolls back in silence; here it is an error."""

    async def work(conn):
        await conn.execute(ADD, ("me", "mine"))
        with suppress(psycopg.Error):
            await conn.execute("SELECT 1 FROM nowhere")

    with pytest.raises(StatementError, match="swallowed"):
        await platform.run(work)
    assert await count(platform) == 0


async def test_every_session_has_the_timeout_and_the_name(platform):
    """The settings reach the server as connection options."""
    row = await platform.fetch_one(
        "SELECT current_setting('statement_timeout') AS timeout,"
        " current_setting('application_name') AS name"
    )
    assert row == {"timeout": "30s", "name": "ava"}


async def test_options_of_the_connection_string_are_kept(platform_dsn, opened):
    """A session option in the string stands beside ours, and wins over it."""
    dsn = psycopg.conninfo.make_conninfo(
        platform_dsn, options="-c statement_timeout=1234 -c geqo=off"
    )
    async with opened(dsn) as database:
        row = await database.fetch_one(
            "SELECT current_setting('statement_timeout') AS timeout,"
            " current_setting('geqo') AS geqo"
        )
    assert row == {"timeout": "1234ms", "geqo": "off"}


async def test_a_statement_over_its_time_is_cancelled_by_the_server(platform_dsn, opened):
    """The error carries the server's code and the connection serves on."""
    async with opened(platform_dsn, statement_timeout_s=0.05) as database:
        with pytest.raises(StatementTimeoutError) as caught:
            await database.fetch("SELECT pg_sleep(30)")
        assert caught.value.sqlstate == "57014"
        assert await database.fetch_one("SELECT 1 AS a") == {"a": 1}


async def test_a_broken_constraint_is_named(platform):
    """The error carries the constraint and the SQLSTATE, and not the row."""
    await platform.execute(ADD, ("me", "mine"))
    with pytest.raises(ConstraintError) as caught:
        await platform.execute(ADD, ("me", "mine"))
    assert caught.value.constraint == "watchlists_owner_name_key"
    assert caught.value.sqlstate == "23505"
    assert "mine" not in str(caught.value)


async def test_a_refused_statement_keeps_its_cause(platform):
    """psycopg's error is the cause, for whoever wants all of it."""
    with pytest.raises(StatementError, match="nowhere") as caught:
        await platform.fetch("SELECT 1 FROM nowhere")
    assert isinstance(caught.value.__cause__, psycopg.errors.UndefinedTable)


async def test_work_is_repeated_after_a_conflict(platform_dsn, opened):
    """A deadlock's victim runs again, and the result is the second run's."""
    async with opened(platform_dsn) as database:
        runs = []

        async def work(conn):
            runs.append(1)
            await conn.execute(ADD, ("me", f"list {len(runs)}"))
            if len(runs) == 1:
                await conn.execute("DO $$ BEGIN RAISE 'again' USING ERRCODE = '40P01'; END $$")
            return len(runs)

        assert await database.run(work) == 2
        assert await database.fetch("SELECT name FROM watchlists") == [{"name": "list 2"}]


async def test_two_transactions_in_conflict_both_succeed_in_the_end(platform_dsn, opened):
    """Serializable transactions that both read, then write, are run again until none is lost."""
    async with opened(platform_dsn, retries=5) as database:
        await database.execute("INSERT INTO automation_switches VALUES ('n', false, now(), '0')")
        both_read, readers = asyncio.Event(), []

        async def work(conn):
            await conn.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            cursor = await conn.execute("SELECT updated_by FROM automation_switches")
            (value,) = (await cursor.fetchone()).values()
            readers.append(1)
            if len(readers) == 2:
                both_read.set()
            await both_read.wait()
            await conn.execute(
                "UPDATE automation_switches SET updated_by = %s", (f"{int(value) + 1}",)
            )

        await asyncio.gather(database.run(work), database.run(work))
        assert await database.fetch("SELECT updated_by FROM automation_switches") == [
            {"updated_by": "2"}
        ]


async def test_work_is_given_up_after_the_last_attempt(platform_dsn, settings_for):
    """Three attempts, two waits between them, each up to twice the one before."""
    clock, chance, runs = ManualClock(jump=True), Chance(), []
    settings = settings_for(platform_dsn, retry_delay_s=1.0)
    async with Database(settings, clock=clock, chance=chance) as database:

        async def work(conn):
            runs.append(1)
            await conn.execute("DO $$ BEGIN RAISE 'no' USING ERRCODE = '40001'; END $$")

        with pytest.raises(TransactionConflictError):
            await database.run(work)
    assert len(runs) == 3
    assert chance.bounds == [(0, 1.0), (0, 2.0)]
    assert clock.slept == [1.0, 2.0]


async def test_work_that_is_wrong_is_not_repeated(platform):
    """A broken constraint will be as broken the next time."""
    runs = []

    async def work(conn):
        runs.append(1)
        await conn.execute(ADD, ("me", None))

    with pytest.raises(ConstraintError):
        await platform.run(work)
    assert runs == [1]


async def test_a_session_ended_by_the_administrator_is_replaced_and_the_work_repeated(platform):
    """57P01 in the middle of a transaction is a passing failure."""
    runs = []

    async def work(conn):
        runs.append(conn.info.backend_pid)
        if len(runs) == 1:
            async with platform.connection() as other:
                await other.execute("SELECT pg_terminate_backend(%s, 5000)", (runs[0],))
        await conn.execute(ADD, ("me", "mine"))

    await platform.run(work)
    assert len(runs) == 2
    assert await count(platform) == 1


async def test_sessions_killed_while_idle_are_never_handed_out(platform, platform_dsn):
    """A dead connection is seen at check-out without a round trip, so no statement fails."""
    with psycopg.connect(platform_dsn, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'ava' AND datname = current_database()"
        )
    assert [await count(platform) for _ in range(4)] == [0, 0, 0, 0]


async def test_only_a_connection_that_lay_idle_is_pinged(platform_dsn, opened):
    """A hot connection costs no extra statement; one idle for longer than the limit costs one."""
    clock = ManualClock()
    async with opened(platform_dsn, clock=clock, pool_min=1, pool_max=1) as database:
        await database.fetch(COUNT)
        await clock.advance(29.9)
        await database.fetch(COUNT)
        assert "ping" not in database.timer.snapshot()
        await clock.advance(30.1)
        await database.fetch(COUNT)
        assert database.timer.snapshot()["ping"].count == 1


async def test_a_full_pool_says_so(platform_dsn, opened):
    """Who waits for a connection in vain learns how many there are and what to do."""
    async with opened(platform_dsn, connect_timeout_s=0.3) as database:
        async with database.connection(), database.connection():
            with pytest.raises(PoolExhaustedError, match="all 2 connections were busy"):
                await database.fetch(COUNT)
        assert await count(database) == 0


async def test_statistics_tell_use_waiting_and_saturation(platform_dsn, opened):
    """The figures are those of the moment, and a mean of nothing is unknown."""
    async with opened(platform_dsn, pool_min=2, pool_max=4) as database:
        assert database.stats().wait_mean_s is None
        async with database.connection():
            seen = database.stats()
        assert (seen.size, seen.idle, seen.in_use, seen.waiting) == (2, 1, 1, 0)
        assert seen.saturation == 0.25
        assert (seen.requests, seen.connections_made, seen.max_size) == (1, 2, 4)


def test_statistics_read_the_public_counters():
    """Each figure comes from its counter; milliseconds become seconds."""
    raw = {
        "pool_min": 2, "pool_max": 8, "pool_size": 6, "pool_available": 2, "requests_waiting": 3,
        "requests_num": 10, "requests_queued": 4, "requests_wait_ms": 600, "requests_errors": 1,
        "connections_num": 9, "connections_errors": 5, "connections_lost": 1, "returns_bad": 2,
    }  # fmt: skip
    assert summarise(raw) == PoolStats(
        size=6, max_size=8, idle=2, in_use=4, waiting=3, saturation=0.5, requests=10,
        requests_waited=4, wait_mean_s=0.15, errors=1, connections_made=9, connections_failed=5,
        connections_lost=3,
    )  # fmt: skip


async def test_health_is_a_round_trip(platform):
    """A healthy database answers, with the time it took."""
    health = await platform.health()
    assert health.ok
    assert health.latency_s > 0


async def test_an_unreachable_server_is_one_clear_error(platform_dsn, settings_for, caplog):
    """Start-up ends after the attempts with the place and the reason, without password or noise."""
    dsn = "postgresql://ava:hunter2@127.0.0.1:1/ava"
    clock = ManualClock(jump=True)
    with pytest.raises(ServerUnreachableError) as caught:
        await Database(settings_for(dsn, retry_delay_s=1.0), clock=clock).open()
    assert "127.0.0.1:1" in str(caught.value)
    assert "nothing listens there" in str(caught.value)
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__}{caplog.text}"
    assert len(clock.slept) == 2
    assert caplog.messages == []


async def test_start_up_ends_within_the_connect_timeout(settings_for):
    """A server that accepts and never speaks does not hold the start for longer than allowed."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        dsn = f"host=127.0.0.1 port={port} user=ava"
        started = loop.time()
        with pytest.raises(ServerUnreachableError, match="no answer"):
            await Database(settings_for(dsn, connect_timeout_s=0.5)).open()
    assert loop.time() - started < 10


@pytest.mark.parametrize("dsn", ["postgresql://ava:hunter2@[broken", "hunter2", "hunter2=x"])
def test_a_malformed_url_is_refused_without_being_shown(dsn):
    """The error names the variable; neither it nor its traceback quotes the value."""
    with pytest.raises(SettingsError, match="AVA_DATABASE_URL") as caught:
        Database(DatabaseSettings(url=Secret(dsn)))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_a_database_is_used_between_opening_and_closing(platform_dsn, settings_for):
    """Before and after, each verb says that it is not open."""
    database = Database(settings_for(platform_dsn))
    with pytest.raises(PoolClosedError):
        await database.fetch(COUNT)
    async with database:
        assert await count(database) == 0
    with pytest.raises(PoolClosedError):
        await database.fetch(COUNT)
    with pytest.raises(PoolClosedError):
        await database.open()


async def test_identifiers_can_be_composed(platform):
    """A statement made of identifiers runs like any other."""
    query = sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier("stocks"))
    assert await platform.fetch(query) == [{"n": 0}]
