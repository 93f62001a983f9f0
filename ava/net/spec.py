"""What there is to know about a provider, as plain data.

A `ProviderSpec` is all that tells one provider from another: where it is, how fast and how often it
may be asked, how it wants to be addressed, and how its refusals read. The limiter, the quota, the
breaker and the client each take their part of it and know nothing of providers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from ava.errors import ProviderError
from ava.section import Secret


class Priority(IntEnum):
    """Who waits for the answer: a person, or nobody in particular."""

    INTERACTIVE = 0
    BACKGROUND = 1


@dataclass(frozen=True, slots=True)
class Rate:
    """A smooth limit: `permits` every `per_s` seconds, of which `burst` may be taken at once.

    In any window of `per_s` seconds at most `permits + burst` are granted (GCRA).
    """

    permits: float
    per_s: float = 1.0
    burst: float = 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """A strict limit: never more than `permits` in any window of `per_s` seconds."""

    permits: int
    per_s: float = 1.0


Limit = Rate | Window


class Period(StrEnum):
    """How long a quota lasts."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class QuotaRule:
    """At most `limit` units of cost a period, which begins at midnight in `zone`."""

    limit: int
    period: Period
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """Open after `failures` in a row, try again after `recovery_s`, close after `successes`."""

    failures: int = 5
    successes: int = 2
    recovery_s: float = 60.0


@dataclass(frozen=True, slots=True)
class RetryRule:
    """At most `attempts` in all; waits are drawn from 0 to `base_s`, doubling, up to `cap_s`.

    Retries, over all requests, are at most `budget` times the requests plus `reserve`.
    """

    attempts: int = 3
    base_s: float = 0.5
    cap_s: float = 30.0
    budget: float = 0.1
    reserve: int = 10


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for one attempt; `total_s` bounds attempts, waits and retries together."""

    connect_s: float = 5.0
    read_s: float = 30.0
    total_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider sent: status, headers in lower case, and the body's bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Budget:
    """What a provider's headers say of the quota: units left, and used, where stated."""

    remaining: int | None = None
    used: int | None = None
    cost: int | None = None


def keyless(_secret: Secret | None) -> tuple[dict[str, str], dict[str, str]]:
    """Authorise by nothing."""
    return {}, {}


def no_complaint(_answer: Answer) -> ProviderError | None:
    """Find no refusal in a body: for providers whose status tells all."""
    return None


def no_budget(_answer: Answer) -> Budget | None:
    """Find no quota in an answer."""
    return None


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """One provider.

    `authorise` turns the key into query parameters and headers, which the client adds to each
    request and never to a cache key, a log or an error. `complaint` reads an answer and returns the
    error it stands for, or None; statuses it leaves alone are mapped by the client (401, 403, 404,
    429, 5xx and the other 4xx). `budget` reads quota headers.
    """

    name: str
    base_url: str
    limits: tuple[Limit, ...] = ()
    quota: QuotaRule | None = None
    breaker: BreakerRule = field(default_factory=BreakerRule)
    retry: RetryRule = field(default_factory=RetryRule)
    timeouts: Timeouts = field(default_factory=Timeouts)
    concurrency: int = 20
    authorise: Callable[[Secret | None], tuple[dict[str, str], dict[str, str]]] = keyless
    complaint: Callable[[Answer], ProviderError | None] = no_complaint
    budget: Callable[[Answer], Budget | None] = no_budget
