"""Which sports' odds to ask for now, so that a month's credits last the month.

The document asks for every sport every fifteen minutes, which spends 500 credits before its first
evening is over. Here each day may use an even share of the credits that are left, and what a quiet
day leaves over goes to the days that follow. A day's share is dealt to the sports that have a game
before the next morning: each gets one sync before any gets a second, who waited longest first. A
sport's only sync of a day waits for its first game to be near; of several the first comes in the
morning and the others are spread up to the last game, and drawn to just before a start.

Pure: credits, games and past syncs come in, sports come out. Nothing is planned that the credits
left do not pay for, whatever the past was; so no calendar and no clock can exceed the quota.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ava.services.sports import Sport

ZONE = ZoneInfo("America/New_York")
OPENS, CLOSES = time(9), time(23)  # 001.5: between these the exchange's clock has odds synced
TICK = timedelta(minutes=15)
# Odds move most before a start: the only sync of a day waits until one is soon, another one is
# drawn to the two ticks before it if the last is no longer fresh.
SOON = timedelta(hours=3)
NEAR = 2 * TICK
FRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Credits:
    """What is left of the month's credits, when they come back, and what a sync costs."""

    left: int
    resets_at: datetime
    cost: int


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync that was made; `left` are the credits there were before it, None if unknown."""

    sport: Sport
    at: datetime
    left: int | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A day of syncs, from one morning to the next; `closes` is the last tick."""

    begins: datetime
    closes: datetime
    ends: datetime


def day_of(now: datetime) -> Day:
    """Return the day of syncs that `now` lies in."""
    local = now.astimezone(ZONE)
    day = local.date() if local.time() >= OPENS else local.date() - timedelta(days=1)
    return Day(_at(day, OPENS), _at(day, CLOSES), _at(day + timedelta(days=1), OPENS))


def is_open(now: datetime) -> bool:
    """Say whether odds are synced at this time of day on the exchange's clock."""
    return OPENS <= now.astimezone(ZONE).time().replace(second=0, microsecond=0) <= CLOSES


def choose(
    now: datetime,
    credits: Credits,  # noqa: A002 - the provider's own word
    starts: Mapping[Sport, Sequence[datetime]],
    past: Sequence[Synced],
) -> list[Sport]:
    """Return the sports to sync at this tick, the most pressing first.

    `starts` are the games to come, `past` the syncs of this month in the order they were made.
    """
    day = day_of(now)
    today = _of_today(past, day, credits)
    playing = {
        sport: coming
        for sport, times in starts.items()
        if (coming := sorted(at for at in times if now < at < day.ends))
    }
    share = allowance(now, credits, past)
    shares = _dealt(share + len(today), playing, today, past)
    latest = dict.fromkeys(shares, _NEVER) | {one.sport: one.at for one in past}
    wanted = [s for s in shares if _is_due(now, shares[s], latest[s], playing[s], day)]
    first = {one.sport for one in today}
    wanted.sort(key=lambda s: (s in first, latest[s], playing[s][0], s))
    return wanted[:share]


def allowance(now: datetime, credits: Credits, past: Sequence[Synced]) -> int:  # noqa: A002
    """Return how many syncs this day may still have.

    An even share of what was left at the day's first sync, less what has gone since, by whomever.
    A share below one sync is saved up until it makes one.
    """
    day = day_of(now)
    today = _of_today(past, day, credits)
    known = next((one.left for one in today if one.left is not None), None)
    dawn = credits.left if known is None else max(known, credits.left)
    days = days_left(now, credits.resets_at)
    share = dawn / days
    whole = int(share // credits.cost)
    if whole == 0 and _days_since(past, day, credits) * share >= credits.cost:
        whole = 1
    gone = -(-(dawn - credits.left) // credits.cost)
    return max(0, min(whole - gone, credits.left // credits.cost))


def days_left(now: datetime, resets_at: datetime) -> int:
    """Return how many days of syncs, this one included, begin before the credits come back."""
    first = day_of(now).begins.astimezone(ZONE).date()
    last = resets_at.astimezone(ZONE)
    whole = (last.date() - first).days + (last.time() > OPENS)
    return max(1, whole)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _began(credits: Credits) -> datetime:  # noqa: A002
    """Return when the month of these credits began."""
    return (credits.resets_at - timedelta(days=1)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )


def _of_today(past: Sequence[Synced], day: Day, credits: Credits) -> list[Synced]:  # noqa: A002
    since = max(day.begins, _began(credits))
    return [one for one in past if since <= one.at < day.ends]


def _days_since(past: Sequence[Synced], day: Day, credits: Credits) -> int:  # noqa: A002
    """Return for how many days a share was saved up, this one included."""
    latest = max((one.at for one in past), default=_NEVER)
    return max(0, (day.begins - day_of(max(latest, _began(credits))).begins).days)


def _dealt(
    syncs: int,
    playing: Mapping[Sport, Sequence[datetime]],
    today: Sequence[Synced],
    past: Sequence[Synced],
) -> dict[Sport, int]:
    """Deal the day's syncs, those already made included: one each, and again until none is left.

    Where they do not go round, whoever was synced longest ago comes first.
    """
    made = {sport: sum(one.sport is sport for one in today) for sport in playing}
    elsewhere = sum(one.sport not in playing for one in today)
    latest = {one.sport: one.at for one in past if one not in today}
    order = sorted(playing, key=lambda s: (made[s] == 0, latest.get(s, _NEVER), playing[s][0], s))
    shares = dict.fromkeys(order, 0)
    left = syncs - elsewhere
    while left > 0 and order:
        for sport in order[:left]:
            shares[sport] += 1
        left -= len(order)
    return {sport: max(0, dealt - made[sport]) for sport, dealt in shares.items()}


def _is_due(
    now: datetime, left: int, latest: datetime, coming: Sequence[datetime], day: Day
) -> bool:
    """Say whether a sport with `left` syncs to go today, the last made at `latest`, has one now."""
    first, last = coming[0], coming[-1]
    if left == 0:
        return False
    if latest < day.begins:
        return left > 1 or first - now <= SOON or first > day.closes
    gap = max(TICK, (last - latest) / (left + 1))
    age = now - latest + TICK / 2  # it was made a little after its tick
    return age >= gap or (first - now <= NEAR and age >= max(FRESH, gap / 2))


def _at(day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZONE).astimezone(UTC)
