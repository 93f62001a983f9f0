"""ESPN's scoreboards: no key, all games of a day in one call, and 400 for a range of days.

A day, a month (YYYYMM) or a year (YYYY, at most 100 games) may be asked for; without a date it is
the week around now. College boards without `groups` are partial: every third game only. Scores are
strings, `winner` is there only at the end, odds only before the start.
"""

from __future__ import annotations

import re
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from perf.lab.providers.games import Game, Score, Stage, games
from perf.lab.providers.limits import Gauge, Window
from perf.lab.providers.market import day_of
from perf.lab.providers.provider import (
    Grade,
    Provider,
    Refusal,
    Reply,
    Request,
    Terms,
    limited,
    refused,
    route,
)

_BOARDS = {
    ("football", "nfl"): ("nfl", "28", "NFL"),
    ("football", "college-football"): ("ncaa_football", "23", "NCAAF"),
    ("basketball", "nba"): ("nba", "46", "NBA"),
    ("basketball", "mens-college-basketball"): ("ncaa_basketball", "41", "NCAAM"),
}
_WHOLE_BOARD = {"ncaa_football": "80", "ncaa_basketball": "50"}
_MOST = 100
_RANKED = 25
_UNRANKED = 99
_DATES = re.compile(r"\d{4}(\d{2}(\d{2})?)?")


class Espn(Provider):
    """The scoreboards; their paths lie under /apis/site/v2/sports at the real one."""

    name = "espn"
    keys: ClassVar = {"keyless": Grade.FULL}

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._games = games(terms.seed, terms.started)

    def limits(self) -> list[Gauge]:
        """Return 60 a second: none is published, and more than that is impolite."""
        return [Window(60, 1.0)]

    def too_fast(self, _wait_s: float, _request: Request) -> Reply:
        """Answer 429."""
        return limited(429, {"code": 429, "message": "Too many requests."})

    def unknown(self, _request: Request) -> Reply:
        """Answer 400, as for any trouble."""
        return _failed()

    @route("/{sport}/{league}/scoreboard")
    def scoreboard(self, request: Request, now: float) -> Any:
        """Answer the games of a league."""
        board = _BOARDS.get((request.query["sport"], request.query["league"]))
        if board is None:
            raise Refusal(_failed())
        sport, number, short = board
        found = [
            game for game in self._games[sport] if _matches(game, request.query.get("dates"), now)
        ]
        if sport in _WHOLE_BOARD and request.query.get("groups") != _WHOLE_BOARD[sport]:
            found = found[::3]
        shown = found[: _limit(request)]
        season = shown[0].season if shown else day_of(now).year
        league = {
            "id": number,
            "name": short,
            "abbreviation": short,
            "slug": request.query["league"],
        }
        return {
            "leagues": [league],
            "season": {"type": 2, "year": season},
            "week": {"number": _week(shown[0]) if shown else 1},
            "events": [_event(game, game.score(now), season) for game in shown],
        }


def _matches(game: Game, dates: str | None, now: float) -> bool:
    """Say whether a game is asked for; raise Refusal for what is no day, month or year."""
    if not dates:
        return abs((game.day - day_of(now)).days) <= (3 if "football" in game.sport else 0)
    if not _DATES.fullmatch(dates):
        raise Refusal(_failed())
    return f"{game.day:%Y%m%d}".startswith(dates)


def _limit(request: Request) -> int:
    """Return the most games to show: 100 of a year, whatever is asked."""
    asked = request.query.get("limit", "")
    limit = int(asked) if asked.isdigit() else _MOST
    return min(limit, _MOST) if len(request.query.get("dates", "")) == len("2026") else limit


def _week(game: Game) -> int:
    start = date(game.season, 9, 1)
    return max(1, (game.day - start + timedelta(days=7)).days // 7)


def number_of(game_id: str) -> str:
    """Return the number by which ESPN knows a game of the data set."""
    return str(401_000_000 + zlib.crc32(game_id.encode()) % 1_000_000)


def _event(game: Game, score: Score, season: int) -> dict[str, Any]:
    number = number_of(game.id)
    when = f"{datetime.fromtimestamp(game.start, UTC):%Y-%m-%dT%H:%MZ}"
    sides = [_side(game, score, home=True), _side(game, score, home=False)]
    home, away = (side["team"] for side in sides)
    status = _status(score)
    competition: dict[str, Any] = {
        "id": number,
        "date": when,
        "neutralSite": False,
        "venue": {"id": "1", "fullName": f"{home['location']} Arena", "indoor": True},
        "competitors": sides,
        "status": status,
    }
    if score.stage is Stage.COMING and game.spread is not None:
        competition["odds"] = [_odds(game, str(home["abbreviation"]))]
    if score.stage is Stage.LIVE and "football" in game.sport:
        competition["situation"] = {"down": 2, "distance": 7, "yardLine": 45, "isRedZone": False}
    return {
        "id": number,
        "date": when,
        "name": f"{away['displayName']} at {home['displayName']}",
        "shortName": f"{away['abbreviation']} @ {home['abbreviation']}",
        "season": {"year": season, "type": 2, "slug": "regular-season"},
        "competitions": [competition],
        "status": status,
    }


def _side(game: Game, score: Score, *, home: bool) -> dict[str, Any]:
    name = game.home if home else game.away
    points, other = (score.home, score.away) if home else (score.away, score.home)
    location, _, nickname = name.rpartition(" ")
    number = str(zlib.crc32(name.encode()) % 1000)
    side: dict[str, Any] = {
        "id": number,
        "homeAway": "home" if home else "away",
        "order": 0 if home else 1,
        "score": str(points),
        "team": {
            "id": number,
            "location": location,
            "name": nickname,
            "abbreviation": _abbreviation(location, nickname),
            "displayName": name,
            "shortDisplayName": nickname,
        },
        "records": [{"name": "overall", "type": "total", "summary": "1-0"}],
    }
    if score.stage in {Stage.LIVE, Stage.OVER}:
        side["linescores"] = _by_period(points, score.period)
    if score.stage is Stage.OVER:
        side["winner"] = points > other
    if game.sport.startswith("ncaa"):
        rank = zlib.crc32(f"{name}:rank".encode()) % 60 + 1
        side["curatedRank"] = {"current": rank if rank <= _RANKED else _UNRANKED}
    return side


def _abbreviation(location: str, nickname: str) -> str:
    """Return two letters of the place and one of the name, as boards do."""
    return f"{location.replace(' ', '')[:2]}{nickname[:1]}".upper()


def _by_period(points: int, periods: int) -> list[dict[str, float]]:
    share, rest = divmod(points, max(1, periods))
    return [{"value": float(share + (place < rest))} for place in range(periods)]


def _status(score: Score) -> dict[str, Any]:
    clock = f"{score.clock_s // 60}:{score.clock_s % 60:02d}"
    kind, name, state, text = {
        Stage.COMING: ("1", "STATUS_SCHEDULED", "pre", "Scheduled"),
        Stage.LIVE: ("2", "STATUS_IN_PROGRESS", "in", f"{clock} - {_ordinal(score.period)}"),
        Stage.OVER: ("3", "STATUS_FINAL", "post", "Final"),
        Stage.POSTPONED: ("6", "STATUS_POSTPONED", "post", "Postponed"),
    }[score.stage]
    live = score.stage is Stage.LIVE
    if score.halftime:
        kind, name, text = "23", "STATUS_HALFTIME", "Halftime"
    return {
        "clock": float(score.clock_s) if live else 0.0,
        "displayClock": clock if live else "0:00",
        "period": score.period,
        "type": {
            "id": kind,
            "name": name,
            "state": state,
            "completed": score.stage is Stage.OVER,
            "description": text,
            "detail": text,
            "shortDetail": text,
        },
    }


def _ordinal(period: int) -> str:
    return ("1st", "2nd", "3rd", "4th")[period - 1]


def _odds(game: Game, home: str) -> dict[str, Any]:
    return {
        "provider": {"id": "45", "name": "Book", "priority": 1},
        "details": f"{home} {game.spread:g}",
        "overUnder": game.total,
        "spread": game.spread,
    }


def _failed() -> Reply:
    return refused(400, {"code": 400, "message": "Failed to get events endpoint."})
