"""Switches of the automation, on a real database and a real Redis."""

import asyncio

import pytest

from ava.core import Core
from ava.db.query import named
from ava.errors import NoDatabaseError, NotFoundError
from ava.section import Secret
from ava.services.automation import PREFIX, Automation
from ava.settings import DatabaseSettings, RedisSettings, Settings, StateSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(platform_dsn, redis_url, tmp_path):
    """Settings of a platform with everything."""
    return Settings(
        database=DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=2),
        redis=RedisSettings(url=Secret(redis_url), timeout_s=60),
        state=StateSettings(directory=tmp_path),
    )


@pytest.fixture
async def automation(settings):
    """The switches of a platform of its own."""
    async with Core.open(settings) as core:
        yield core.service(Automation)


async def test_a_switch_is_as_it_was_turned(automation):
    """What was written is what is read."""
    await automation.turn("odds_sync", enabled=True, by="desk")
    assert (await automation.switch("odds_sync")).value.enabled
    assert await automation.is_enabled("odds_sync")


async def test_a_switch_nobody_set_is_off(automation):
    """An automation that nobody allowed does not run."""
    assert not await automation.is_enabled("kalshi_orders")
    with pytest.raises(NotFoundError):
        await automation.switch("kalshi_orders")


async def test_a_change_reaches_another_process(automation, settings):
    """The other process asked before the change, and holds the old switch in memory and Redis."""
    await automation.turn("wheel", enabled=True, by="desk")
    async with Core.open(settings) as other:
        theirs = other.service(Automation)
        assert await theirs.is_enabled("wheel")
        await automation.turn("wheel", enabled=False, by="desk")
        async with asyncio.timeout(30):  # the message is on its way
            while await theirs.is_enabled("wheel"):  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.005)


async def test_a_switch_is_answered_without_the_database(automation, settings):
    """Redis answers first: a row changed behind its back is not seen."""
    await automation.turn("wheel", enabled=True, by="desk")
    await automation.switch("wheel")
    async with Core.open(settings) as other:
        row = {"name": "wheel", "enabled": False, "updated_by": "somebody"}
        await other.database.execute(named("set_automation_switch"), row)
        found = await other.service(Automation).switch("wheel")
    assert found.value.enabled
    assert found.value.updated_by == "desk"
    assert found.fresh_s > 3000


async def test_switches_are_listed_in_pages(automation):
    """The second page goes on where the first ended."""
    for name in ("a", "b", "c"):
        await automation.turn(name, enabled=True, by="desk")
    first = await automation.switches(limit=2)
    second = await automation.switches(limit=2, cursor=first.next_cursor)
    assert [s.name for s in [*first.items, *second.items]] == ["a", "b", "c"]
    assert second.next_cursor is None


async def test_without_a_database_it_says_which_setting_is_missing():
    """Nothing else of the platform is in the way."""
    async with Core.open(Settings()) as core:
        with pytest.raises(NoDatabaseError, match="AVA_DATABASE_URL"):
            await core.service(Automation).switch("wheel")


def test_the_documented_prefix_names_the_keys():
    """002.5 gives the prefix, which other programs may read."""
    assert PREFIX == "automation:enabled:"
