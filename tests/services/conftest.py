"""A platform with everything, for the services."""

from __future__ import annotations

import asyncio

import pytest

from ava.core import Core
from ava.section import Secret
from ava.settings import DatabaseSettings, RedisSettings, Settings, StateSettings


@pytest.fixture
def settings(platform_dsn, redis_url, tmp_path):
    """Settings of a platform with everything but providers."""
    return Settings(
        database=DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=4),
        redis=RedisSettings(url=Secret(redis_url), timeout_s=60),
        state=StateSettings(directory=tmp_path),
    )


@pytest.fixture
async def core(settings):
    """A running platform."""
    async with Core.open(settings) as opened:
        yield opened


@pytest.fixture
def eventually():
    """Wait until an awaitable question is answered with yes, for what travels by message."""

    async def wait(holds):
        async with asyncio.timeout(30):
            while not await holds():  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.005)

    return wait
