"""The command started with what it needs, and nothing left of it."""

from contextlib import ExitStack

import psycopg
import pytest
from running import KEY, running


@pytest.fixture
def ava():
    """Start commands that end with the test."""
    with ExitStack() as stack:
        yield lambda *arguments, **environ: stack.enter_context(running(*arguments, **environ))


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """The environment of a platform with nothing beside it."""
    state = tmp_path_factory.mktemp("state")
    return {"AVA_STATE_DIRECTORY": str(state), "AVA_API_KEYS": f"desk:{KEY}"}


@pytest.fixture
def whole(alone, platform_dsn, redis_url):
    """The environment of a platform with PostgreSQL and Redis."""
    return alone | {
        "AVA_DATABASE_URL": platform_dsn,
        "AVA_DATABASE_POOL_MIN": "1",
        "AVA_DATABASE_POOL_MAX": "3",
        "AVA_REDIS_URL": redis_url,
    }


@pytest.fixture
def held(platform_dsn):
    """Hold the table of switches, so that a request waits for as long as the test likes."""
    with psycopg.connect(platform_dsn) as connection:
        connection.execute("LOCK TABLE automation_switches")
        yield connection
