"""What an answer means: the error it stands for, and what that error says about the provider.

A provider's own words come first (`spec.complaint`: a refusal may hide behind a 200), then its
status. Which error is evidence against the provider is decided here, in one place, for the breaker.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from ava.errors import (
    AuthenticationError,
    BadDataError,
    BadRequestError,
    NotFoundError,
    OutageError,
    PlanError,
    ProviderError,
    RateLimitedError,
)
from ava.net.retry import asked_wait_s
from ava.net.spec import Answer, Budget, ProviderSpec

T = TypeVar("T")

# What reading a garbled or changed answer runs into, whichever way the reader is written.
_UNREADABLE = (
    msgspec.MsgspecError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
)

_BY_STATUS: dict[int, tuple[type[ProviderError], str]] = {
    401: (AuthenticationError, "the key is missing or wrong"),
    402: (PlanError, "the plan does not cover it"),
    403: (PlanError, "the key may not have it"),
    404: (NotFoundError, "there is no such thing"),
    408: (OutageError, "the request came too slowly"),
    410: (NotFoundError, "it is gone"),
    425: (OutageError, "it was too early"),
    429: (RateLimitedError, "too many requests"),
}


def refusal(answer: Answer, spec: ProviderSpec, what: str, now: datetime) -> ProviderError | None:
    """Return the error that `answer` stands for, None where it answers the question."""
    try:
        error = spec.complaint(answer)
    except _UNREADABLE:
        error = None  # no refusal that could be read: the status, or the reader, will say
    error = error or _by_status(answer.status, spec.name, what)
    if error is not None and error.retry_after_s is None:
        error.retry_after_s = asked_wait_s(answer.headers, now)
    return error


def understood(read: Callable[[Answer], T], answer: Answer, provider: str, what: str) -> T:
    """Return what `read` finds; raise BadDataError, or the ProviderError that it raises itself."""
    try:
        return read(answer)
    except _UNREADABLE as error:
        why = f"{type(error).__name__}: {error}"
    raise BadDataError(
        f"{provider}: the answer to {what} cannot be read: {why}",
        provider=provider,
        status=answer.status,
    )


def stated(answer: Answer, spec: ProviderSpec) -> Budget | None:
    """Return what the headers say of the quota, None where they say nothing that can be read."""
    try:
        return spec.budget(answer)
    except _UNREADABLE:
        return None


def _by_status(status: int, provider: str, what: str) -> ProviderError | None:
    if 200 <= status < 300:  # noqa: PLR2004 - the class of success
        return None
    kind, why = _BY_STATUS.get(status) or _by_class(status)
    return kind(f"{provider}: {what} answered {status}: {why}", provider=provider, status=status)


def _by_class(status: int) -> tuple[type[ProviderError], str]:
    if status >= 500:  # noqa: PLR2004 - the class of server errors
        return OutageError, "the provider failed"
    if status >= 400:  # noqa: PLR2004 - the class of client errors
        return BadRequestError, "it refuses the request"
    return BadDataError, "not an answer (redirects are not followed)"
