"""Row L3: daily quotas, from any number of processes and across restarts.

The provider is a file that each call appends a byte to, so what is counted is what was let through,
and not what the quota believes, in virtual time. Those who call are connections of one process to
the same ledger, which lock each other out as processes do. What arrives at a provider from real
processes is counted in `perf.claims.providers.arrivals`.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import redis

from ava.clock import ManualClock
from ava.errors import QuotaExhaustedError
from ava.net.ledger import LedgerQuota
from ava.net.quota import Quota
from ava.net.shared_quota import SharedQuota
from ava.net.spec import Period, QuotaRule
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings
from perf.claim import Category, Plan, claim, counter_example, exactly
from perf.claims.document.limits import call_count_key, count_call
from perf.claims.limits.rates import keyspace
from perf.instruments import Count, Counted, Occurrence, Witness
from perf.lab.lab import Lab

RULE = QuotaRule(25, Period.DAY, "US/Eastern")
NAME = "alpha_vantage"


class Provider:
    """What reached the provider: one byte a call, in a file that outlives a killed caller."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def call(self) -> None:
        """Reach the provider."""
        with self._path.open("ab", buffering=0) as calls:
            calls.write(b".")

    @property
    def calls(self) -> int:
        """Return how many calls reached it."""
        return self._path.stat().st_size if self._path.exists() else 0


async def hammer(quota: Quota, provider: Provider, attempts: int) -> int:
    """Call as often as the quota allows; return how many attempts it refused."""
    refused = 0
    for _ in range(attempts):
        try:
            await quota.take()
        except QuotaExhaustedError:
            refused += 1
        else:
            provider.call()
    return refused


@claim(
    id="L3.daily.eight-connections",
    rows=["L3", "C2"],
    title="Eight that share a ledger make exactly 25 calls a day, restarted in between, in virtual"
    " time",
    source="000.21",
    category=Category.RESILIENCE,
    target=exactly(25, "calls"),
)
def eight_connections(lab: Lab) -> Plan:
    """Hammer, forget everything but the file, and hammer again."""

    async def count() -> Counted:
        directory = lab.scratch / os.urandom(4).hex()
        directory.mkdir()
        provider, clock = Provider(directory / "calls"), ManualClock()
        for attempts in (2, 10):  # the second time as after a restart: nothing but the file is left
            quotas = [LedgerQuota(NAME, RULE, directory / "ledger", clock=clock) for _ in range(8)]
            await asyncio.gather(*(hammer(quota, provider, attempts) for quota in quotas))
        return Counted(provider.calls, {"attempts": 96})

    return Count(count, "calls")


@claim(
    id="L3.daily.redis-forgets",
    rows=["L3"],
    title="Two machines make exactly 25 calls a day though Redis loses its memory in the middle",
    source="000.21",
    category=Category.RESILIENCE,
    target=exactly(25, "calls"),
)
async def redis_forgets(lab: Lab) -> Plan:
    """Spend some, delete the count in Redis, and hammer until both machines are refused."""
    link = RedisLink.open(RedisSettings(url=Secret(lab.redis_url)))

    async def count() -> Counted:
        space = lab.keep(keyspace(lab.redis_url))
        directory = lab.scratch / space
        directory.mkdir()
        provider, clock = Provider(directory / "calls"), ManualClock()
        quotas = [
            SharedQuota(
                NAME, RULE, link, directory / name, machines=2, clock=clock, namespace=space
            )
            for name in ("a", "b")
        ]
        for quota in quotas:
            await quota.left()
        await asyncio.gather(*(hammer(quota, provider, 6) for quota in quotas))
        before = provider.calls
        await link.client.delete(f"{space}:quota:{NAME}")
        refused = await asyncio.gather(*(hammer(quota, provider, 20) for quota in quotas))
        return Counted(provider.calls, {"calls_before_the_loss": before, "refused": sum(refused)})

    return Count(count, "calls")


class Interrupted(Exception):  # noqa: N818 - it is no error of the code but the end of its process
    """The process ended between two commands."""


class DyingRedis:
    """A client whose process ends after its first command."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def incr(self, key: str) -> None:
        """Count, as asked."""
        self._client.incr(key)

    def expire(self, key: str, seconds: int) -> None:
        """Never happen: the process is gone."""
        raise Interrupted(key, seconds)


@claim(
    id="L3.refuted.incr-then-expire",
    rows=["L3"],
    title="INCR followed by EXPIRE leaves a counter that never expires when a process dies between",
    source="000.21",
    category=Category.RESILIENCE,
    target=counter_example(),
)
def incr_then_expire(lab: Lab) -> Plan:
    """End the document's two commands after the first."""
    client = lab.keep(redis.Redis.from_url(lab.redis_url))
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def example() -> Occurrence:
        client.delete(call_count_key(now))
        with suppress(Interrupted):
            count_call(DyingRedis(client), now)
        ttl = client.ttl(call_count_key(now))
        client.delete(call_count_key(now))
        return Occurrence(
            ttl == -1,
            "two commands are not one: what happens between them is that the expiry is lost",
            {"ttl_s": ttl, "meaning": "-1: the key never expires"},
        )

    return Witness(example)


@claim(
    id="L3.refuted.local-day",
    rows=["L3"],
    title="A counter named by the server's day allows 50 calls in one day of the provider",
    source="000.21",
    category=Category.RESILIENCE,
    target=counter_example(),
)
def local_day(lab: Lab) -> Plan:
    """Count 25 calls before and 25 after midnight UTC, which is the evening in New York."""
    client = lab.keep(redis.Redis.from_url(lab.redis_url))
    moments = [datetime(2026, 1, 5, 23, 30, tzinfo=UTC), datetime(2026, 1, 6, 0, 30, tzinfo=UTC)]

    def example() -> Occurrence:
        keys = [call_count_key(now) for now in moments]
        client.delete(*keys)
        for now in moments:
            for _ in range(25):
                count_call(client, now)
        counts = [int(client.get(key) or 0) for key in keys]
        client.delete(*keys)
        days = {now.astimezone(ZoneInfo("US/Eastern")).date().isoformat() for now in moments}
        return Occurrence(
            counts == [25, 25] and len(days) == 1,
            "both counters stand at 25 of 25, and the provider saw 50 calls in one of its days",
            {"counters": dict(zip(keys, counts, strict=True)), "provider_days": sorted(days)},
        )

    return Witness(example)
