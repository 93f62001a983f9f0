"""What people open first, fetched ahead while few of them are here (002.5, K7).

Outside the session, and shortly before and after its opening, when what was kept over night has
ended: the lists of games and earnings, and the companies that stand on the most watchlists and in
open positions. With Redis all processes find what one worker fetched. It goes through the services
and their cache, so what is still fresh costs nothing, at the warmer's gentle rate, and stops at the
first provider in trouble.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, time
from functools import partial
from typing import TYPE_CHECKING

from ava.background.job import Backoff, Job
from ava.background.timetable import At, quarter_hours
from ava.cache.popularity import Popularity
from ava.cache.warming import Warmer, WarmingRule
from ava.db.query import named
from ava.services.earnings import Earnings
from ava.services.metadata import MetadataService
from ava.services.sports_desk import Sports

if TYPE_CHECKING:
    from ava.core import Core

SYMBOLS = 100
AT_ONCE = 25  # companies in one question to a provider

Fetch = Callable[[], Awaitable[object]]


async def warm(core: Core, _tick: datetime) -> str:
    """Fetch what is popular and not held; return how much that was."""
    fetches = await _popular(core)
    popularity = Popularity(clock=core.clock)
    for place, name in enumerate(reversed(list(fetches)), 1):
        for _ in range(place):
            popularity.saw(name)
    warmer = Warmer(
        lambda name: fetches[name](),
        lambda _: False,  # the services look into the cache themselves
        popularity=popularity,
        rule=WarmingRule(top=len(fetches), every_s=0.0),
        clock=core.clock,
    )
    await warmer.round_if_due()
    done = warmer.stats()
    return f"{done.fetched} of {len(fetches)} questions asked ahead, {done.failures} failed"


async def _popular(core: Core) -> Mapping[str, Fetch]:
    """Return what to ask, the most popular first."""
    sports, earnings = core.service(Sports), core.service(Earnings)
    companies = core.service(MetadataService)
    rows = await core.database.fetch(named("popular_symbols"), {"limit": SYMBOLS})
    symbols = [row["symbol"] for row in rows]
    fetches: dict[str, Fetch] = {
        "live games": sports.live,
        "coming games": sports.upcoming,
        "coming earnings": earnings.upcoming,
    }
    for start in range(0, len(symbols), AT_ONCE):
        some = symbols[start : start + AT_ONCE]
        fetches[f"companies from {start}"] = partial(companies.batch, some)
    return fetches


WARMING = Job(
    name="cache_warming",
    title="Popular questions asked ahead",
    timetable=At(
        (
            *quarter_hours(time(0), time(9, 15)),
            time(9, 25),
            time(9, 31),
            *quarter_hours(time(16, 15), time(23, 45)),
        ),
        "every 15 min outside the session, and around its opening",
    ),
    work=warm,
    priority=2,
    backoff=Backoff(attempts=1),
)
