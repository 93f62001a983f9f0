"""Daily and monthly quotas: so many units a period, whoever asks, whatever is restarted.

A quota is counted before a call and given back if the call never left. The period is the
provider's: it begins at midnight in the provider's zone, not in this machine's. A count belongs to
its period by name, so a new period starts at zero without anything having to expire, and a clock
that goes back does not reopen an old one.

Two figures bound what is left. What was counted here is exact for the calls made here. What the
provider tells of the quota includes calls made elsewhere with the same key, and is adopted when it
is worse. It is never a reason to count less than was counted here: the provider's answer may not
include calls under way. What it tells is forgotten after `TOLD_S`, since a quota that looks spent
asks nobody and would never hear better.

The rules are here as plain functions on a `Book`. `ava.net.ledger` keeps the book in a file for the
processes of one machine, `ava.net.shared_quota` in Redis for several machines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from ava.errors import QuotaExhaustedError
from ava.net.spec import Budget, Period, QuotaRule

TOLD_S = 3600.0


@dataclass(frozen=True, slots=True)
class Taking:
    """Units taken: needed to give them back, and to place an answer. `at` is a Unix time."""

    cost: int
    period: str
    at: float


@dataclass(frozen=True, slots=True)
class QuotaStats:
    """Counts of this process since its start, and what was last known of the period.

    `left` is None while nothing is known.
    """

    limit: int
    left: int | None
    resets_at: datetime
    taken: int
    given_back: int
    refused: int


class Quota(Protocol):
    """A number of units that must not be exceeded in a period."""

    async def take(self, cost: int = 1) -> Taking:
        """Count `cost` units and return the taking; raise QuotaExhaustedError, counting nothing.

        The error also stands for a count that cannot be kept: what is not counted is not called.
        """
        ...

    async def give_back(self, taking: Taking) -> None:
        """Undo a taking whose request never left; one of an earlier period changes nothing."""
        ...

    async def observe(self, budget: Budget, taking: Taking | None = None) -> None:
        """Adopt what the provider tells; with the `taking` of the request that was answered.

        Without it a better figure than the last is not believed: it may be an older answer.
        """
        ...

    async def left(self) -> int | None:
        """Return the units left in this period, None when that cannot be known now."""
        ...

    def stats(self) -> QuotaStats:
        """Return the counts of the moment."""
        ...


@dataclass(frozen=True, slots=True)
class Book:
    """The count of one period, named by its first day where the provider is.

    `told` is the use that the provider told at the Unix time `told_at`.
    """

    period: str
    used: int = 0
    told: int = 0
    told_at: float = 0.0


def period_at(rule: QuotaRule, now: datetime) -> str:
    """Return the first day of the period that holds `now`, as YYYY-MM-DD in the rule's zone."""
    today = now.astimezone(ZoneInfo(rule.zone)).date()
    return (today if rule.period is Period.DAY else today.replace(day=1)).isoformat()


def end_of(rule: QuotaRule, period: str) -> datetime:
    """Return when the period ends, in UTC."""
    first = date.fromisoformat(period)
    # From any first day, 31 days on is in the next month.
    later = first + timedelta(days=1 if rule.period is Period.DAY else 31)
    last = later if rule.period is Period.DAY else later.replace(day=1)
    return datetime.combine(last, time(), ZoneInfo(rule.zone)).astimezone(UTC)


def turned(book: Book | None, period: str) -> Book:
    """Return the book at `period`: a new one if that is later than the book's."""
    return Book(period) if book is None or book.period < period else book


def used(book: Book, at: float) -> int:
    """Return the units spent, by the worse of the two figures."""
    return max(book.used, book.told) if at - book.told_at < TOLD_S else book.used


def taken(book: Book, cost: int, limit: int, at: float) -> Book | None:
    """Return the book with `cost` more units, None if that is over the limit."""
    if used(book, at) + cost > limit:
        return None
    # The provider will have counted this call too: its figure grows along until it tells again.
    return replace(book, used=book.used + cost, told=book.told + cost if book.told else 0)


def returned(book: Book, taking: Taking) -> Book:
    """Return the book without a taking of the same period."""
    if taking.period != book.period:
        return book
    told = max(0, book.told - taking.cost)
    return replace(book, used=max(0, book.used - taking.cost), told=told)


def observed(
    book: Book, budget: Budget, limit: int, at: float, taking: Taking | None = None
) -> Book:
    """Return the book with what the provider tells, where that can be placed."""
    told = told_use(budget, limit)
    if told is None or (taking is not None and taking.period != book.period):
        return book
    newer = taking is not None and taking.at >= book.told_at
    if told < book.told and not newer and at - book.told_at < TOLD_S:
        return book
    return replace(book, told=told, told_at=at)


def told_use(budget: Budget, limit: int) -> int | None:
    """Return how many units the provider says were used, None where it does not say."""
    figures = [] if budget.used is None else [budget.used]
    if budget.remaining is not None:
        figures.append(limit - budget.remaining)
    return max(0, *figures) if figures else None


def check_cost(cost: int) -> None:
    """Raise ValueError for a cost that would count backwards."""
    if cost < 1:
        raise ValueError(f"a call costs at least one unit, and not {cost}")


def exhausted(name: str, rule: QuotaRule, period: str, cost: int) -> QuotaExhaustedError:
    """Return the error of a call that the quota does not allow."""
    ends = end_of(rule, period)
    return QuotaExhaustedError(
        f"{name} has less than {cost} of its {rule.limit} units left this {rule.period}; "
        f"there are more from {ends.isoformat()}",
        provider=name,
        resets_at=ends,
    )
