"""The forms in which the Odds API tells of sports, events, scores and books.

Each book is a little off the others, by a draw that is fixed by its name, the game and the second.
What no book offers is left out.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from perf.lab.providers.games import Game, Score, Stage
from perf.lab.providers.provider import Request

SPORTS = {
    "americanfootball_nfl": ("nfl", "American Football", "NFL"),
    "americanfootball_ncaaf": ("ncaa_football", "American Football", "NCAAF"),
    "basketball_nba": ("nba", "Basketball", "NBA"),
    "basketball_ncaab": ("ncaa_basketball", "Basketball", "NCAAB"),
}
BOOKS = {
    "us": ("draftkings", "fanduel", "betmgm", "betrivers"),
    "us2": ("espnbet", "fliff"),
    "us_dfs": ("prizepicks",),
    "us_ex": ("novig",),
    "uk": ("williamhill", "betvictor"),
    "eu": ("pinnacle", "unibet"),
    "fr": ("betclic_fr",),
    "se": ("svenskaspel",),
    "au": ("sportsbet", "tab"),
}
_EVEN = 100


def event_id(game: Game) -> str:
    """Return the 32 digits an event is known by."""
    return hashlib.blake2b(game.id.encode(), digest_size=16).hexdigest()


def event_of(game: Game) -> dict[str, Any]:
    """Return an event without its books."""
    key = next(key for key, (sport, _, _) in SPORTS.items() if sport == game.sport)
    return {
        "id": event_id(game),
        "sport_key": key,
        "sport_title": SPORTS[key][2],
        "commence_time": time_of(game.start),
        "home_team": game.home,
        "away_team": game.away,
    }


def score_of(game: Game, score: Score, now: float) -> dict[str, Any]:
    """Return an event with its score, null before it begins."""
    begun = score.stage in {Stage.LIVE, Stage.OVER}
    points = [
        {"name": game.home, "score": str(score.home)},
        {"name": game.away, "score": str(score.away)},
    ]
    return {
        **event_of(game),
        "completed": score.stage is Stage.OVER,
        "scores": points if begun else None,
        "last_update": time_of(now) if begun else None,
    }


def sport_of(key: str, *, active: bool, outrights: bool) -> dict[str, Any]:
    """Return a sport, or the outright market on it."""
    _, group, title = SPORTS[key]
    return {
        "key": f"{key}_championship_winner" if outrights else key,
        "group": group,
        "title": title,
        "description": f"{title} games",
        "active": active,
        "has_outrights": outrights,
    }


def quotes_of(
    game: Game, books: Sequence[str], markets: Sequence[str], request: Request, now: float
) -> list[dict[str, Any]]:
    """Return each book's markets, its prices a little off the others'."""
    american = request.query.get("oddsFormat", "decimal") == "american"
    updated = time_of(now)
    quotes = []
    for book in books:
        tilt = zlib.crc32(f"{book}:{game.id}:{now:.0f}".encode()) % 11 - 5
        found = [
            {"key": market, "last_update": updated, "outcomes": outcomes}
            for market in markets
            if (outcomes := _outcomes(game, market, tilt, american=american))
        ]
        quotes.append(
            {"key": book, "title": book.title(), "last_update": updated, "markets": found}
        )
    return quotes


def _outcomes(game: Game, market: str, tilt: int, *, american: bool) -> list[dict[str, Any]]:
    if game.moneyline is None or game.spread is None or game.total is None:
        return []
    home, away = game.moneyline
    match market:
        case "h2h":
            sides: list[tuple[dict[str, Any], int]] = [
                ({"name": game.home}, _shifted(home, tilt)),
                ({"name": game.away}, _shifted(away, -tilt)),
            ]
        case "spreads":
            sides = [
                ({"name": game.home, "point": game.spread}, -110 + tilt),
                ({"name": game.away, "point": -game.spread}, -110 - tilt),
            ]
        case "totals":
            sides = [
                ({"name": "Over", "point": game.total}, -110 + tilt),
                ({"name": "Under", "point": game.total}, -110 - tilt),
            ]
        case "player_points" if "basketball" in event_of(game)["sport_key"]:
            sides = [
                ({"name": side, "description": "A. Player", "point": 21.5}, -115 + tilt)
                for side in ("Over", "Under")
            ]
        case _:
            return []
    return [
        {"name": named.pop("name"), **_described(named), "price": _price(odds, american=american)}
        | named
        for named, odds in sides
    ]


def _described(named: dict[str, Any]) -> dict[str, Any]:
    return {"description": named.pop("description")} if "description" in named else {}


def _shifted(odds: int, tilt: int) -> int:
    """Return American odds a little off, never between -100 and 100."""
    moved = odds + tilt
    return moved if abs(moved) >= _EVEN else odds


def _price(odds: int, *, american: bool) -> int | float:
    if american:
        return odds
    return round(1 + (odds / _EVEN if odds > 0 else _EVEN / -odds), 2)


def time_of(seconds: float) -> str:
    """Write a moment to the second."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
