"""Asking the next provider when one cannot answer.

Providers are asked one after the other, in the order given, each within an equal part of the time
that is left; one that can be seen to be unable (paused for longer than that) is passed over. The
answer says who gave it and who did not. When all fail, the error is the one the caller can do most
about, and names every provider's reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ava.clock import Clock
from ava.errors import (
    AuthenticationError,
    BadDataError,
    CircuitOpenError,
    DeadlineError,
    NotFoundError,
    OutageError,
    PlanError,
    ProviderError,
    QuotaExhaustedError,
    RateLimitedError,
)
from ava.net.deadline import left_s, within

T = TypeVar("T")

Answerer = tuple[str, Callable[[], Awaitable[T]]]

# What can be waited for comes first. "Not found" is only the truth where nobody failed who might
# have known better later; a wrong key or a missing right is the last thing to tell.
_TELLING: tuple[type[ProviderError], ...] = (
    RateLimitedError,
    CircuitOpenError,
    OutageError,
    DeadlineError,
    QuotaExhaustedError,
    BadDataError,
    NotFoundError,
    PlanError,
    AuthenticationError,
    ProviderError,
)


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """A value and where it comes from; `passed` are the providers asked before, and why in vain."""

    provider: str
    value: T
    passed: Mapping[str, ProviderError] = field(default_factory=dict)


async def first_answer(
    question: str,
    answerers: Sequence[Answerer[T]],
    *,
    deadline_s: float,
    clock: Clock,
    pause_s: Callable[[str], float],
) -> Answered[T]:
    """Return the first answer within `deadline_s`; raise the most telling error when none comes.

    `question` names what is asked, for the error. `pause_s` says for how long a provider certainly
    answers nobody. Raises ValueError for no answerers, and lets foreign errors through.
    """
    if not answerers:
        raise ValueError(f"nobody is named who could answer {question!r}")
    deadline = clock.monotonic() + min(deadline_s, left_s(clock))
    failed: dict[str, ProviderError] = {}
    for position, (provider, ask) in enumerate(answerers):
        share_s = (deadline - clock.monotonic()) / (len(answerers) - position)
        outcome = await _asked(provider, ask, share_s, clock, pause_s(provider))
        if not isinstance(outcome, ProviderError):
            return Answered(provider, outcome, failed)
        failed[provider] = outcome
    raise _most_telling(question, failed)


async def _asked(
    provider: str, ask: Callable[[], Awaitable[T]], within_s: float, clock: Clock, pause_s: float
) -> T | ProviderError:
    """Return the answer, or the error that stands for none."""
    if within_s <= 0 or pause_s >= within_s:
        why = "no time is left" if within_s <= 0 else f"it is paused for {pause_s:.3g} s"
        return DeadlineError(f"{provider}: {why}", provider=provider)
    try:
        # Clients end a little earlier: their errors say more than this timeout does.
        with within(within_s * 0.95, clock):
            async with asyncio.timeout(within_s):
                return await ask()
    except ProviderError as error:
        return error
    except TimeoutError:
        return DeadlineError(f"{provider}: no answer after {within_s:.3g} s", provider=provider)


def _most_telling(question: str, failed: Mapping[str, ProviderError]) -> ProviderError:
    """Return an error like the most telling one, whose message has every provider's reason."""
    kind = next(k for k in _TELLING if any(isinstance(error, k) for error in failed.values()))
    model = next(error for error in failed.values() if isinstance(error, kind))
    told = type(model).__new__(type(model))
    vars(told).update(vars(model))  # not copied by its constructor: subclasses have their own
    reasons = "; ".join(f"{name}: {error}" for name, error in failed.items())
    told.args = (f"nobody answered {question!r}: {reasons}",)
    waits = [error.retry_after_s for error in failed.values() if error.retry_after_s is not None]
    told.retry_after_s = min(waits, default=None)
    told.__cause__ = ExceptionGroup(f"asked for {question}", list(failed.values()))
    return told
