"""Whether the exchange trades now, and when that changes.

By its real sessions, with holidays and early closes; so the answer lasts exactly to the change.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from ava.cache.sessions import new_york
from ava.services.fresh import Fresh

if TYPE_CHECKING:
    from ava.core import Core


class Trading(Struct, frozen=True, kw_only=True):
    """Whether the New York Stock Exchange trades, and until when that stays so.

    `certain` is False beyond the years whose holidays are known.
    """

    open: bool
    until: datetime
    certain: bool


class Exchange:
    """The exchange that the platform's days follow."""

    def __init__(self, core: Core) -> None:
        self._clock = core.clock
        self._sessions = new_york()

    def trading(self) -> Fresh[Trading]:
        """Return how it is now, fresh until it changes."""
        now = self._clock.now()
        is_open = self._sessions.is_open(now)
        until = self._sessions.next_close(now) if is_open else self._sessions.next_open(now)
        certain = self._sessions.covers(until.date())
        left_s = (until - now).total_seconds()
        return Fresh(Trading(open=is_open, until=until, certain=certain), left_s)
