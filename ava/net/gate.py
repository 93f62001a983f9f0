"""The way to a provider: what must agree before one request is sent, and what is undone after it.

In order: the breaker, a place among the requests under way, the quota, the limiter. The cheapest
refusal comes first, and the permit of the limiter last, right before the request: a permit that is
held while waiting for something else is used at another moment than it was granted for, and the
provider counts moments. Whatever ends an attempt (an error, a deadline, a cancelled caller), the
breaker's permit and the place are given back, the quota's units too unless the request left, and
the limiter is told by when the request has arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ava.errors import DeadlineError
from ava.net.limits import TRAVEL_S
from ava.net.slots import Slots
from ava.net.spec import Budget, Priority

if TYPE_CHECKING:
    from ava.clock import Clock
    from ava.net.breaker import Breaker
    from ava.net.limiter import Ended, Limiter
    from ava.net.quota import Quota, Taking


class Gate:
    """One provider's breaker, places, quota and limiter; any but the places may be absent."""

    def __init__(  # noqa: PLR0913 - one parameter a guard
        self,
        name: str,
        concurrency: int,
        *,
        breaker: Breaker | None,
        quota: Quota | None,
        limiter: Limiter | None,
        clock: Clock,
    ) -> None:
        self.name = name
        self.breaker = breaker
        self.quota = quota
        self.limiter = limiter
        self.slots = Slots(concurrency)
        self.clock = clock
        self._undoing: set[asyncio.Task[None]] = set()  # the loop itself keeps weak references

    def admit(self, cost: int, priority: Priority, deadline: float) -> Passage:
        """Return a passage to enter; `deadline` is in seconds of `clock.monotonic()`."""
        return Passage(self, cost, priority, deadline)

    async def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` to its end even where the caller is cancelled meanwhile."""
        task = asyncio.ensure_future(work)
        self._undoing.add(task)
        task.add_done_callback(self._undoing.discard)
        await asyncio.shield(task)


class Passage:
    """One attempt's stay inside the gate; set `sent`, `answered` and `sound` before leaving.

    Entering raises CircuitOpenError, QuotaExhaustedError or DeadlineError.
    """

    __slots__ = ("_cost", "_deadline", "_ended", "_gate", "_granted_at", "_permit", "_placed",
                 "_priority", "_taking", "answered", "sent", "sound")  # fmt: skip

    def __init__(self, gate: Gate, cost: int, priority: Priority, deadline: float) -> None:
        self._gate = gate
        self._cost = cost
        self._priority = priority
        self._deadline = deadline
        self._permit: int | None = None
        self._taking: Taking | None = None
        self._placed = False
        self._ended: Ended | None = None
        self._granted_at = 0.0
        self.sent = self.answered = False
        self.sound: bool | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._enter()
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._leave()

    async def observe(self, budget: Budget) -> None:
        """Tell the quota what the provider says of it, in the answer to this request.

        What was set aside beyond the stated cost is given back: an empty answer costs nothing.
        """
        quota, taking = self._gate.quota, self._taking
        if quota is None:
            return
        if taking is not None and budget.cost is not None and budget.cost < taking.cost:
            await quota.give_back(replace(taking, cost=taking.cost - budget.cost))
        await quota.observe(budget, taking)

    async def _enter(self) -> None:
        gate = self._gate
        if gate.breaker is not None:
            self._permit = gate.breaker.enter()
        try:
            async with asyncio.timeout(self._deadline - gate.clock.monotonic()):
                await self._wait()
        except TimeoutError:
            late = True
        else:
            late = False
        if late:
            raise DeadlineError(f"{gate.name}: no turn came in time", provider=gate.name)
        self._renew()

    async def _wait(self) -> None:
        gate = self._gate
        await gate.slots.acquire(self._priority)
        self._placed = True
        if gate.quota is not None and self._cost:
            self._taking = await gate.quota.take(self._cost)
        if gate.limiter is not None:
            await gate.limiter.acquire(priority=self._priority, deadline=self._deadline)
            self._ended = gate.limiter.begin()
            self._granted_at = gate.clock.monotonic()

    def _renew(self) -> None:
        """Ask the breaker again: it may have opened while this attempt waited for its turn."""
        breaker, permit = self._gate.breaker, self._permit
        if breaker is not None and permit is not None:
            self._permit = None
            breaker.leave(permit, None)
            self._permit = breaker.enter()

    async def _leave(self) -> None:
        gate = self._gate
        if gate.breaker is not None and self._permit is not None:
            gate.breaker.leave(self._permit, self.sound)
        if self._placed:
            gate.slots.release(self._priority)
        if self._ended is not None:
            self._ended(self._arrived_by())
        if gate.quota is not None and self._taking is not None and not self.sent:
            await gate.finish(gate.quota.give_back(self._taking))

    def _arrived_by(self) -> float:
        """Return when the provider has counted this request at the latest, as far as is known."""
        if not self.sent:
            return self._granted_at
        now = self._gate.clock.monotonic()
        return now if self.answered else now + TRAVEL_S
