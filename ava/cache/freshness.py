"""How long a market's data stays fresh: short while it trades, shorter while it is wild.

A `MarketRule` gives the times to live of one kind of data; `Freshness` picks one by the market's
sessions and the symbol's volatility. Two rules the plain table of the documents lacks: nothing kept
while the market is closed outlives the next opening, and hours come from the exchange's calendar,
not from 9:30 to 16:00 on every weekday. What was fetched shortly before a close may be served
after it, for no longer than the open market's own ttl.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ava.cache.keep import Keep
from ava.cache.sessions import AlwaysOpen, Sessions, new_york
from ava.clock import Clock, SystemClock

_SHORTEST_S = 1e-3  # an opening closer than this is here


@dataclass(frozen=True, slots=True)
class MarketRule:
    """Times to live, in seconds, of one kind of data; `volatile_s` is for wild symbols."""

    open_s: float
    closed_s: float
    volatile_s: float

    def __post_init__(self) -> None:
        if not 0 < self.volatile_s <= self.open_s <= self.closed_s:
            raise ValueError(f"times to live grow from volatile to open to closed: {self}")


# The documents' figures: 000.5 for scans, 003.1 for prices.
SCANS = MarketRule(open_s=60.0, closed_s=1800.0, volatile_s=60.0)
STOCKS = MarketRule(open_s=20.0, closed_s=300.0, volatile_s=10.0)
CRYPTO = MarketRule(open_s=30.0, closed_s=30.0, volatile_s=10.0)


def ttl_at(rule: MarketRule, at: datetime, sessions: Sessions, *, volatile: bool = False) -> float:
    """Return the seconds that data fetched at that moment stays fresh."""
    if sessions.is_open(at):
        return rule.volatile_s if volatile else rule.open_s
    opens = sessions.next_open(at)
    if opens is None:
        return rule.closed_s
    return min(rule.closed_s, max(_SHORTEST_S, (opens - at).total_seconds()))


def never(_symbol: str) -> bool:
    """Take no symbol for volatile."""
    return False


class Freshness:
    """The times to live of one market, now.

    `is_volatile` answers for a symbol, as `Volatility.is_high` does.
    """

    def __init__(
        self,
        sessions: Sessions | None = None,
        *,
        is_volatile: Callable[[str], bool] = never,
        clock: Clock | None = None,
    ) -> None:
        self._sessions = sessions or new_york()
        self._is_volatile = is_volatile
        self._clock = clock or SystemClock()

    @classmethod
    def round_the_clock(
        cls, *, is_volatile: Callable[[str], bool] = never, clock: Clock | None = None
    ) -> Freshness:
        """Return the freshness of a market that never closes."""
        return cls(AlwaysOpen(), is_volatile=is_volatile, clock=clock)

    def ttl_s(self, rule: MarketRule, symbol: str | None = None) -> float:
        """Return the seconds that data of `symbol`, or of the whole market, is fresh from now."""
        volatile = symbol is not None and self._is_volatile(symbol)
        return ttl_at(rule, self._clock.now(), self._sessions, volatile=volatile)

    def keep(
        self, rule: MarketRule, symbol: str | None = None, *, like: Keep | None = None
    ) -> Keep:
        """Return the rule for a value stored now: `like` with the ttl of this moment.

        A value of one symbol gets that symbol's tag, so that a significant move drops it.
        """
        ttl_s = self.ttl_s(rule, symbol)
        base = like or Keep(ttl_s)
        tags = base.tags if symbol is None else (*base.tags, symbol_tag(symbol))
        return replace(base, ttl_s=ttl_s, tags=tags)


def symbol_tag(symbol: str) -> str:
    """Return the tag of everything that was computed from a symbol's price."""
    return f"symbol:{symbol}"
