"""Applications with something to watch: routes of the tests, and cores they are served from."""

from contextlib import asynccontextmanager

import httpx

from ava.api.access import Access
from ava.api.app import create_app, discover
from ava.api.route import Routes
from ava.core import Core
from ava.section import Secret
from ava.services.fresh import Fresh
from ava.settings import ApiSettings, DatabaseSettings, RedisSettings, Settings


def settings_of(*, dsn=None, redis=None, **sections):
    """Return settings with a key, and the servers that are given."""
    return Settings(
        api=ApiSettings(keys=Secret("desk:desk-secret")),
        database=DatabaseSettings(url=dsn and Secret(dsn), pool_min=1, pool_max=2),
        redis=RedisSettings(url=redis and Secret(redis), timeout_s=60),
        **sections,
    )


def example_routes():
    """Return an area with an answer that lasts, one that does not, and one that fails."""
    area = Routes("/example", "example")

    @area.get("/lasting/{name}", answers=str, example="a")
    async def lasting(name: str) -> Fresh[str]:
        """Answer what may be kept."""
        return Fresh(name, 60.0, ("example",))

    @area.get("/passing", answers=str, example="a")
    async def passing() -> str:
        """Answer what is asked for anew."""
        return "now"

    @area.get("/failing", answers=str, example="a")
    async def failing() -> str:
        """Fail as nobody expected."""
        raise RuntimeError("odd")

    @area.get("/guarded", answers=str, example="a", access=Access.KEY)
    async def guarded() -> str:
        """Answer whoever has a key."""
        return "in"

    return area


@asynccontextmanager
async def asking(core, *areas):
    """Ask the whole application of a core in this process, with further areas."""
    app = create_app(core, [*discover(core), *areas])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://ava") as client:
        yield client


@asynccontextmanager
async def opened(**options):
    """Open a core, and ask its application with the example's routes."""
    clock = options.pop("clock", None)
    async with (
        Core.open(settings_of(**options), clock=clock) as core,
        asking(core, example_routes()) as client,
    ):
        yield core, client
