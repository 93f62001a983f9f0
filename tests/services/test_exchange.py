"""The exchange's hours: open or not, and exactly until when."""

from datetime import UTC, datetime

import pytest

from ava.clock import ManualClock
from ava.core import Core
from ava.services.exchange import Exchange
from ava.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("now", "is_open", "until"),
    [
        ("2026-01-05T15:00", True, "2026-01-05T21:00"),
        ("2026-01-05T21:00", False, "2026-01-06T14:30"),
        ("2026-11-27T17:00", True, "2026-11-27T18:00"),  # the day after Thanksgiving ends early
        ("2026-12-24T18:30", False, "2026-12-28T14:30"),  # Christmas and a weekend
        ("2026-12-31T22:00", False, "2027-01-04T14:30"),
    ],
)
async def test_it_is_fresh_until_it_changes(now, is_open, until):
    """Holidays, weekends and early closes are known, and the answer lasts to the second."""
    at, change = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, until))
    clock = ManualClock(at)
    async with Core.open(Settings(), clock=clock) as core:
        fresh = core.service(Exchange).trading()
    assert (fresh.value.open, fresh.value.until, fresh.value.certain) == (is_open, change, True)
    assert fresh.fresh_s == (change - at).total_seconds()
