"""A quota counted across machines: in Redis, and in a ledger of each machine's own use.

The processes of one machine need no Redis for this: `LedgerQuota` is exact alone. With several
machines Redis holds the sum of what each has used. A unit is written to the machine's ledger first,
then counted in Redis, then used; so each ledger is never behind its machine's use, and the sum can
be put together again from the ledgers.

Never over the quota, in every state:
- Redis away: nobody can know what the others used, so every call is refused.
- Redis back empty: refused until each of the `machines` has reported its ledger, then exact again.
  A machine reports whenever it takes, or asks what is left.
- A machine killed between ledger and call: its unit is wasted, not freed.
A ledger that is deleted takes its machine's use with it: the path must outlive restarts.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import cast

from ava.clock import Clock, SystemClock
from ava.errors import QuotaExhaustedError, SharedStoreDownError
from ava.net.ledger import Ledger, uncancelled
from ava.net.quota import (
    TOLD_S,
    Book,
    QuotaStats,
    Taking,
    check_cost,
    end_of,
    exhausted,
    period_at,
    told_use,
    turned,
)
from ava.net.spec import Budget, QuotaRule
from ava.redis import RedisLink, Script

_RETURN = Script("""
if redis.call('HGET', KEYS[1], 'period') ~= ARGV[2] then return 0 end
local left = tonumber(redis.call('HGET', KEYS[1], 'u:' .. ARGV[1]) or 0) - tonumber(ARGV[3])
return redis.call('HSET', KEYS[1], 'u:' .. ARGV[1], math.max(0, left))
""")
_NOTE = Script("""
local told = redis.call('HMGET', KEYS[1], 'period', 'told', 'told_at')
if told[1] ~= ARGV[1] then return 0 end
local at = tonumber(told[3] or 0)
if tonumber(ARGV[2]) < tonumber(told[2] or 0) and tonumber(ARGV[4]) < at
    and at > tonumber(ARGV[5]) then return 0 end
return redis.call('HSET', KEYS[1], 'told', ARGV[2], 'told_at', ARGV[3])
""")


class SharedQuota:
    """Hold `rule` for `machines` machines that share `link`, each with a ledger at its `path`."""

    def __init__(  # noqa: PLR0913 - what, where twice, and for how many
        self,
        name: str,
        rule: QuotaRule,
        link: RedisLink,
        path: Path,
        *,
        machines: int,
        clock: Clock | None = None,
        namespace: str = "ava",
    ) -> None:
        self.name = name
        self.rule = rule
        self._link = link
        self._ledger = Ledger(path)
        self._machines = machines
        self._clock = clock or SystemClock()
        self._key = f"{namespace}:quota:{name}"
        self._identity: str | None = None
        self._period = ""  # the latest seen anywhere
        self._known: int | None = None  # what was left when last heard
        self._turn = asyncio.Lock()
        self._taken = self._given_back = self._refused = 0

    async def take(self, cost: int = 1) -> Taking:
        """Count `cost` units; raise QuotaExhaustedError, counting nothing, if they are not left.

        The same error, without `resets_at`, says that the count cannot be known: Redis is away, or
        back without its memory and not every machine has reported.
        """
        check_cost(cost)
        async with self._turn:
            taking = await self._try(cost)
        self._taken += cost
        return taking

    async def give_back(self, taking: Taking) -> None:
        """Undo a taking whose request never left; one of an earlier period changes nothing."""
        await asyncio.to_thread(self._unwrite, taking)
        self._given_back += taking.cost
        arguments = (await self._id(), taking.period, taking.cost)
        try:
            await self._link.run(_RETURN, [self._key], *arguments)
        except SharedStoreDownError:
            return  # Redis counts it until the ledger's next unit, which it then has counted

    async def observe(self, budget: Budget, taking: Taking | None = None) -> None:
        """Adopt what the provider tells, for all machines (see `Quota`); lost if Redis is away."""
        told = told_use(budget, self.rule.limit)
        if told is None:
            return
        at = self._at()
        period = taking.period if taking is not None else self._now_period()
        asked_at = taking.at if taking is not None else 0.0
        arguments = (period, told, at, asked_at, at - TOLD_S)
        try:
            await self._link.run(_NOTE, [self._key], *arguments)
        except SharedStoreDownError:
            return

    async def left(self) -> int | None:
        """Return the units left, None when Redis is away or has not heard of every machine."""
        own = await asyncio.to_thread(self._write, 0)
        try:
            status, spent = await self._ask(own, 0)
        except SharedStoreDownError:
            return None
        return self._learn(spent) if status == "seen" else None

    def stats(self) -> QuotaStats:
        """Return the counts of the moment; Redis is not asked for them."""
        return QuotaStats(
            limit=self.rule.limit,
            left=self._known,
            resets_at=end_of(self.rule, self._now_period()),
            taken=self._taken,
            given_back=self._given_back,
            refused=self._refused,
        )

    async def _try(self, cost: int) -> Taking:
        """Write the units down, count them, and take them back out unless that went well."""
        own = await uncancelled(lambda: self._write(cost), lambda book: self._undo(book, cost))
        try:
            status, spent = await self._ask(own, cost)
        except SharedStoreDownError:
            await self._refuse(own, cost)
            raise self._unknown("Redis is away") from None
        except asyncio.CancelledError:
            await uncancelled(lambda: self._undo(own, cost), lambda _: None)
            raise
        if status == "taken":
            self._learn(spent)
            return Taking(cost, own.period, self._at())
        await self._refuse(own, cost)
        if status == "later":
            return await self._try(cost)
        if status == "unknown":
            raise self._unknown(f"not all {self._machines} machines have reported to Redis")
        self._learn(spent)
        raise exhausted(self.name, self.rule, own.period, cost)

    async def _ask(self, own: Book, cost: int) -> tuple[str, int]:
        arguments = (
            await self._id(),
            own.used,
            own.period,
            cost,
            self.rule.limit,
            self._machines,
            self._at() - TOLD_S,
        )
        answer = await self._link.run(_count(), [self._key], *arguments)
        status, spent, period = cast("tuple[bytes, int, bytes]", answer)
        self._period = max(self._period, period.decode())
        return status.decode(), int(spent)

    async def _id(self) -> str:
        if self._identity is None:
            self._identity = await asyncio.to_thread(self._ledger.identity)
        return self._identity

    async def _refuse(self, own: Book, cost: int) -> None:
        self._refused += 1
        await uncancelled(lambda: self._undo(own, cost), lambda _: None)

    def _write(self, cost: int) -> Book:
        """Add `cost` to this machine's use, and return its book."""
        period = self._now_period()

        def add(book: Book | None) -> Book:
            current = turned(book, period)
            return replace(current, used=current.used + cost)

        return self._ledger.change(self.name, add) or Book(period)

    def _undo(self, own: Book, cost: int) -> None:
        self._unwrite(Taking(cost, own.period, 0.0))

    def _unwrite(self, taking: Taking) -> None:
        def subtract(book: Book | None) -> Book | None:
            if book is None or book.period != taking.period:
                return None
            return replace(book, used=max(0, book.used - taking.cost))

        self._ledger.change(self.name, subtract)

    def _learn(self, spent: int) -> int:
        self._known = max(0, self.rule.limit - spent)
        return self._known

    def _unknown(self, why: str) -> QuotaExhaustedError:
        return QuotaExhaustedError(
            f"{self.name} is not called: {why}, so what is left of its quota is not known",
            provider=self.name,
        )

    def _at(self) -> float:
        return self._clock.now().timestamp()

    def _now_period(self) -> str:
        return max(self._period, period_at(self.rule, self._clock.now()))


@cache
def _count() -> Script:
    return Script(resources.files("ava.net").joinpath("quota.lua").read_text(encoding="utf-8"))
