"""Make the table of sessions from exchange_calendars: `python -m ava.cache.sessions_build`.

That library knows every closure and early close of the exchange, and brings pandas with it, which a
serving process should not pay for. So it is asked once, by a developer, and what departs from the
week's rule is kept in `sessions.json`. A test holds the file against the library, day by day.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FIRST, LAST = date(1990, 1, 1), date(2040, 12, 31)
TABLE = Path(__file__).with_name("sessions.json")
_ZONE, _OPENS, _CLOSES = "America/New_York", "09:30", "16:00"
_SATURDAY = 5


def build() -> dict[str, Any]:
    """Return the table's content; needs the package exchange_calendars."""
    # It ships no type information; and pandas is for developers only.
    import exchange_calendars  # type: ignore[import-untyped]  # noqa: PLC0415

    calendar = exchange_calendars.get_calendar("XNYS", start=str(FIRST), end=str(LAST))
    hours = dict(_hours(calendar.schedule))
    weekdays = (FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1))
    usual = f"{_OPENS}-{_CLOSES}"
    return {
        "source": f"exchange_calendars {exchange_calendars.__version__}, XNYS",
        "zone": _ZONE,
        "opens": _OPENS,
        "closes": _CLOSES,
        "first": str(FIRST),
        "last": str(LAST),
        "closed": [str(d) for d in weekdays if d.weekday() < _SATURDAY and d not in hours],
        "hours": {str(day): times for day, times in hours.items() if times != usual},
    }


def _hours(schedule: Any) -> Iterable[tuple[date, str]]:
    """Yield each session's day and its hours on New York's clocks."""
    zone = ZoneInfo(_ZONE)
    for day, opens, closes in zip(schedule.index, schedule["open"], schedule["close"], strict=True):
        times = [at.to_pydatetime().astimezone(zone).strftime("%H:%M") for at in (opens, closes)]
        yield day.date(), "-".join(times)


if __name__ == "__main__":
    TABLE.write_text(json.dumps(build(), indent=0) + "\n", encoding="utf-8")
