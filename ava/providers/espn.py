"""ESPN's scoreboards: how the games of four leagues stand, all games of a day in one call, free.

The interface is undocumented. It refuses ranges of days, so a range is asked for day by day; a
month is one call, but ends without a word at about a hundred games, and then its days are asked
for instead. College boards show a selection unless a group is named, so one always is. A day is
the league's own, which is New York's.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Unpack

from msgspec import Struct, field

from ava.cache.keep import Keep
from ava.errors import BadRequestError, ProviderError
from ava.net.client import Client, Request
from ava.net.spec import Answer, Limit, ProviderSpec, Rate
from ava.providers import parse
from ava.providers.asking import How, ask, together
from ava.providers.games import GameState, League, Side, Status

NAME = "espn"

GENTLE = Rate(5.0, burst=10.0)  # nothing is published
GAMES = Keep(ttl_s=30, stale_s=300)  # 001.1: live games are kept 30 s
LONGEST_DAYS = 92
CAP = 100  # games that a month's board shows at most

_PATHS: Mapping[League, str] = MappingProxyType(
    {
        League.NFL: "/football/nfl/scoreboard",
        League.NCAA_FOOTBALL: "/football/college-football/scoreboard",
        League.NBA: "/basketball/nba/scoreboard",
        League.NCAA_BASKETBALL: "/basketball/mens-college-basketball/scoreboard",
    }
)
# All of the top football division, all of Division I basketball.
_GROUPS: Mapping[League, str] = MappingProxyType(
    {League.NCAA_FOOTBALL: "80", League.NCAA_BASKETBALL: "50"}
)
_MOST = "1000"
_UNRANKED = 99
_CALLED_OFF = frozenset({"STATUS_POSTPONED", "STATUS_CANCELED", "STATUS_ABANDONED"})
_STATES = {"pre": Status.SCHEDULED, "in": Status.LIVE, "post": Status.FINAL}


class _Refusal(Struct):
    message: str


def complaint(answer: Answer) -> ProviderError | None:
    """Explain the 400 that says nothing: it is given for ranges of days and unknown leagues."""
    said = parse.refusal(answer, _Refusal) if answer.status == 400 else None  # noqa: PLR2004 - HTTP
    if said is None:
        return None
    return BadRequestError(
        f"ESPN refused: {parse.excerpt(said.message)} (it takes a day, a month or a year, and the"
        " leagues of its own paths)",
        provider=NAME,
        status=answer.status,
    )


def spec(*limits: Limit) -> ProviderSpec:
    """Return the provider; `limits` replace a gentle five calls a second."""
    return ProviderSpec(
        name=NAME,
        base_url="https://site.api.espn.com/apis/site/v2/sports",
        limits=limits or (GENTLE,),
        concurrency=5,
        complaint=complaint,
    )


SPEC = spec()


class Espn:
    """Typed questions to ESPN's scoreboards."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def games(
        self, league: League, day: date | None = None, **how: Unpack[How]
    ) -> list[GameState]:
        """Return all games of a day; without one, those ESPN shows now (football: the week's)."""
        return await self._board(league, None if day is None else f"{day:%Y%m%d}", how)

    async def month(
        self, league: League, year: int, month: int, **how: Unpack[How]
    ) -> list[GameState]:
        """Return all games of a month, in one call where its board can hold them."""
        games = await self._board(league, f"{year:04d}{month:02d}", how)
        if len(games) < CAP:
            return games
        last = calendar.monthrange(year, month)[1]
        return await self.between(league, date(year, month, 1), date(year, month, last), **how)

    async def between(
        self, league: League, first: date, last: date, **how: Unpack[How]
    ) -> list[GameState]:
        """Return all games from `first` to `last`, by one call a day; a game comes once.

        A day that fails fails the whole. Raises ValueError for more than `LONGEST_DAYS` days.
        """
        days = (last - first).days + 1
        if not 1 <= days <= LONGEST_DAYS:
            raise ValueError(f"{first} to {last} is not 1 to {LONGEST_DAYS} days")
        boards = await together(
            self.games(league, first + timedelta(days=n), **how) for n in range(days)
        )
        return _in_order(game for board in boards for game in board)

    async def _board(self, league: League, dates: str | None, how: How) -> list[GameState]:
        params = {"limit": _MOST}
        if dates is not None:
            params["dates"] = dates
        if league in _GROUPS:
            params["groups"] = _GROUPS[league]
        request = Request(_PATHS[league], params)
        kind = list[GameState]
        return await ask(self._client, request, _reader(league), kind, {"keep": GAMES, **how})


class _Team(Struct):
    display_name: str = field(name="displayName")
    abbreviation: str | None = None


class _Rank(Struct):
    current: int


class _Competitor(Struct):
    id: str
    home_away: str = field(name="homeAway")
    team: _Team
    score: str | int | None = None
    winner: bool | None = None
    curated_rank: _Rank | None = field(name="curatedRank", default=None)


class _StatusType(Struct):
    name: str
    state: str
    completed: bool
    short_detail: str | None = field(name="shortDetail", default=None)


class _Status(Struct):
    type: _StatusType
    display_clock: str | None = field(name="displayClock", default=None)
    period: int | None = None


class _Venue(Struct):
    full_name: str | None = field(name="fullName", default=None)


class _Competition(Struct):
    competitors: list[_Competitor]
    status: _Status
    neutral_site: bool = field(name="neutralSite", default=False)
    venue: _Venue | None = None


class _Season(Struct):
    year: int


class _Event(Struct):
    id: str
    date: str
    season: _Season
    competitions: list[_Competition]


class _Board(Struct):
    events: list[_Event]


# Made once a league: callers with the same reader share one reading of an answer.
@cache
def _reader(league: League) -> Callable[[Answer], list[GameState]]:
    def read(answer: Answer) -> list[GameState]:
        events = parse.read_json(answer, _Board).events
        return _in_order(_game(league, event) for event in events)

    return read


def _game(league: League, event: _Event) -> GameState:
    """Read one event; raise ValueError where it is not a game of a home and an away side."""
    if len(event.competitions) != 1:
        raise ValueError(f"event {event.id} has {len(event.competitions)} competitions, not one")
    game = event.competitions[0]
    status, live = _status(game.status.type), game.status.type.state == "in"
    sides = {one.home_away: _side(one, status) for one in game.competitors}
    if len(game.competitors) != len(sides) or sides.keys() != {"home", "away"}:
        raise ValueError(f"event {event.id} is not between a home and an away side")
    return GameState(
        id=event.id,
        league=league,
        season=event.season.year,
        starts_at=_moment(event.date),
        status=status,
        home=sides["home"],
        away=sides["away"],
        period=game.status.period if live else None,
        clock=game.status.display_clock if live else None,
        detail=game.status.type.short_detail,
        neutral_site=game.neutral_site,
        venue=None if game.venue is None else game.venue.full_name,
    )


def _status(said: _StatusType) -> Status:
    """Return where a game stands; raise ValueError for a state nobody has described."""
    if said.name in _CALLED_OFF:
        return Status.POSTPONED
    if said.state not in _STATES:
        raise ValueError(f"{said.state!r} is no state of a game; known are {', '.join(_STATES)}")
    if said.state == "post" and not said.completed:
        return Status.POSTPONED
    return _STATES[said.state]


def _side(said: _Competitor, status: Status) -> Side:
    """Read a side; the "0" that stands before a game is nobody's score."""
    played = status in {Status.LIVE, Status.FINAL}
    rank = None if said.curated_rank is None else said.curated_rank.current
    return Side(
        id=said.id,
        name=said.team.display_name,
        abbreviation=said.team.abbreviation,
        score=int(said.score) if played and said.score is not None else None,
        winner=said.winner if status is Status.FINAL else None,
        rank=rank if rank is not None and 0 < rank < _UNRANKED else None,
    )


def _moment(text: str) -> datetime:
    """Read a time without seconds, "2026-09-13T17:00Z"; raise ValueError for one without a zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no zone, so it is not one moment")
    return at.astimezone(UTC)


def _in_order(games: Iterable[GameState]) -> list[GameState]:
    """Return each game once, by start; one may stand on the boards of two days."""
    found = {game.id: game for game in games}
    return sorted(found.values(), key=lambda game: (game.starts_at, game.id))
