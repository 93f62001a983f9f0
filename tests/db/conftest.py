"""Pools on databases with the platform's schema."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from ava.db.pool import Database
from ava.section import Secret
from ava.settings import DatabaseSettings


@pytest.fixture
def settings_for():
    """Return settings for a DSN with a pool of two and no wait between attempts."""

    def build(dsn, **changed):
        small = {"pool_min": 2, "pool_max": 2, "retry_delay_s": 0.0, "connect_timeout_s": 10.0}
        return DatabaseSettings(url=Secret(dsn), **(small | changed))

    return build


@pytest.fixture
async def platform(platform_dsn, settings_for):
    """An open database with the schema."""
    async with Database(settings_for(platform_dsn)) as database:
        yield database


@pytest.fixture
def opened(settings_for):
    """Open a database for a DSN inside a test: `async with opened(dsn) as database`."""

    @asynccontextmanager
    async def enter(dsn, *, clock=None, **changed):
        async with Database(settings_for(dsn, **changed), clock=clock) as database:
            yield database

    return enter
