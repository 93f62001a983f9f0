"""One attempt: through the gate, over the wire, and what the answer tells everybody who counts.

Failures come back as values: an error that is raised while another is handled carries that one
along, and foreign ones quote the request with its key. So every error that leaves here is ours,
without a key, and without a past.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ava.errors import (
    BadDataError,
    DeadlineError,
    OutageError,
    ProviderError,
    QuotaExhaustedError,
    RateLimitedError,
)
from ava.net.answers import refusal, stated, understood
from ava.net.breaker import judge
from ava.net.exchange import Broken, Letterhead, exchange
from ava.net.gate import Gate, Passage
from ava.net.redact import Redactor, quiet_httpx
from ava.net.request import Request
from ava.net.spec import Answer, Budget, Priority, ProviderSpec
from ava.net.stats import Recent
from ava.net.watch import Exchange, Watch

if TYPE_CHECKING:
    import httpx

    from ava.section import Secret

PAUSE_CAP_S = 3600.0  # a provider may ask for more, and a broken header for centuries
SLOW_S = 1.0  # an exchange cut by the caller's deadline is evidence only after this long

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """An answer and what one reader made of it, for callers who share it."""

    answer: Answer
    read: Callable[[Answer], T]
    value: T


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A call of a client: what is asked, who reads, and by when (in monotonic seconds)."""

    request: Request
    read: Callable[[Answer], T]
    priority: Priority
    started: float
    deadline: float

    @property
    def what(self) -> str:
        """Return how messages name the question."""
        return f"{self.request.method} /{self.request.path.lstrip('/')}"


class Asker:
    """Makes attempts at one provider, and remembers how the last exchanges went."""

    def __init__(
        self,
        spec: ProviderSpec,
        http: httpx.AsyncClient,
        gate: Gate,
        *,
        key: Secret | None,
        max_body: int,
    ) -> None:
        self.spec = spec
        self.gate = gate
        self.recent = Recent()
        self.watch: Watch | None = None
        self._http = http
        self._clock = gate.clock
        self._max_body = max_body
        self._redact = Redactor()
        self.use_key(key)
        quiet_httpx()

    def use_key(self, key: Secret | None) -> None:
        """Authorise by `key` from the next attempt on; earlier keys stay redacted."""
        params, headers = self.spec.authorise(key)
        self._letterhead = Letterhead(self.spec.base_url, self.spec.timeouts, params, headers)
        derived = [*params.values(), *headers.values()]
        self._redact.learn(key.reveal() if key else None, derived)

    async def attempt(self, question: Question[T]) -> Reading[T] | ProviderError:
        """Go through the gate and ask once."""
        try:
            async with self.gate.admit(
                question.request.cost, question.priority, question.deadline
            ) as passage:
                outcome = await self._watched(question, passage)
                passage.sound = _judged(outcome, passage.sound)
        except ProviderError as error:
            outcome = error
        return self._redact.clean(outcome) if isinstance(outcome, ProviderError) else outcome

    def tried(self, question: Question[T], answer: Answer) -> Reading[T] | ProviderError:
        """Return what the reader makes of an answer, or the error that the answer stands for."""
        outcome = refusal(answer, self.spec, question.what, self._clock.now())
        if outcome is None:
            try:
                value = understood(question.read, answer, self.spec.name, question.what)
                return Reading(answer, question.read, value)
            except ProviderError as unread:
                outcome = unread
        return self._redact.clean(outcome)

    def late(self, after_s: float) -> DeadlineError:
        """Return the error of a caller whose time is over."""
        name = self.spec.name
        return DeadlineError(f"{name}: no answer after {after_s:.3g} s", provider=name)

    async def _watched(self, question: Question[T], passage: Passage) -> Reading[T] | ProviderError:
        if self.watch is None:
            return await self._ask(question, passage, None)
        with self.watch.exchange(self.spec.name, question.request.method) as seen:
            return await self._ask(question, passage, seen)

    async def _ask(
        self, question: Question[T], passage: Passage, seen: Exchange | None
    ) -> Reading[T] | ProviderError:
        """Send the request once and read the answer; tell limiter and quota what it says."""
        timeouts, now = self.spec.timeouts, self._clock.monotonic()
        left, attempt_s = question.deadline - now, timeouts.connect_s + timeouts.read_s
        if left <= 0:
            return self.late(now - question.started)
        sending = self._letterhead.compose(question.request, {} if seen is None else seen.headers)
        passage.sent = True
        answer = await exchange(
            self._http, sending, within_s=min(left, attempt_s), most_bytes=self._max_body
        )
        took_s = self._clock.monotonic() - now
        if isinstance(answer, Broken):
            passage.sent = answer.sent
            cut = answer.out_of_time and left < attempt_s
            passage.sound = False if cut and took_s >= SLOW_S else None
            outcome = self._cut(question) if cut else self._failure(question, answer)
        else:
            passage.answered = True
            outcome = self.tried(question, answer)
            await self._heed(answer, outcome, passage)
        self.recent.add(took_s, sound=_judged(outcome, passage.sound) is not False)
        if seen is not None:
            seen.ended(took_s, outcome)
        return outcome

    def _cut(self, question: Question[T]) -> Reading[T] | ProviderError:
        return self.late(self._clock.monotonic() - question.started)

    def _failure(self, question: Question[T], broken: Broken) -> Reading[T] | ProviderError:
        kind = BadDataError if broken.garbled else OutageError
        name = self.spec.name
        return kind(f"{name}: {question.what} failed: {broken.why}", provider=name)

    async def _heed(self, answer: Answer, outcome: object, passage: Passage) -> None:
        """Pause the limiter and correct the quota as the provider says."""
        limiter = self.gate.limiter
        if isinstance(outcome, RateLimitedError) and limiter is not None:
            limiter.pause(min(outcome.retry_after_s or _pause_s(self.spec), PAUSE_CAP_S))
        budget = stated(answer, self.spec)
        if budget is None and isinstance(outcome, QuotaExhaustedError):
            budget = Budget(remaining=0)
        if budget is not None:
            await passage.observe(budget)


def _judged(outcome: object, cut: bool | None) -> bool | None:  # noqa: FBT001 - a verdict of three
    """Return the breaker's verdict; `cut` is that on an exchange which a deadline ended."""
    if isinstance(outcome, DeadlineError):
        return cut
    return judge(outcome) if isinstance(outcome, ProviderError) else True


def _pause_s(spec: ProviderSpec) -> float:
    """Return how long to leave alone a provider that says "too fast" and not for how long.

    One permit's worth of the slowest limit: less is refused again, more is wasted.
    """
    each = [limit.per_s / limit.permits for limit in spec.limits]
    return max(1.0, *each) if each else 1.0
