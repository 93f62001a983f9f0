"""The one client for every provider: it asks, waits, retries, and says exactly what went wrong.

A request is shared with those who ask the same at the same moment, enters through the provider's
gate (breaker, places, quota, limiter), is sent, and its answer is read; passing failures are
repeated within the retry budget. One deadline bounds all of it. Errors are the package's own, they
hold no key, and nothing they were raised from. It follows no redirect, and keeps no cookie.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

from ava.cache.flight import Flights
from ava.clock import Clock, SystemClock
from ava.errors import BadDataError, CircuitOpenError, DeadlineError, ProviderError
from ava.net.attempt import Asker, Question, Reading
from ava.net.deadline import left_s
from ava.net.fillings import Fillings
from ava.net.gate import Gate
from ava.net.request import Request
from ava.net.retry import RetryBudget, backoff_s
from ava.net.spec import Answer, Priority, ProviderSpec
from ava.net.stats import ClientStats, Recent, Tally
from ava.net.watch import Watch

if TYPE_CHECKING:
    from ava.cache.keep import Keep
    from ava.cache.tiered import Cache
    from ava.net.breaker import Breaker
    from ava.net.limiter import Limiter
    from ava.net.quota import Quota
    from ava.section import Secret

__all__ = ["Client", "Request"]

MAX_BODY = 32 * 2**20  # bytes, decoded; a whole market's options chain is a few MB
# Who waits for another's work lets that end first: its error says more than a timeout.
GRACE_S = 0.1

T = TypeVar("T")


class Client:
    """Asks one provider; made once a provider and process, and used by everybody.

    `http` is shared and not closed here. What is not given (limiter, quota, breaker, cache) is not
    applied. The rng draws the waits between retries.
    """

    def __init__(  # noqa: PLR0913 - each part can be left out or replaced
        self,
        spec: ProviderSpec,
        http: httpx.AsyncClient,
        *,
        key: Secret | None = None,
        limiter: Limiter | None = None,
        quota: Quota | None = None,
        breaker: Breaker | None = None,
        cache: Cache | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self.spec = spec
        self._cache = cache
        self._clock = clock or SystemClock()
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self.gate = Gate(
            spec.name,
            spec.concurrency,
            breaker=breaker,
            quota=quota,
            limiter=limiter,
            clock=self._clock,
        )
        self._asker = Asker(spec, http, self.gate, key=key, max_body=max_body)
        self._budget = RetryBudget(spec.retry)
        self._tally = Tally()
        self._flights = Flights()
        self._fillings = Fillings()

    def use_key(self, key: Secret | None) -> None:
        """Authorise by `key` from the next request on; earlier keys stay redacted."""
        self._asker.use_key(key)

    def watch_by(self, watch: Watch | None) -> None:
        """Have `watch` told of every exchange from now on."""
        self._asker.watch = watch

    async def fetch(
        self,
        request: Request,
        read: Callable[[Answer], T],
        *,
        priority: Priority = Priority.INTERACTIVE,
        deadline_s: float | None = None,
    ) -> T:
        """Return what `read` makes of the answer, within `deadline_s` (else the spec's total).

        `read` is a plain function; what it cannot read (ValueError, KeyError, msgspec's errors) is
        BadDataError. Callers with the same read share one value: it is not to be changed. Raises
        the ProviderError that ends the last attempt, and DeadlineError where time ends first.
        """
        now, within_s = self._clock.monotonic(), self._within_s(deadline_s)
        question = Question(request, read, priority, now, now + within_s)
        if request.shareable:
            return await self._shared(question)
        return (await self._persist(question)).value

    async def cached(  # noqa: PLR0913 - `fetch`, and how to keep its result
        self,
        request: Request,
        read: Callable[[Answer], T],
        *,
        kind: type[T],
        keep: Keep,
        priority: Priority = Priority.INTERACTIVE,
        deadline_s: float | None = None,
    ) -> T:
        """Return the cached value of type `kind`, or fetch it and keep it by the rule `keep`.

        The key is the request's canonical name; without a cache this is `fetch`.
        """
        if self._cache is None:
            return await self.fetch(request, read, priority=priority, deadline_s=deadline_s)
        name, cache = request.name(self.spec.name), self._cache
        deadline = self._clock.monotonic() + self._within_s(deadline_s)
        asked = False

        async def fill() -> T:
            nonlocal asked
            asked = True
            with filling.fetch():
                return await self.fetch(request, read, priority=priority, deadline_s=deadline_s)

        with self._fillings.of(name) as filling:
            value = await self._together(
                lambda: cache.get_or_fetch(name, fill, kind=kind, keep=keep),
                lambda: asked,
                deadline,
            )
        self._tally.cache_hits += filling.untouched
        return value

    def stats(self) -> ClientStats:
        """Return the counts since the client was made."""
        return self._tally.stats()

    @property
    def recent(self) -> Recent:
        """Return how the last exchanges went."""
        return self._asker.recent

    def __repr__(self) -> str:
        return f"Client({self.spec.name})"

    def _within_s(self, deadline_s: float | None) -> float:
        """Return the time a call has: its own, and no more than is left around it."""
        own_s = self.spec.timeouts.total_s if deadline_s is None else deadline_s
        return min(own_s, left_s(self._clock))

    async def _shared(self, question: Question[T]) -> T:
        """Ask together with those who ask the same now, each with a deadline of its own.

        A background call's answer may be late, so only callers of one priority share.
        """
        name = f"{question.request.name(self.spec.name)}!{question.priority}"
        led = False

        async def lead() -> Reading[Any]:
            nonlocal led
            led = True
            return await self._persist(question)

        reading = await self._together(
            lambda: self._flights.join(name, lead), lambda: led, question.deadline
        )
        return self._read_again(question, reading)

    async def _together(
        self, join: Callable[[], Awaitable[T]], led: Callable[[], bool], deadline: float
    ) -> T:
        """Return what `join` gets, which may be the work of another caller; or raise its error.

        Where that caller's deadline ended the work, and ours comes later, it is done anew. `led`
        says whether it was ours.
        """
        started = self._clock.monotonic()
        while True:
            within_s = deadline - self._clock.monotonic() + GRACE_S
            try:
                async with asyncio.timeout(within_s):
                    return await join()
            except TimeoutError:
                break
            except DeadlineError:
                if led() or self._clock.monotonic() >= deadline:
                    raise
        raise self._asker.late(deadline - started)

    def _read_again(self, question: Question[T], reading: Reading[Any]) -> T:
        """Return the leader's value, or what this caller's own reader makes of the same answer."""
        if reading.read == question.read:
            return cast("T", reading.value)
        value = self._asker.tried(question, reading.answer)
        if isinstance(value, ProviderError):
            raise value
        return value.value

    async def _persist(self, question: Question[T]) -> Reading[T]:
        """Make attempts until one succeeds or the last has failed, and count how it ended."""
        attempts, last = 1, None
        outcome = await self._asker.attempt(question)
        self._budget.earn()
        while isinstance(outcome, ProviderError):
            wait_s = self._wait_s(question, outcome, attempts)
            if wait_s is None:
                break
            await self._pause(wait_s)
            attempts, last = attempts + 1, outcome
            self._tally.retries += 1
            outcome = await self._asker.attempt(question)
        if not isinstance(outcome, ProviderError):
            self._tally.successes += 1
            return outcome
        self._tally.failures += 1
        self._tally.circuit_breaks += isinstance(outcome, CircuitOpenError)
        raise self._final(question, outcome, last)

    def _wait_s(self, question: Question[Any], error: ProviderError, attempts: int) -> float | None:
        """Return how long to wait before asking again, None where that would not help.

        Garbled data is asked for once more only: a format that has changed stays changed. A wait
        beyond the cap or the deadline is the caller's to plan: it gets the error, which states it.
        """
        rule = self.spec.retry
        most = min(rule.attempts, 2) if isinstance(error, BadDataError) else rule.attempts
        if not error.transient or not question.request.repeatable or attempts >= most:
            return None
        asked_s = error.retry_after_s or 0.0
        wait_s = max(asked_s, backoff_s(rule, attempts, self._rng))
        left = question.deadline - self._clock.monotonic()
        if asked_s > rule.cap_s or wait_s >= left or not self._budget.spend():
            return None
        return wait_s

    async def _pause(self, wait_s: float) -> None:
        """Wait before a retry; one that is cancelled meanwhile was not made."""
        try:
            if wait_s:
                await self._clock.sleep(wait_s)
        except asyncio.CancelledError:
            self._budget.give_back()
            raise

    def _final(
        self, question: Question[Any], error: ProviderError, last: ProviderError | None
    ) -> ProviderError:
        """Return what the caller is told: a retry that was refused ends as what led to it."""
        if last is not None and isinstance(error, CircuitOpenError):
            return last
        if not isinstance(error, DeadlineError):
            return error
        after_s = self._clock.monotonic() - question.started
        so_far = f"; before that: {last}" if last is not None else ""
        text = f"{error} (asked for {question.what} {after_s:.3g} s ago{so_far})"
        return DeadlineError(text, provider=self.spec.name)
