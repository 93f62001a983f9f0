"""The lab for the whole suite: its servers start when the first test asks, one of each.

The fixtures fail where a server cannot be started: a suite that skips what it cannot reach would
look the same as one that passed.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from ava.db.migrate import migrate
from perf.lab.binaries import Source
from perf.lab.lab import Lab, Missing, Profile, Servers
from perf.lab.postgres import PostgresServer
from perf.lab.redis import RedisServer

pytest_plugins = ["pauses"]

# Other processes share the machine with the suite: a slow example is no fault of the code. And the
# same examples in every run: `--hypothesis-profile=explore` looks for others.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("explore", settings.get_profile("suite"), derandomize=False)
settings.load_profile("suite")

_ROOM = 4 * 2**30  # bytes

_MARKS = {
    "lab": pytest.mark.postgres,
    "postgres_server": pytest.mark.postgres,
    "redis_server": pytest.mark.redis,
}


def pytest_configure() -> None:
    """Heed SIGINT though the shell that started the suite in the background has it ignored.

    Ignoring is inherited by every process the tests start, and some of them are interrupted.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the servers they use, so that `-m "not postgres"` runs without them."""
    for item in items:
        for fixture in _MARKS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(_MARKS[fixture])


def pytest_collection_finish() -> None:
    """Keep seven thousand tests, which stay to the end, out of every collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend():
    """Run every `async def test_...` on asyncio, the loop that psycopg and redis-py know."""
    return "asyncio"


def _memory() -> Path | None:
    """Return a folder in memory, where there is one with room.

    Half of the suite's time is the copying of databases, three hundred small files each.
    """
    memory = Path("/dev/shm")  # noqa: S108 - the guard makes a folder of its own in it
    roomy = (
        memory.is_dir() and shutil.disk_usage(memory).free > _ROOM and os.access(memory, os.W_OK)
    )
    return memory if roomy else None


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers of this session; `AVA_DATABASE_URL` and `AVA_REDIS_URL` are honoured."""
    with Servers(base=_memory()) as started:
        yield started


@pytest.fixture(scope="session")
def postgres_server(servers: Servers) -> PostgresServer:
    """The PostgreSQL of this session; its superuser is the user of every DSN."""
    assert not isinstance(servers.postgres, Missing), servers.postgres
    return servers.postgres


@pytest.fixture(scope="session")
def redis_server(servers: Servers) -> RedisServer:
    """The Redis of this session."""
    assert not isinstance(servers.redis, Missing), servers.redis
    return servers.redis


@pytest.fixture
def lab(servers: Servers) -> Iterator[Lab]:
    """A lab of the quick profile; what a test makes through it goes with the test."""
    with Lab(servers.addresses, profile=Profile.QUICK, seed=1) as made:
        yield made


@pytest.fixture
def database(postgres_server: PostgresServer, lab: Lab) -> str:
    """The DSN of an empty database, dropped after the test."""
    return lab.dsn(lab.create_database())


@pytest.fixture(scope="session")
def schema_template(servers):
    """The name of a database that holds the schema and no rows."""
    with Lab(servers.addresses) as lab:
        name = lab.create_database()
        migrate(lab.dsn(name))
        yield name


@pytest.fixture
def platform_dsn(postgres_server, schema_template, lab):
    """The DSN of a database with the schema, dropped after the test."""
    return lab.dsn(lab.create_database(schema_template))


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of Redis, emptied first; a Redis of the user's own is not ours to empty."""
    if redis_server.source is not Source.URL:
        with redis.Redis.from_url(redis_server.url) as client:
            client.flushall()
    return redis_server.url
