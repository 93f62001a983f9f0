"""A running system: the platform, the database where there is one, and the services made of them.

A service is a class that is made from the `Core` and takes from it what it needs; `core.service`
keeps one of each, so a new service touches no list. Without PostgreSQL the core still runs: what
needs it is refused with the setting that is missing, and the rest works.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, TypeVar, cast

from ava.cache.keep import Keep
from ava.clock import Clock, SystemClock
from ava.db.pool import Database
from ava.errors import NoDatabaseError
from ava.net.gateway import Deployment
from ava.platform import Platform
from ava.services.fresh import Fresh
from ava.settings import DatabaseSettings, Settings

T = TypeVar("T")
S_co = TypeVar("S_co", covariant=True)


class Makes(Protocol[S_co]):
    """What makes a service from a core: the service's class."""

    def __call__(self, core: Core, /) -> S_co:
        """Return a new service."""
        ...


class Core:
    """What services share. `database` raises NoDatabaseError where none is configured."""

    def __init__(
        self,
        settings: Settings,
        platform: Platform,
        database: Database | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.platform = platform
        self.clock = clock or SystemClock()
        self._database = database
        self._services: dict[Any, Any] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        deployment: Deployment | None = None,
    ) -> AsyncIterator[Core]:
        """Open everything that is configured for the length of a block.

        Raises ServerUnreachableError for a PostgreSQL that is configured and does not answer.
        """
        async with AsyncExitStack() as stack:
            database = None
            if settings.database.url is not None:
                opening = Database(settings.database, clock=clock)
                database = await stack.enter_async_context(opening)
            platform = await stack.enter_async_context(
                Platform.open(
                    settings,
                    clock=clock,
                    rng=rng,
                    deployment=deployment,
                    urls=settings.providers.addresses(),
                    pace=settings.providers.pace,
                )
            )
            yield cls(settings, platform, database, clock=clock)

    @property
    def has_database(self) -> bool:
        """Whether there is a PostgreSQL to ask."""
        return self._database is not None

    @property
    def database(self) -> Database:
        """The pool of connections to PostgreSQL."""
        if self._database is None:
            setting = DatabaseSettings.key("url")
            raise NoDatabaseError(f"this needs PostgreSQL, and there is none: set {setting}")
        return self._database

    def service(self, makes: Makes[T]) -> T:
        """Return the one service of that class, made when it is first asked for."""
        found = self._services.get(makes)
        if found is None:
            found = self._services[makes] = makes(self)
        return cast("T", found)

    async def kept(
        self, key: str, fetch: Callable[[], Awaitable[T]], *, kind: type[T], keep: Keep
    ) -> Fresh[T]:
        """Return the cached value of `key`, or fetch it, with the time it stays fresh."""
        cache = self.platform.cache
        value = await cache.get_or_fetch(key, fetch, kind=kind, keep=keep)
        left_s = cache.left_s(key)
        if left_s is None:  # it was invalidated, or evicted, on the way
            return Fresh(value, 0.0, keep.tags)
        return Fresh(value, max(0.0, left_s), keep.tags, stale=left_s <= 0)
