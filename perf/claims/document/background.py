"""The background sync of document 001.5, and the two ways in which it counts the hours.

The document shows the two tasks that start it and says what they do: earnings at the start and
daily at 6:00, odds "every 15 minutes during active hours (9 AM - 11 PM)". The loop is written out
as it is told: every sport of the platform each time, and on to the next time whatever went wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

EVERY_S = 15 * 60
FIRST_HOUR, LAST_HOUR = 9, 23

GetOdds = Callable[[str], Awaitable[Any]]  # (sport key) -> decoded JSON


async def auto_sync_sports_odds(  # noqa: PLR0913 - what the loop takes from its surroundings
    get_odds: GetOdds,
    sports: Sequence[str],
    local_now: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[None]],
    failed: Callable[[str, Exception], None],
    *,
    ticks: int,
) -> None:
    """Sync every sport at every tick of the active hours, for so many ticks of the clock."""
    for _ in range(ticks):
        if FIRST_HOUR <= local_now().hour < LAST_HOUR:
            for sport in sports:
                try:
                    await get_odds(sport)
                except Exception as error:  # noqa: BLE001 - as the document's loop goes on
                    failed(sport, error)
        await sleep(EVERY_S)
