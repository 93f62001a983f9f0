"""What a running process lacks, in sentences for the person who started it; never a secret.

Nothing of it stops the start: what needs the missing thing is refused, and the rest works.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from ava.settings import ApiSettings, DatabaseSettings, ProviderKeys, RedisSettings, Settings

if TYPE_CHECKING:
    from ava.core import Core

# The areas of the API that are refused without PostgreSQL; a test asks each of their routes.
STORED: Final = (
    "alerts",
    "analytics",
    "automation",
    "earnings",
    "predictions",
    "sports",
    "tasks",
    "watchlists",
)


def missing(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each thing that is not configured."""
    if settings.redis.url is None:
        yield f"no Redis ({RedisSettings.key('url')} is not set): caches are this process's memory"
    if settings.database.url is None:
        setting, stored = DatabaseSettings.key("url"), ", ".join(STORED)
        yield f"no PostgreSQL ({setting} is not set): refused is what it holds: {stored}"
    if settings.api.keys is None:
        yield (
            f"no keys ({ApiSettings.key('keys')} is not set): refused is what changes something, "
            "may cost a provider's quota or shows an account"
        )
    off = [key.name for key in fields(ProviderKeys) if getattr(settings.keys, key.name) is None]
    if off:
        yield f"no keys of providers ({ProviderKeys.prefix}*): {', '.join(off)} are off"


def silent(core: Core) -> Iterator[str]:
    """Yield a sentence for each thing that is configured and does not answer."""
    if core.settings.redis.url is not None and not core.platform.cache.stats().connected:
        yield f"Redis ({RedisSettings.key('url')}) does not answer: caches are in memory until then"
