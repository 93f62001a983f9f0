"""When to ask again, and how long to wait before.

Plain functions and one small state: waits are drawn between nothing and a doubling bound ("full
jitter", so that callers who failed together do not come back together), a wait the provider asks
for is a lower bound, and a budget over all requests keeps a broken provider from being asked
`attempts` times as often as a sound one. Nothing here sleeps or asks.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ava.net.spec import RetryRule

_DOUBLINGS = 30  # beyond this the bound is the cap whatever the base, and the power only overflows


class RetryBudget:
    """How many more retries the requests so far allow.

    Each request earns `rule.budget` of a retry and a retry spends one; at most `rule.reserve` are
    saved (at least one request's worth), so that a long good spell does not pay for a storm.
    """

    def __init__(self, rule: RetryRule) -> None:
        self._earned = rule.budget
        self._most = max(float(rule.reserve), rule.budget)
        self._level = float(rule.reserve)

    @property
    def left(self) -> float:
        """Return the retries that may still be made now."""
        return self._level

    def earn(self) -> None:
        """Count a request."""
        self._level = min(self._most, self._level + self._earned)

    def spend(self) -> bool:
        """Take one retry; say False, and take nothing, where less than one is left."""
        # Ten tenths must make a whole.
        if self._level < 1 - 1e-9:
            return False
        self._level = max(0.0, self._level - 1)
        return True

    def give_back(self) -> None:
        """Undo a `spend` whose retry was not made."""
        self._level = min(self._most, self._level + 1)


def backoff_s(rule: RetryRule, failures: int, rng: random.Random) -> float:
    """Draw the wait after the `failures`-th failure, from 0 to a bound that doubles."""
    bound = rule.base_s * 2 ** min(failures - 1, _DOUBLINGS)
    return rng.uniform(0, min(rule.cap_s, bound))


def asked_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the wait that `Retry-After` asks for, None where there is none or it is unreadable.

    Seconds and HTTP dates are read; a date that has passed asks for no wait.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:9])  # thirty years are as good as any longer wait
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)  # an HTTP date is GMT, said or not
    return max(0.0, (at - now).total_seconds())
